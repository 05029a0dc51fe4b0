import type { NotebookPanel } from "@jupyterlab/notebook";
import { OutputArea, OutputAreaModel } from "@jupyterlab/outputarea";
import { Panel, Widget } from "@lumino/widgets";

/** Outputs without prompts beside them; a question of the kernel is shown as below a cell. */
class Outputs extends OutputArea {
  protected override createOutputItem(
    model: Parameters<OutputArea["createRenderedMimetype"]>[0],
  ): Widget | null {
    const output = this.createRenderedMimetype(model);
    if (output === null) {
      return null;
    }
    const item = new Panel();
    item.addClass("jp-OutputArea-child");
    output.addClass("jp-OutputArea-output");
    item.addWidget(output);
    return item;
  }
}

/** What one notebook's kernel has shown in the side bar: the panel, and above it the output of the last magic. */
class NotebookOutputs extends Panel {
  private readonly _line: Outputs;
  private readonly _panel: Outputs;

  constructor(private readonly _notebook: NotebookPanel) {
    super();
    this._line = this._area();
    this._panel = this._area();
  }

  /**
   * Run a magic in the notebook's kernel and show what it shows. It is in no history and has no number.
   *
   * @returns False if it failed, or the kernel ended meanwhile.
   */
  async run(magic: string): Promise<boolean> {
    const kernel = this._notebook.sessionContext.session?.kernel;
    if (!kernel) {
      return false;
    }
    const area = magic === PANEL ? this._panel : this._line;
    this._line.model.clear();
    area.model.clear();
    const future = kernel.requestExecute({ code: magic, store_history: false, stop_on_error: false });
    area.future = future;
    return future.done.then(
      reply => reply.content.status === "ok",
      () => false,
    );
  }

  private _area(): Outputs {
    const area = new Outputs({
      model: new OutputAreaModel({ trusted: true }),
      rendermime: this._notebook.content.rendermime,
      contentFactory: this._notebook.content.contentFactory,
    });
    this.addWidget(area);
    return area;
  }
}

/** The magic whose output stays in the side bar. */
export const PANEL = "%sso_panel";

/** The side bar: for each notebook what its own kernel has shown. */
export class SideBar extends Panel {
  private readonly _outputs = new Map<NotebookPanel, NotebookOutputs>();
  private readonly _bar = document.createElement("div");

  /** @param showPanel - Called when the panel is asked for. */
  constructor(showPanel: () => void) {
    super();
    this.id = "sso-magic-sidebar";
    this.addClass("sso-magic-sidebar");
    this.title.label = "AWS";
    this.title.caption = "AWS role of the notebook in front";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "jp-mod-styled jp-mod-accept";
    button.textContent = "Show the panel";
    button.addEventListener("click", showPanel);
    this._bar.append(document.createElement("p"), button);
    const head = new Widget({ node: this._bar });
    head.addClass("sso-magic-sidebar-head");
    this.addWidget(head);
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", this.title.caption);
  }

  /** Show what belongs to this notebook, and hide the rest. */
  front(notebook: NotebookPanel | null, where: string, usable: boolean): void {
    const [text, button] = this._bar.children as unknown as [HTMLElement, HTMLButtonElement];
    text.textContent = where;
    button.disabled = !usable;
    for (const [owner, outputs] of this._outputs) {
      outputs.setHidden(owner !== notebook);
    }
  }

  /** Run a magic in a notebook's kernel and show what it shows; false if it failed. */
  run(notebook: NotebookPanel, magic: string): Promise<boolean> {
    let outputs = this._outputs.get(notebook);
    if (outputs === undefined) {
      outputs = new NotebookOutputs(notebook);
      this._outputs.set(notebook, outputs);
      this.addWidget(outputs);
      notebook.disposed.connect(() => this.forget(notebook));
    }
    return outputs.run(magic);
  }

  /** Remove what a notebook's former kernel has shown. */
  forget(notebook: NotebookPanel): void {
    this._outputs.get(notebook)?.dispose();
    this._outputs.delete(notebook);
  }
}
