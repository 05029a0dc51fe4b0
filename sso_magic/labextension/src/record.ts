import type { Cell, CodeCell } from "@jupyterlab/cells";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { Pin, RanAs } from "./identity.js";

/** The key in a cell's and a notebook's metadata; see sso_magic/notebook/pin.py. */
export const KEY = "sso_magic";

/**
 * Return the cells of a notebook that a message has run; none if another notebook or client sent it.
 *
 * @param request - The id of the message.
 */
export function cellsOf(notebook: NotebookPanel, request: string): CodeCell[] {
  const isRunBy = (cell: Cell): cell is CodeCell =>
    cell.model.type === "code" && (cell as CodeCell).outputArea.future?.msg.header.msg_id === request;
  return notebook.content.widgets.filter(isRunBy);
}

/** Write into a cell's metadata which roles it ran as, or remove what an earlier run wrote if it ran as none. */
export function record(notebook: NotebookPanel, request: string, roles: RanAs[]): void {
  for (const { model } of cellsOf(notebook, request)) {
    if (roles.length > 0) {
      model.setMetadata(KEY, { ran_as: roles });
    } else if (model.getMetadata(KEY) !== undefined) {
      model.deleteMetadata(KEY);
    }
  }
}

/** Write into the notebook's metadata which role it is pinned to. */
export function pin(notebook: NotebookPanel, request: string, role: Pin): void {
  if (cellsOf(notebook, request).length > 0) {
    notebook.model?.setMetadata(KEY, role);
  }
}
