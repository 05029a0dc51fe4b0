import type { CodeCell } from "@jupyterlab/cells";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { RanAs } from "./identity.js";

/** The key in a cell's metadata; see sso_magic/notebook/identity_record.py. */
const KEY = "sso_magic";

/**
 * Write into a cell's metadata which roles it ran as, or remove what an earlier run wrote if it ran as none.
 *
 * @param request - The id of the message that the cell was run by. A notebook that did not send it writes nothing.
 */
export function record(notebook: NotebookPanel, request: string, roles: RanAs[]): void {
  for (const cell of notebook.content.widgets) {
    const { model } = cell;
    if (model.type === "code" && (cell as CodeCell).outputArea.future?.msg.header.msg_id === request) {
      if (roles.length > 0) {
        model.setMetadata(KEY, { ran_as: roles });
      } else if (model.getMetadata(KEY) !== undefined) {
        model.deleteMetadata(KEY);
      }
    }
  }
}
