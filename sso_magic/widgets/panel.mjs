/**
 * The panel and the inventory's table in the browser: an ES module that anywidget loads as it is. No build step, no
 * dependency, no request.
 *
 *   Roles         the accounts and roles that the kernel has sent, and the search in them
 *   Choice        which rows are listed, and which one is chosen: by name, never by position
 *   SortedChoice  the same in the order of a column
 *   List          the list box, of which only the rows that can be seen are in the document
 *   Grid          the same as the rows of a table
 *   Screen        what panel and table have in common: what is in use, what is said, which keys are theirs
 *   PanelScreen   the panel
 *   TableScreen   the table
 *   render        one place that shows one of them; announces itself to the kernel
 *
 * The kernel sends what is shown as the trait `shown`, and as messages what no notebook may keep: the roles, and the
 * link and code of a sign-in. The browser sends messages that name a role in full. A panel that has not heard from the
 * kernel lately shows nothing that may have changed since.
 */

// ---- roles and the search in them ----

// How well a word fits: it is a column's text, begins it, begins a word in it, is inside it, is in the e-mail address.
const WHOLE = 0, BEGINNING = 1, WORD = 2, INSIDE = 3, ADDRESS = 4, NOWHERE = 5;

/** Return the text as it is compared: composed, without case. */
export function fold(text) {
  return text.normalize("NFC").toUpperCase().toLowerCase().replaceAll("ς", "σ");
}

/** Return the folded words of a search. */
export function wordsOf(text) {
  return fold(text).split(/\s+/u).filter(Boolean);
}

function fit(text, word) {
  const place = text.indexOf(word);
  if (place < 0) return NOWHERE;
  if (text.includes(`\n${word}`)) return text.includes(`\n${word}\n`) ? WHOLE : BEGINNING;
  for (let at = place; at > 0; at = text.indexOf(word, at + 1)) {
    const [before] = text.slice(Math.max(0, at - 2), at).match(/.$/su);
    if (!/[\p{L}\p{N}]/u.test(before)) return WORD;
  }
  return INSIDE;
}

const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

export class Roles {
  constructor() {
    this.accounts = new Map();
    this.rows = [];
    this.index = null;
  }

  /** Take a message of the kernel: accounts that are new or differ, and those that are gone. */
  take({ put, names, gone, reset }) {
    if (reset) this.accounts = new Map();
    for (const id of gone) this.accounts.delete(id);
    for (const [id, name, address, roles, isProduction] of put) {
      this.accounts.set(id, { id, name, address, roles: roles.map((number) => names[number]), isProduction: !!isProduction });
    }
    const sorted = [...this.accounts.values()].map((account) => [account, fold(account.name)]);
    sorted.sort(([one, a], [other, b]) => !one.name - !other.name || order(a, b) || order(one.id, other.id));
    this.accounts = new Map(sorted.map(([account]) => [account.id, account]));
    this.rows = [];
    for (const account of this.accounts.values()) {
      account.rows = account.roles.map((role) => ({ key: `${account.id}/${role}`, account, role }));
      for (const row of account.rows) this.rows.push(row);
    }
    this.index = null;
  }

  /** Return the rows that contain every word, in any column, best first; rows that fit equally well keep their order. */
  search(text) {
    const words = wordsOf(text);
    if (!words.length) return this.rows;
    const { accounts, names } = (this.index ??= this.makeIndex());
    const ofName = new Map([...names].map(([name, folded]) => [name, words.map((word) => fit(folded, word))]));
    const inNames = words.map((_, number) => Math.min(NOWHERE, ...[...ofName.values()].map((fits) => fits[number])));
    const found = [];
    for (const { account, text: folded, address } of accounts) {
      const fits = [];
      const canFit = words.every((word, number) => {
        const here = fit(folded, word);
        fits.push(here === NOWHERE && address.includes(word) ? ADDRESS : here);
        return Math.min(fits[number], inNames[number]) !== NOWHERE;
      });
      for (const row of canFit ? account.rows : []) {
        const here = ofName.get(row.role);
        let total = 0;
        for (let number = 0; number < fits.length; number++) {
          const best = Math.min(fits[number], here[number]);
          total = best === NOWHERE ? NaN : total + best;
        }
        if (total >= 0) (found[total] ??= []).push(row);
      }
    }
    return found.flat();
  }

  /** Make the texts that the search looks at. */
  makeIndex() {
    const accounts = [...this.accounts.values()].map((account) => ({
      account,
      text: fold(`\n${account.name}\n${account.id}\n`),
      address: fold(account.address),
    }));
    const names = new Map();
    for (const { role } of this.rows) if (!names.has(role)) names.set(role, fold(`\n${role}\n`));
    return { accounts, names };
  }
}

