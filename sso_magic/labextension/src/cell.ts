import type { CodeCell } from "@jupyterlab/cells";
import { NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import type { Offer } from "./identity.js";
import { cellsOf } from "./record.js";

const EDGE = "sso-magic-edge";
const OFFER = "sso-magic-offer";

function remove(cell: CodeCell, name: string): void {
  cell.node.querySelector(`:scope > .${name}`)?.remove();
}

/**
 * Mark a cell that runs: a thin edge if it has used a role in production, and no offer of an earlier run.
 *
 * Nothing of it is in the notebook's file.
 *
 * @param request - The id of the message that the cell was run by.
 * @param production - The roles in production that it has used so far.
 */
export function mark(notebook: NotebookPanel, request: string, production: string[]): void {
  for (const cell of cellsOf(notebook, request)) {
    remove(cell, EDGE);
    if (production.length === 0) {
      remove(cell, OFFER);
      continue;
    }
    const edge = document.createElement("div");
    edge.className = EDGE;
    edge.setAttribute("role", "img");
    edge.title = `Ran in production as ${production.join(", ")}`;
    edge.setAttribute("aria-label", edge.title);
    cell.node.append(edge);
  }
}

/**
 * Show a button below a cell that has failed. It runs a magic, and the cell again if the magic succeeds.
 *
 * @param request - The id of the message that the cell was run by.
 * @param runMagic - Runs a magic in the notebook's kernel; false if it fails.
 */
export function showOffer(
  notebook: NotebookPanel,
  request: string,
  offer: Offer,
  runMagic: (magic: string) => Promise<boolean>,
): void {
  for (const cell of cellsOf(notebook, request)) {
    remove(cell, OFFER);
    const line = document.createElement("div");
    line.className = OFFER;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "jp-mod-styled jp-mod-accept";
    button.textContent = offer.label;
    button.title = `Run ${offer.magic}, then this cell`;
    button.addEventListener("click", async () => {
      button.disabled = true;
      const succeeded = await runMagic(offer.magic);
      button.disabled = false;
      if (succeeded && !cell.isDisposed) {
        await runAgain(notebook, cell);
      }
    });
    line.append(button);
    cell.node.append(line);
  }
}

async function runAgain(notebook: NotebookPanel, cell: CodeCell): Promise<void> {
  const { content, sessionContext } = notebook;
  content.deselectAll();
  content.activeCellIndex = content.widgets.indexOf(cell);
  await NotebookActions.run(content, sessionContext);
}
