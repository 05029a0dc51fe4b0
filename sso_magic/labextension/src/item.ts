import { Widget } from "@lumino/widgets";
import type { Shown } from "./identity.js";

/** The button in the status bar that says which role is in use. */
export class IdentityItem extends Widget {
  private readonly _button = document.createElement("button");

  /** @param open - Called with the button's place on the screen when it is pressed. */
  constructor(open: (place: DOMRect) => void) {
    super();
    this.addClass("sso-magic-identity");
    this._button.type = "button";
    this._button.setAttribute("aria-haspopup", "menu");
    this._button.addEventListener("click", () => open(this._button.getBoundingClientRect()));
    this.node.appendChild(this._button);
    this.display(null);
  }

  /** Show a role, or nothing for a kernel that has not loaded sso_magic. */
  display(shown: Shown | null): void {
    this.setHidden(shown === null);
    if (shown === null) {
      return;
    }
    const { dataset } = this.node;
    dataset.state = shown.state;
    dataset.production = String(shown.production);
    dataset.warning = String(shown.warning);
    if (this._button.textContent !== shown.text) {
      this._button.textContent = shown.text;
    }
    this._button.title = shown.title;
    this._button.setAttribute("aria-label", `${shown.text}. ${shown.title}`);
  }

  /** Give the keyboard's focus to the button. */
  focus(): void {
    this._button.focus();
  }
}