// ---- what is listed and chosen ----

export class Choice {
  constructor(roles) {
    this.roles = roles;
    this.text = "";
    this.top = [];
    this.rows = [];
    this.places = new Map();
    this.chosen = null; // a row's key
    this.hasAnswered = true; // something was listed for these words
  }

  /** Search for other words: the best hit is chosen. */
  type(text) {
    this.text = text;
    this.hasAnswered = false;
    if (wordsOf(text).length) this.chosen = null;
    this.fill();
  }

  /** List what is known now. What is chosen stays chosen while it is listed, and never turns into its neighbor. */
  fill() {
    const isSearch = wordsOf(this.text).length > 0;
    this.rows = this.listed();
    this.places = new Map(this.rows.map((row, place) => [row.key, place]));
    if (!this.places.has(this.chosen)) {
      this.chosen = isSearch && !this.hasAnswered && this.rows.length ? this.rows[0].key : null;
    }
    this.hasAnswered ||= this.rows.length > 0;
  }

  /** Return the rows that fit the search, in the order in which they are listed. */
  listed() {
    return wordsOf(this.text).length ? this.roles.search(this.text) : this.withTop();
  }

  /** Return favorites and recent roles, and all others after them. */
  withTop() {
    if (!this.top.length) return this.roles.rows;
    const top = this.top.map(([id, name, role]) => {
      const account = this.roles.accounts.get(id) ?? { id, name, address: "", isProduction: false };
      return { key: `${id}/${role}`, account, role };
    });
    const keys = new Set(top.map((row) => row.key));
    return [...top, ...this.roles.rows.filter((row) => !keys.has(row.key))];
  }

  /** The place of the chosen row; -1 if there is none. */
  get place() {
    return this.places.get(this.chosen) ?? -1;
  }

  get row() {
    return this.rows[this.place] ?? null;
  }

  choose(place) {
    this.chosen = this.rows[Math.max(0, Math.min(place, this.rows.length - 1))]?.key ?? null;
  }

  /** Choose the next row, after the chosen one or at it, whose account's name begins so; go round at the end. */
  jump(text) {
    const begin = fold(text);
    const from = Math.max(0, this.place) + (begin.length === 1 && this.place >= 0 ? 1 : 0);
    for (let step = 0; step < this.rows.length; step++) {
      const row = this.rows[(from + step) % this.rows.length];
      if (fold(row.account.name || row.account.id).startsWith(begin)) {
        this.chosen = row.key;
        return;
      }
    }
  }

  /** What is said of the list. */
  about(total, note) {
    if (!total) return note;
    const count = this.rows.length.toLocaleString("en");
    const said = !wordsOf(this.text).length
      ? `${total}.`
      : this.rows.length
        ? `${count} ${this.rows.length === 1 ? "hit" : "hits"} among ${total}.`
        : `Nothing fits “${this.text.trim()}” among ${total}.`;
    return note ? `${said} ${note}` : said;
  }
}

// What the columns of the table are sorted by. A row without a text comes last.
const COLUMNS = {
  account: (row) => row.account.name,
  id: (row) => row.account.id,
  address: (row) => row.account.address,
  role: (row) => row.role,
};

export class SortedChoice extends Choice {
  constructor(roles) {
    super(roles);
    this.column = null; // null: by name, and the best hit of a search first
    this.isDescending = false;
    this.orders = new Map();
  }

  /** Sort by a column; again: the other way round; once more: not by it. */
  sort(column) {
    if (this.column !== column) [this.column, this.isDescending] = [column, false];
    else if (!this.isDescending) this.isDescending = true;
    else this.column = null;
    this.fill();
  }

  listed() {
    const rows = super.listed();
    if (this.column === null) return rows;
    const places = this.order(this.column, this.isDescending);
    return [...rows].sort((one, other) => places.get(one) - places.get(other));
  }

  /** Return each row's place among all rows in the order of the column; made once, so that typing only compares numbers. */
  order(column, isDescending) {
    if (this.orders.of !== this.roles.rows) this.orders = Object.assign(new Map(), { of: this.roles.rows });
    const name = `${column} ${isDescending}`;
    if (!this.orders.has(name)) {
      const sign = isDescending ? -1 : 1;
      const texts = this.roles.rows.map((row) => [row, fold(COLUMNS[column](row))]);
      texts.sort(([, one], [, other]) => !one - !other || sign * order(one, other));
      this.orders.set(name, new Map(texts.map(([row], place) => [row, place])));
    }
    return this.orders.get(name);
  }
}

