import { COMM, type Identity, parse } from "./identity.js";

/** The parts of a message that are read. */
export interface Message {
  header: { msg_type: string };
  content: unknown;
}

/** What a connection asks of the notebook it belongs to. */
export interface Host {
  /** Ask the kernel for the comm, and the comm to say which role is in use; false if the kernel has no such comm. */
  ask(): Promise<boolean>;
  /** Called after each change of `identity` and of `connected`. */
  changed(): void;
  /** Return the time in milliseconds. */
  now(): number;
}

const ENDED = new Set(["restarting", "autorestarting", "terminating", "dead", "starting"]);

/**
 * What one notebook knows of the role in use in its kernel.
 *
 * The kernel says so at each change. It is asked once after each connection, when it is idle: a notebook that was
 * opened later has missed what was said before.
 */
export class Connection {
  /** What the kernel said last; null if it has not loaded sso_magic, or that is not known yet. */
  identity: Identity | null = null;
  /** False while messages of the kernel may be missing. */
  connected = true;

  private _received = 0;
  private _isIdle = false;
  private _mustAsk = true;
  private _news = 0; // counts what the kernel has said, and the kernels

  constructor(private readonly _host: Host) {}

  /** Seconds since the kernel said what `identity` holds. */
  get age(): number {
    return (this._host.now() - this._received) / 1000;
  }

  /** True if no cell is running. */
  get isIdle(): boolean {
    return this._isIdle;
  }

  /** The notebook has another kernel, or none; `status` is the kernel's. */
  kernelChanged(status: string | null): void {
    this._forget();
    this.statusChanged(status ?? "unknown");
  }

  /** The kernel's status has changed. */
  statusChanged(status: string): void {
    this._isIdle = status === "idle";
    if (ENDED.has(status)) {
      this._forget();
    }
    this._askIfDue();
  }

  /** The connection to the kernel was lost or made. */
  connectionChanged(status: string): void {
    const connected = status === "connected";
    if (connected !== this.connected) {
      this.connected = connected;
      this._mustAsk = true;
      this._host.changed();
    }
    this._askIfDue();
  }

  /** Any message that the kernel has published. */
  received(message: Message): void {
    if (message.header.msg_type !== "comm_msg") {
      return;
    }
    const { comm_id, data } = message.content as { comm_id?: unknown; data?: unknown };
    const identity = comm_id === COMM ? parse(data) : undefined;
    if (identity !== undefined) {
      this._news += 1;
      this.identity = identity;
      this._received = this._host.now();
      this._host.changed();
    }
  }

  private _forget(): void {
    this._news += 1;
    this._mustAsk = true;
    if (this.identity !== null) {
      this.identity = null;
      this._host.changed();
    }
  }

  private _askIfDue(): void {
    if (!this._mustAsk || !this._isIdle || !this.connected) {
      return;
    }
    this._mustAsk = false;
    const news = this._news;
    this._host.ask().then(
      hasComm => {
        // The answer and what the kernel says come by two channels: it may have loaded sso_magic since it answered.
        if (!hasComm && news === this._news && this.identity !== null) {
          this.identity = null;
          this._host.changed();
        }
      },
      () => {
        this._mustAsk = true; // the connection was lost; asked again after the next one
      },
    );
  }
}
