import {
  COMM,
  type Identity,
  type Offer,
  type Pin,
  type RanAs,
  parse,
  parseOffer,
  parsePin,
  parseRecord,
  productionLabel,
} from "./identity.js";

/** The parts of a message that are read. */
export interface Message {
  header: { msg_type: string };
  parent_header: { msg_id?: string };
  content: unknown;
}

/** What a connection asks of the notebook it belongs to. */
export interface Host {
  /** Ask the kernel for the comm, and the comm to say which role is in use; false if the kernel has no such comm. */
  ask(): Promise<boolean>;
  /** Called after each change of `identity` and of `connected`. */
  changed(): void;
  /** A cell has run as these roles; `request` is the id of the message that it was run by, from whatever client. */
  ran(request: string, roles: RanAs[]): void;
  /** A cell has pinned its notebook to a role; `request` as for `ran`. */
  pinned(request: string, pin: Pin): void;
  /** A cell runs, so far as these roles in production; `request` as for `ran`. */
  running(request: string, production: string[]): void;
  /** A cell has ended with an error about which something can be done; `request` as for `ran`. */
  offered(request: string, offer: Offer): void;
  /** Return the time in milliseconds. */
  now(): number;
}

const ENDED = new Set(["restarting", "autorestarting", "terminating", "dead", "starting"]);

/**
 * What one notebook knows of the role in use in its kernel.
 *
 * The kernel says so at each change. It is asked once after each connection, when it is idle: a notebook that was
 * opened later has missed what was said before. It is asked once more after it has loaded sso_magic, which learns so
 * that this front end writes records.
 */
export class Connection {
  /** What the kernel said last; null if it has not loaded sso_magic, or that is not known yet. */
  identity: Identity | null = null;
  /** False while messages of the kernel may be missing. */
  connected = true;

  private _received = 0;
  private _isIdle = false;
  private _mustAsk = true;
  private _isKnown = false; // the comm has received a message of this front end, or will before the next cell
  private _running: string | null = null; // the request that the kernel works on
  private _production: string[] = []; // roles in production that it has used
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
    if (this._isIdle) {
      this._running = null;
    }
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
    if (message.header.msg_type === "execute_input") {
      this._begin(message.parent_header.msg_id ?? null);
    }
    if (message.header.msg_type !== "comm_msg") {
      return;
    }
    const { comm_id, data } = message.content as { comm_id?: unknown; data?: unknown };
    if (comm_id !== COMM) {
      return;
    }
    const record = parseRecord(data);
    const request = message.parent_header.msg_id;
    if (record !== undefined && request !== undefined) {
      this._host.ran(request, record);
    }
    const pin = parsePin(data);
    if (pin !== undefined && request !== undefined) {
      this._host.pinned(request, pin);
    }
    const offer = parseOffer(data);
    if (offer !== undefined && request !== undefined) {
      this._host.offered(request, offer);
    }
    const identity = parse(data);
    if (identity !== undefined) {
      this._mustAsk ||= !this._isKnown; // asked before the kernel loaded sso_magic
      this._isKnown = true;
      this._news += 1;
      this.identity = identity;
      this._received = this._host.now();
      this._noteProduction();
      this._host.changed();
    }
  }

  private _begin(request: string | null): void {
    this._running = request;
    this._production = [];
    if (request !== null) {
      this._host.running(request, []); // it may have run in production before
      this._noteProduction();
    }
  }

  private _noteProduction(): void {
    const label = productionLabel(this.identity);
    if (this._running !== null && label !== null && !this._production.includes(label)) {
      this._production.push(label);
      this._host.running(this._running, this._production);
    }
  }

  private _forget(): void {
    this._news += 1;
    this._mustAsk = true;
    this._isKnown = false;
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
        this._isKnown ||= hasComm;
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