// ---- the document ----

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text; // a screen reader says again what is set again
}

const badge = () => make("span", { class: "sso-badge" }, "PRODUCTION");
// Each widget has this module for itself, so that a number alone would be in the document twice.
const mine = Math.random().toString(36).slice(2);
let made = 0;
const newId = (kind) => `sso-${kind}-${mine}-${++made}`;

class List {
  static ROW = 26; // pixels, as in panel.css
  static SPARE = 6; // rows above and below those that can be seen

  constructor(choice, marksOf, { moved, used }) {
    this.choice = choice;
    this.marksOf = marksOf;
    this.moved = moved;
    this.used = used;
    this.id = newId("list");
    this.space = make("div", { class: "sso-space", role: "presentation" });
    this.box = make("div", { class: "sso-list", role: "listbox", tabindex: 0, "aria-label": "Roles" }, this.space);
    this.box.addEventListener("scroll", () => this.draw());
    this.box.addEventListener("mousedown", (event) => this.press(event));
    this.box.addEventListener("dblclick", (event) => {
      const key = event.target.closest("button, a") ? undefined : event.target.closest("[data-key]")?.dataset.key;
      if (key !== undefined && key === this.pressed && key === choice.chosen) used();
    });
    this.focusable = this.box; // has the focus while a row is chosen
    this.drawn = new Map();
    this.typed = "";
    this.typedAt = 0;
  }

  press(event) {
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (event.button !== 0 || key === undefined) return;
    if (event.detail === 1) this.pressed = key; // a double click means the row of its first one
    this.choice.chosen = key;
    this.moved();
  }

  /** Draw the rows that can be seen, and the chosen one, which aria-activedescendant names. */
  draw() {
    const { choice, box, space } = this;
    space.style.height = `${choice.rows.length * List.ROW}px`;
    const first = Math.max(0, Math.floor(box.scrollTop / List.ROW) - List.SPARE);
    const last = Math.min(choice.rows.length, Math.ceil((box.scrollTop + box.clientHeight) / List.ROW) + List.SPARE);
    const places = [];
    for (let place = first; place < last; place++) places.push(place);
    if (choice.place >= 0 && (choice.place < first || choice.place >= last)) places.push(choice.place);
    const before = this.drawn;
    let focus = null;
    this.drawn = new Map();
    for (const place of places) {
      const row = choice.rows[place];
      const marks = this.marksOf(row);
      const looks = JSON.stringify([place, choice.rows.length, row.account.name, marks, this.looksOf(row)]);
      const old = before.get(row.key);
      const element = old?.looks === looks ? old.element : this.makeRow(row, place, marks);
      // In place: a row that is replaced between the press and the release of a button gets no click.
      element.setAttribute("aria-selected", String(row.key === choice.chosen));
      if (old && old.element !== element) focus ??= this.replace(old.element, element);
      else if (!old) space.append(element);
      this.drawn.set(row.key, { element, looks });
      before.delete(row.key);
    }
    for (const { element } of before.values()) {
      if (element.contains(this.focused)) focus = this.focusable;
      element.remove();
    }
    const chosen = this.drawn.get(choice.chosen)?.element;
    if (chosen) this.focusable.setAttribute("aria-activedescendant", chosen.id);
    else this.focusable.removeAttribute("aria-activedescendant");
    focus?.focus({ preventScroll: true }); // at the end: the table draws again when a row gets the focus
  }

  get focused() {
    return this.box.getRootNode().activeElement;
  }

  /** Put a row in the place of another; return the button that is to have the focus, which its like had. */
  replace(old, element) {
    const at = [...old.querySelectorAll("button, a")].indexOf(this.focused);
    old.replaceWith(element);
    return element.querySelectorAll("button, a")[at];
  }

  /** Return what a row's look depends on beyond its texts and marks. */
  looksOf() {
    return null;
  }

  idOf(key) {
    return `${this.id}-${key.replace(/[^\w-]/gu, "_")}`;
  }

  makeRow({ key, account, role }, place, { isFavorite, isRecent, isInUse }) {
    const marks = [isInUse && "in use", isRecent && "recent"].filter(Boolean).join(", ");
    const name = account.name || account.id;
    const element = make(
      "div",
      {
        id: this.idOf(key), class: "sso-option", role: "option", "data-key": key,
        "aria-posinset": place + 1,
        "aria-setsize": this.choice.rows.length, title: `${name} / ${role} (${account.id})`,
      },
      make("span", { class: "sso-star" }, isFavorite ? "★ " : ""),
      make("span", { class: "sso-account" }, make("span", { class: "sso-name" }, name), account.isProduction ? badge() : ""),
      make("span", { class: "sso-role" }, make("span", { class: "sso-name" }, role), make("span", { class: "sso-marks" }, marks && ` ${marks}`)),
      make("span", { class: "sso-id" }, account.id),
    );
    element.style.top = `${place * List.ROW}px`;
    element.classList.toggle("sso-in-use", isInUse);
    return element;
  }

