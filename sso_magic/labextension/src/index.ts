import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { KernelMessage } from "@jupyterlab/services";
import { IStatusBar } from "@jupyterlab/statusbar";
import { Menu } from "@lumino/widgets";
import { mark, showOffer } from "./cell.js";
import { Connection } from "./connection.js";
import { COMM, type Identity, describe } from "./identity.js";
import { IdentityItem } from "./item.js";
import { KEY, pin, record } from "./record.js";
import { PANEL, SideBar } from "./sidebar.js";

const TICK = 5_000; // milliseconds between two updates of the minutes left

/** A command in the menu of the status bar: its label, the magic it runs, and whether it is of use now. */
interface Action {
  id: string;
  magic: string;
  label(identity: Identity | null): string;
  isUseful(identity: Identity): boolean;
}

const ACTIONS: Action[] = [
  { id: "status", magic: "%sso_status", label: () => "Status", isUseful: () => true },
  { id: "panel", magic: PANEL, label: () => "Panel in the Side Bar", isUseful: () => true },
  {
    id: "previous",
    magic: "%sso_use -",
    label: identity => `Use Previous Role${identity?.previous ? `: ${identity.previous}` : ""}`,
    isUseful: identity => identity.previous !== null,
  },
  {
    id: "release",
    magic: "%sso_use --off",
    label: () => "Release Role",
    isUseful: identity => identity.role !== null,
  },
  {
    id: "console",
    magic: "%sso_console",
    label: () => "Link to the AWS Console",
    isUseful: identity => identity.role !== null,
  },
  { id: "sign-in", magic: "%sso_login", label: () => "Sign In", isUseful: () => true },
];

/** Ask a kernel's comm which role is in use; false if the kernel has no such comm. Any other kernel is asked nothing. */
async function ask(notebook: NotebookPanel): Promise<boolean> {
  const kernel = notebook.sessionContext.session?.kernel;
  if (!kernel || (await kernel.info).language_info.name !== "python") {
    return false;
  }
  const { content } = await kernel.requestCommInfo({ target_name: COMM });
  if (content.status !== "ok" || !(COMM in content.comms)) {
    return false;
  }
  // Not by `createComm`: of two notebooks with one kernel only one may have comms.
  const message = KernelMessage.createMessage<KernelMessage.ICommMsgMsg<"shell">>({
    msgType: "comm_msg",
    channel: "shell",
    username: kernel.username,
    session: kernel.clientId,
    content: { comm_id: COMM, data: { writes_records: true, pin: notebook.model?.getMetadata(KEY) ?? null } },
  });
  kernel.sendShellMessage(message, false, true);
  return true;
}

/** Return which notebook and kernel are meant, for tooltips. */
function where(notebook: NotebookPanel): string {
  const { sessionContext } = notebook;
  return `Notebook ${notebook.title.label}, kernel ${sessionContext.kernelDisplayName}.`;
}

/** What the connection of a notebook calls. */
interface Callbacks {
  changed(): void;
  /** What the kernel has shown belongs to a kernel that has ended. */
  ended(): void;
  /** Run a magic in the side bar; false if it fails. */
  run(magic: string): Promise<boolean>;
}

/** Connect a notebook with its kernel. */
function connect(notebook: NotebookPanel, { changed, ended, run }: Callbacks): Connection {
  const { sessionContext } = notebook;
  const connection = new Connection({
    ask: () => ask(notebook),
    changed,
    ran: (request, roles) => record(notebook, request, roles),
    pinned: (request, role) => pin(notebook, request, role),
    running: (request, production) => mark(notebook, request, production),
    offered: (request, offer) => showOffer(notebook, request, offer, run),
    now: () => performance.now(),
  });
  sessionContext.kernelChanged.connect((_, { newValue }) => {
    ended();
    connection.kernelChanged(newValue?.status ?? null);
    connection.connectionChanged(newValue?.connectionStatus ?? "connecting");
  });
  sessionContext.statusChanged.connect((_, status) => {
    if (status === "restarting" || status === "autorestarting") {
      ended();
    }
    connection.statusChanged(status);
    changed();
  });
  sessionContext.connectionStatusChanged.connect((_, status) => connection.connectionChanged(status));
  sessionContext.iopubMessage.connect((_, message) => connection.received(message));
  const kernel = sessionContext.session?.kernel;
  if (kernel) {
    connection.connectionChanged(kernel.connectionStatus);
    connection.kernelChanged(kernel.status);
  }
  return connection;
}

/** Says in the status bar which AWS role the kernel of the notebook in front uses. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: "sso-magic:identity",
  description: "The AWS role of the notebook in front, in the status bar.",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker, statusBar: IStatusBar | null) => {
    const { commands, shell } = app;
    const connections = new Map<NotebookPanel, Connection>();
    const menu = new Menu({ commands });
    menu.addClass("sso-magic-menu");
    const sideBar = new SideBar(() => void commands.execute("sso-magic:panel"));

    const front = (): [NotebookPanel, Connection] | null => {
      const notebook = tracker.currentWidget;
      const connection = notebook && connections.get(notebook);
      return notebook && connection ? [notebook, connection] : null;
    };
    const item = new IdentityItem(place => menu.open(place.left, place.top, { forceY: false }));

    const update = (): void => {
      menu.update(); // an open menu offers its commands when the cell has ended
      const [notebook, connection] = front() ?? [null, null];
      const identity = connection?.identity ?? null;
      if (notebook === null || connection === null || identity === null) {
        item.display(null);
        sideBar.front(notebook, "The notebook in front has not loaded sso_magic.", false);
      } else {
        item.display(describe(identity, connection.age, where(notebook), connection.connected));
        sideBar.front(notebook, where(notebook), connection.isIdle && connection.connected);
      }
    };

    const run = (notebook: NotebookPanel, magic: string): Promise<boolean> => {
      shell.activateById(sideBar.id);
      return sideBar.run(notebook, magic);
    };

    for (const action of ACTIONS) {
      const command = `sso-magic:${action.id}`;
      commands.addCommand(command, {
        label: () => action.label(front()?.[1].identity ?? null),
        caption: () => `Run ${action.magic} in the notebook's kernel; not while a cell runs`,
        isEnabled: () => {
          const connection = front()?.[1];
          return (
            !!connection?.identity &&
            connection.isIdle &&
            connection.connected &&
            action.isUseful(connection.identity)
          );
        },
        execute: () => {
          const notebook = front()?.[0];
          if (notebook) {
            void run(notebook, action.magic);
            update();
          }
        },
      });
      menu.addItem({ command });
    }

    const add = (notebook: NotebookPanel): void => {
      connections.set(
        notebook,
        connect(notebook, {
          changed: update,
          ended: () => sideBar.forget(notebook),
          run: magic => run(notebook, magic),
        }),
      );
      notebook.title.changed.connect(update);
      notebook.disposed.connect(() => {
        connections.delete(notebook);
        update();
      });
      update();
    };
    tracker.forEach(add);
    tracker.widgetAdded.connect((_, notebook) => add(notebook));
    tracker.currentChanged.connect(update);
    setInterval(update, TICK);

    if (statusBar) {
      statusBar.registerStatusItem("sso-magic:identity", { item, align: "left", rank: 2.5 });
    } else {
      item.id = "sso-magic-identity"; // Notebook 7 has no status bar
      shell.add(item, "top", { rank: 15_000 });
    }
    shell.add(sideBar, "right", { rank: 1_500, type: "AWS" });
  },
};

export default plugin;