  /** Scroll until the chosen row can be seen. */
  reveal() {
    const { box, choice } = this;
    if (choice.place < 0) return;
    const top = choice.place * List.ROW;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + List.ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + List.ROW - box.clientHeight;
  }

  /** Handle a key; return true if it was one of the list's. */
  key(event) {
    const { choice } = this;
    const page = Math.max(1, Math.floor(this.box.clientHeight / List.ROW) - 1);
    const place = choice.place;
    const to = {
      ArrowDown: place + 1, ArrowUp: place < 0 ? 0 : place - 1, Home: 0, End: choice.rows.length - 1,
      PageDown: Math.max(place, 0) + page, PageUp: place - page,
    }[event.key];
    if (to !== undefined) {
      this.typed = "";
      choice.choose(to);
    } else if (event.key.length === 1 && !event.altKey) {
      if (Date.now() - this.typedAt > 1000) this.typed = "";
      if (event.key !== " " || this.typed) {
        this.typed += event.key;
        this.typedAt = Date.now();
        choice.jump(/^(.)\1+$/u.test(this.typed) ? this.typed[0] : this.typed);
      }
    } else return false;
    this.moved();
    return true;
  }
}

const MOVES = new Set(["ArrowDown", "ArrowUp", "Home", "End", "PageDown", "PageUp"]);

class Grid extends List {
  constructor(choice, marksOf, { moved, used, consoleOf, sorted }) {
    super(choice, marksOf, { moved, used });
    Object.assign(this, { consoleOf, sorted });
    this.space.setAttribute("role", "rowgroup");
    for (const name of ["role", "tabindex", "aria-label"]) this.box.removeAttribute(name);
    const head = ([column, label]) => make(
      "span", { role: "columnheader", "aria-sort": "none", "data-column": column },
      make("button", { type: "button", class: "sso-sort", onclick: () => sorted(column) }, label),
    );
    this.box.addEventListener("focusin", (event) => {
      choice.chosen = event.target.closest("[data-key]")?.dataset.key ?? choice.chosen; // what has the focus stays drawn
      this.draw();
    });
    const labels = [["account", "Account"], ["id", "Account ID"], ["address", "E-mail"], ["role", "Role"]];
    this.heads = labels.map(head);
    const heads = make("div", { class: "sso-heads", role: "row", "aria-rowindex": 1 }, ...this.heads, make("span", { role: "columnheader" }, "Actions"));
    this.focusable = make(
      "div", { class: "sso-grid", role: "grid", tabindex: 0, "aria-label": "Roles" },
      make("div", { role: "rowgroup" }, heads), this.box,
    );
  }

  press(event) {
    if (event.target.closest("button, a")) return; // the click follows
    super.press(event);
    this.focusable.focus({ preventScroll: true });
    event.preventDefault(); // the focus would go to what has none
  }

  useRow(key) {
    this.choice.chosen = key;
    this.moved();
    this.used();
  }

  draw() {
    const { choice } = this;
    this.focusable.setAttribute("aria-rowcount", choice.rows.length + 1);
    for (const head of this.heads) {
      const isSorted = head.dataset.column === choice.column;
      head.setAttribute("aria-sort", isSorted ? (choice.isDescending ? "descending" : "ascending") : "none");
    }
    super.draw();
    // Tab goes from the table to the buttons of one row: of the chosen one, else of the first that can be seen.
    const stop = choice.rows[choice.place >= 0 ? choice.place : Math.floor(this.box.scrollTop / List.ROW)]?.key;
    for (const [key, { element }] of this.drawn) {
      for (const one of element.querySelectorAll("button, a")) one.tabIndex = key === stop ? 0 : -1;
    }
  }

  looksOf(row) {
    return this.consoleOf(row);
  }

  makeRow(row, place, { isFavorite, isInUse }) {
    const { key, account, role } = row;
    const cell = (name, ...children) => make("span", { role: "gridcell", class: name }, ...children);
    const text = (value) => make("span", { class: "sso-name" }, value);
    const label = `${account.name || account.id} / ${role}`;
    const href = this.consoleOf(row);
    const element = make(
      "div",
      {
        id: this.idOf(key), class: "sso-option", role: "row", "data-key": key,
        "aria-rowindex": place + 2, title: `${label} (${account.id})`,
      },
      cell("sso-account", text(account.name), account.isProduction ? badge() : ""),
      cell("sso-id", account.id),
      cell("sso-address-cell", text(account.address)),
      cell("sso-role", text(`${isFavorite ? "★ " : ""}${role}`), isInUse ? make("span", { class: "sso-marks" }, "in use") : ""),
      cell(
        "sso-do",
        make("button", { type: "button", class: "sso-small", "aria-label": `Use ${label}`, onclick: (event) => event.detail < 2 && this.useRow(key) }, "Use"),
        href ? make("a", { class: "sso-small", href, target: "_blank", rel: "noopener noreferrer", "aria-label": `Console of ${label}, opens in a new tab` }, "Console") : "",
      ),
    );
    element.style.top = `${place * List.ROW}px`;
    element.classList.toggle("sso-in-use", isInUse);
    return element;
  }
}

const button = (label, action, more = "") =>
  make("button", { type: "button", class: `sso-button ${more}`, onclick: action }, label);

function labeled(label, input, more = "") {
  input.id = newId("field"); // a label around a select would read out its options as well
  return make("div", { class: `sso-field ${more}` }, make("label", { for: input.id }, label), input);
}

function field(label, attributes, more = "") {
  const input = make("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  return [input, labeled(label, input, more)];
}

const rowOf = (name, ...children) => make("div", { class: `sso-row ${name}` }, ...children);

class Screen {
  /**
   * @param el where it is shown
   * @param say sends a message to the kernel
   */
  constructor(el, say) {
    this.say = say;
    this.shown = {};
    this.roles = new Roles();
    this.hasRoles = false; // true once the kernel has sent them
    this.choice = this.makeChoice();
    this.list = this.makeList({ moved: () => this.moved(), used: () => this.use() });
    this.inUse = make("div", { class: "sso-grow" });
    this.useRow = rowOf("sso-use", this.inUse);
    [this.search, this.searchField] = field("Search", { type: "search", placeholder: "account, digits, e-mail or role" }, "sso-wide sso-search");
    this.search.addEventListener("input", () => this.type(this.search.value));
    this.listText = make("div", { class: "sso-grow sso-list-text", role: "status" });
    this.status = make("div", { class: "sso-status", role: "status" });
    this.alert = make("div", { class: "sso-status sso-error", role: "alert" });
    this.hide = make("style");
    this.root = this.build();
    el.append(this.root);
    this.onKey = (event) => this.key(event);
    // The capture phase of the window comes before every handler of a notebook.
    window.addEventListener("keydown", this.onKey, true);
    this.resized = new ResizeObserver(() => this.list.draw());
    this.resized.observe(this.list.box);
  }

  close() {
    window.removeEventListener("keydown", this.onKey, true);
    this.resized.disconnect();
    this.root.remove();
  }

  // ---- what the kernel says ----

  updateRole({ in_use: parts, is_production: isProduction, warnings = [] }) {
    const looks = JSON.stringify([parts, isProduction, warnings]);
    if (looks === this.roleLooks) return;
    this.roleLooks = looks;
    const line = parts ? make("div", {}, "In use: ", ...(isProduction ? [badge(), " "] : []), make("b", {}, parts[0]), parts[1]) : "No role is in use.";
    this.inUse.replaceChildren(line, ...warnings.map((warning) => make("div", { class: "sso-warning" }, warning)));
    this.useRow.classList.toggle("sso-on", !!parts && !isProduction);
    this.useRow.classList.toggle("sso-production", !!isProduction);
  }

  take(roles) {
    this.roles.take(roles);
    this.hasRoles = true;
    this.choice.fill();
    this.show();
  }

  // ---- what is on the screen ----

  marksOf({ key }) {
    const top = this.shown.top?.find(([id, , role]) => `${id}/${role}` === key);
    return {
      isFavorite: !!top?.[3], isRecent: !!top?.[4] && !wordsOf(this.choice.text).length,
      isInUse: key === this.shown.in_use_key?.join("/"),
    };
  }

  /** Return the address of the console under the role of a row; null if there is none. */
  consoleOf(row) {
    return this.shown.console
      ?.replace("account_id=ACCOUNT_ID", `account_id=${encodeURIComponent(row.account.id)}`)
      .replace("role_name=ROLE_NAME", () => `role_name=${encodeURIComponent(row.role)}`) ?? null;
  }

  aboutList(total, note) {
    return this.choice.about(total, note);
  }

  /** Show the list, and what is said of it and of the chosen row. */
  show() {
    const { choice, shown } = this;
    this.list.draw();
    const note = shown.note ?? "";
    // Before the roles have come, nothing fits any search.
    write(this.listText, this.hasRoles || !wordsOf(choice.text).length ? this.aboutList(shown.total, note) : note);
    const { text = "", is_error: isError, about } = shown.status ?? {};
    const holds = !about || about.join("/") === choice.chosen;
    write(this.status, holds && !isError ? text : "");
    write(this.alert, holds && isError ? text : "");
  }

  moved() {
    this.list.reveal();
    this.show();
  }

  // ---- what a person does ----

  type(text) {
    this.choice.type(text);
    this.list.box.scrollTop = 0;
    this.show();
  }

  sayRole(action, more = {}) {
    const row = this.choice.row;
    this.say({ do: action, account_id: row?.account.id, role_name: row?.role, ...more });
  }

  use() {
    this.sayRole("use");
  }

  /** Handle a key. Without Ctrl and Cmd none goes on to the notebook, whose single letters delete cells. */
  key(event) {
    const target = event.composedPath()[0];
    if (!this.root.contains(target)) return;
    const { list, search } = this;
    if (event.ctrlKey || event.metaKey) return;
    event.stopImmediatePropagation();
    if (event.isComposing) return;
    const handled = this.handle(event, target === list.focusable, target === search);
    if (handled) event.preventDefault();
  }

  /** Handle a key that list and search share; return true if it was one. */
  handle(event, inList, inSearch) {
    const { list, search, choice } = this;
    if (event.key === "Escape" && (inList || inSearch)) {
      search.value = "";
      this.type("");
      search.focus();
      return true;
    }
    if (inSearch && event.key === "ArrowDown" && !event.altKey) {
      list.focusable.focus();
      if (choice.place < 0) choice.choose(0);
      this.moved();
      return true;
    }
    if (inList && event.key === "ArrowUp" && choice.place <= 0 && !event.altKey) {
      search.focus();
      return true;
    }
    return inList && list.key(event);
  }
}

class PanelScreen extends Screen {
  makeChoice() {
    return new Choice(this.roles);
  }

  makeList(actions) {
    return new List(this.choice, (row) => this.marksOf(row), actions);
  }

  build() {
    const send = (action) => () => this.say({ do: action });

    this.session = make("select", { onchange: () => this.say({ do: "session", label: this.session.value }) });
    this.signInText = make("div", { class: "sso-grow" });
    this.signIn = button("Sign in", () => this.startSignIn(), "sso-main");
    this.cancel = button("Cancel", send("cancel"));
    this.signOut = button("Sign out", send("sign_out"));
    [this.startUrl, this.startUrlField] = field("Start URL", { placeholder: "https://example.awsapps.com/start" }, "sso-wide");
    [this.ssoRegion, this.ssoRegionField] = field("Its region", { placeholder: "eu-west-1" });
    this.other = rowOf("sso-other", this.startUrlField, this.ssoRegionField);
    this.live = make("div", { class: "sso-live" });
    [this.address, this.addressField] = field("Address", { type: "password", placeholder: "http://127.0.0.1:…/oauth/callback?…" }, "sso-wide");
    this.addressText = make("span", { role: "status" });
    this.addressRow = rowOf("sso-address", this.addressField, this.addressText);
    this.release = button("Release", send("release"));
    this.useRow.append(this.release);
    this.ending = make("div", { class: "sso-ending", role: "status" });
    this.heads = make("div", { class: "sso-heads", "aria-hidden": "true" });
    for (const head of ["", "Account", "Role", "Account ID"]) this.heads.append(make("span", {}, head));
    this.progress = make("progress", { class: "sso-progress", "aria-label": "Accounts loaded" });
    this.refresh = button("Refresh", send("refresh"));
    this.selection = make("div", { class: "sso-selection", role: "status" });
    [this.region, this.regionField] = field("Region", { placeholder: "unchanged" });
    // The second click of a double click is no second press.
    this.useButton = button("Use", (event) => event.detail < 2 && this.use(), "sso-main");
    this.favorite = button("☆ Favorite", () => this.sayRole("favorite"));
    this.console = make("a", { class: "sso-link", target: "_blank", rel: "noopener noreferrer", title: "Opens the AWS console in a new tab" }, "Console");
    return make(
      "section", { class: "sso-panel", "aria-label": "AWS accounts and roles" },
      this.hide,
      rowOf("sso-head", labeled("Session", this.session), this.signInText, this.signIn, this.cancel, this.signOut),
      this.other, this.live, this.addressRow, this.ending, this.useRow, this.searchField, this.heads, this.list.box, this.progress,
      rowOf("sso-info", this.listText, this.refresh),
      this.selection,
      rowOf("sso-actions", this.regionField, this.useButton, this.favorite, this.console),
      this.status, this.alert,
    );
  }

  // ---- what the kernel says ----

  /** Show what the kernel says that is to be shown. */
  update(shown) {
    const isOtherTop = JSON.stringify(shown.top) !== JSON.stringify(this.shown.top);
    this.shown = shown;
    const labels = shown.sessions ?? [];
    if (labels.join("\n") !== [...this.session.options].map((one) => one.value).join("\n")) {
      this.session.replaceChildren(...labels.map((label) => make("option", { value: label }, label)));
    }
    if (this.session.value !== shown.session) this.session.value = shown.session;
    write(this.signInText, shown.sign_in ?? "");
    this.keepFocus(() => {
      this.signIn.hidden = shown.sign_in_state !== "out";
      this.cancel.hidden = shown.sign_in_state !== "waiting";
      this.signOut.hidden = shown.sign_in_state !== "in";
    });
    this.other.hidden = !shown.is_other;
    this.addressRow.hidden = shown.address == null;
    write(this.addressText, shown.address ?? "");
    this.updateRole(shown);
    this.release.disabled = !shown.in_use;
    write(this.ending, (shown.ending ?? []).join("\n"));
    this.progress.hidden = !shown.progress;
    if (shown.progress) {
      this.progress.value = shown.progress[0];
      this.progress.max = Math.max(1, shown.progress[1]);
    }
    this.refresh.disabled = shown.is_other || !!shown.progress;
    if (isOtherTop) {
      this.choice.top = shown.top ?? [];
      this.choice.fill();
    }
    this.show();
  }

  setLive(html) {
    const focused = this.live.contains(document.activeElement);
    this.live.innerHTML = html;
    if (focused && html) this.live.querySelector("a")?.focus();
    if (focused && !html) this.search.focus();
  }

  // ---- what is on the screen ----

  /** Show the list, what is chosen in it, and what can be done with that. */
  show() {
    super.show();
    const { row } = this.choice;
    if (row) {
      const { account, role } = row;
      const looks = JSON.stringify([row.key, account.name, account.isProduction]);
      if (looks !== this.selectionLooks) {
        this.selectionLooks = looks;
        this.selection.replaceChildren(
          ...(account.isProduction ? [badge(), " "] : []), make("b", {}, account.name || account.id),
          account.name ? ` (${account.id}) / ` : " / ", make("b", {}, role),
        );
      }
      this.favorite.textContent = this.marksOf(row).isFavorite ? "★ Favorite" : "☆ Favorite";
    } else {
      this.selectionLooks = null;
      write(this.selection, "Choose a role in the list.");
      this.favorite.textContent = "☆ Favorite";
    }
    this.useButton.disabled = this.favorite.disabled = !row;
    const href = row && this.consoleOf(row);
    if (href) {
      this.console.href = href;
      this.console.removeAttribute("aria-disabled");
      this.console.removeAttribute("role");
    } else {
      this.console.removeAttribute("href");
      this.console.setAttribute("role", "link");
      this.console.setAttribute("aria-disabled", "true");
    }
  }

  /** A button that has the focus and goes hands it to the one that takes its place. */
  keepFocus(change) {
    const buttons = [this.signIn, this.cancel, this.signOut];
    const had = buttons.includes(document.activeElement);
    change();
    if (had && document.activeElement?.hidden !== false) buttons.find((one) => !one.hidden)?.focus();
  }

  // ---- what a person does ----

  startSignIn() {
    this.say({ do: "sign_in", start_url: this.startUrl.value, sso_region: this.ssoRegion.value });
  }

  use() {
    this.sayRole("use", { region: this.region.value });
  }

  handle(event, inList, inSearch) {
    if (event.key !== "Enter") return super.handle(event, inList, inSearch);
    if (event.shiftKey && (inList || inSearch)) return true; // a habit of notebooks: uses nothing
    if (event.target === this.address) return this.sendAddress();
    if (event.target === this.startUrl || event.target === this.ssoRegion) this.startSignIn();
    else if (event.target === this.region || inList || inSearch) event.repeat || this.use();
    else return false; // a button's or a link's own
    return true;
  }

  sendAddress() {
    const text = this.address.value;
    this.address.value = "";
    if (text) this.say({ do: "address", text });
    return true;
  }
}

class TableScreen extends Screen {
  makeChoice() {
    return new SortedChoice(this.roles);
  }

  makeList(actions) {
    return new Grid(this.choice, (row) => this.marksOf(row), {
      ...actions, consoleOf: (row) => this.consoleOf(row), sorted: (column) => this.sort(column),
    });
  }

  build() {
    return make(
      "section", { class: "sso-panel sso-table", "aria-label": "AWS inventory" },
      this.hide, this.useRow, this.searchField, this.list.focusable, rowOf("sso-info", this.listText), this.status, this.alert,
    );
  }

  update(shown) {
    if (shown.words && this.shown.words === undefined) {
      this.search.value = shown.words;
      this.choice.type(shown.words);
    }
    this.shown = shown;
    this.updateRole(shown);
    this.show();
  }

  aboutList(total, note) {
    return wordsOf(this.choice.text).length ? super.aboutList(total, note) : note; // which begins with how many there are
  }

  sort(column) {
    this.choice.sort(column);
    this.list.box.scrollTop = 0;
    this.show();
  }

  handle(event, inList, inSearch) {
    const inRow = this.list.box.contains(event.composedPath()[0]);
    if (event.key === "Enter" && (inList || inSearch)) {
      if (inList && !event.repeat && !event.shiftKey && this.choice.row) this.use();
      return true;
    }
    if (inRow && (event.key === "Escape" || MOVES.has(event.key))) this.list.focusable.focus({ preventScroll: true });
    return super.handle(event, inList || (inRow && event.key.length > 1), inSearch);
  }
}

// ---- anywidget ----

const SILENCE = 20_000; // milliseconds without a word from the kernel, which says one every five seconds
const FIRST = 1_500; // and after which a panel that has heard nothing yet says so
const ALIVE = 5_000;

async function inflate(buffer) {
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function render({ model, el }) {
  const page = crypto.randomUUID?.() ?? String(Math.random());
  const say = (content) => {
    try {
      model.send({ page, ...content });
    } catch { /* the kernel is gone: JupyterLab throws, and `look` says it */ }
  };
  const isTable = model.get("shown").form === "table";
  const screen = new (isTable ? TableScreen : PanelScreen)(el, say);
  const [form, magic] = isTable ? ["table", "%sso_inventory"] : ["panel", "%sso_panel"];
  const since = new Date();
  const gone = make("div", { class: "sso-gone", role: "status" });
  el.append(gone);
  screen.root.hidden = true;
  let heardAt = null;
  let packed = Promise.resolve();

  const isConnected = () => !el.classList.contains("jupyter-widgets-disconnected");
  const look = () => {
    const isLive = heardAt !== null && Date.now() - heardAt < SILENCE && isConnected();
    if (isLive === !screen.root.hidden && gone.textContent === "") return;
    screen.root.hidden = !isLive;
    const name = `.sso-saved-${model.get("shown").panel}`;
    screen.hide.textContent = isLive ? `${name}, .jp-OutputArea-child:has(${name}) { display: none; }` : "";
    const last = new Date(heardAt ?? since).toLocaleString();
    const isLate = heardAt !== null || Date.now() - since >= FIRST;
    write(gone, isLive || !isLate ? "" : `No kernel answers this ${form} (${last}): it is busy, or was restarted. Run ${magic} for a new ${form}.`);
    if (isLive) screen.show(); // it had no size before
  };
  const heard = () => {
    heardAt = Date.now();
    look();
  };
  const changed = () => {
    heard();
    screen.update(model.get("shown"));
  };
  const told = (content, buffers) => {
    if (content.kind === "live") screen.setLive?.(content.html);
    if (content.kind === "roles" && (content.page == null || content.page === page)) {
      packed = packed.then(async () => screen.take(buffers?.length ? await inflate(buffers[0]) : content));
    }
    heard();
  };
  model.on("change:shown", changed);
  model.on("msg:custom", told);
  screen.update(model.get("shown"));
  say({ do: "hello" });
  const looking = setInterval(look, 500);
  const living = setInterval(() => say({ do: heardAt === null ? "hello" : "alive" }), ALIVE);
  const seen = () => document.hidden || say({ do: screen.root.hidden ? "hello" : "alive" });
  document.addEventListener("visibilitychange", seen);
  return () => {
    clearInterval(looking);
    clearInterval(living);
    document.removeEventListener("visibilitychange", seen);
    model.off("change:shown", changed);
    model.off("msg:custom", told);
    say({ do: "bye" });
    screen.close();
  };
}

export default { render };
