// The panel's search and choice, without a browser: `node --test tests/node/panel.test.mjs`. tests/widgets runs it.

import assert from "node:assert/strict";
import test from "node:test";

import { Choice, Roles, SortedChoice, fold, wordsOf } from "../../sso_magic/widgets/panel.mjs";

const NAMES = ["AdministratorAccess", "DataScientist", "ReadOnly"];
const ACCOUNTS = [
  ["000000000001", "payments-dev", "dev@example.com", [0, 2], 0],
  ["000000000002", "payments-prod", "payments@example.com", [1, 2], 1],
  ["000000000003", "", "", [2], 0],
  ["000000000004", "Büro 東京", "office@example.com", [2], 0],
];

function roles(put = ACCOUNTS) {
  const made = new Roles();
  made.take({ put, names: NAMES, gone: [], reset: true });
  return made;
}

const keys = (rows) => rows.map((row) => row.key);

test("accounts are listed by name, those without one last", () => {
  assert.deepEqual(roles().rows.map((row) => row.account.id.at(-1) + row.role[0]), ["4R", "1A", "1R", "2D", "2R", "3R"]);
});

test("a later message changes, adds and removes accounts", () => {
  const made = roles();
  made.take({ put: [["000000000005", "a-new", "", [0], 0]], names: ["Billing"], gone: ["000000000004"], reset: false });
  assert.equal(made.rows[0].key, "000000000005/Billing");
  assert.equal(made.accounts.has("000000000004"), false);
  made.take({ put: [["000000000001", "payments-dev", "", [0], 0]], names: ["ReadOnly"], gone: [], reset: false });
  assert.deepEqual(made.accounts.get("000000000001").roles, ["ReadOnly"]);
  made.take({ put: [], names: [], gone: [], reset: true });
  assert.deepEqual(made.rows, []);
});

test("every word has to be in a row, in any column and order", () => {
  assert.deepEqual(keys(roles().search("READ pay prod")), ["000000000002/ReadOnly"]);
  assert.deepEqual(keys(roles().search("office")), ["000000000004/ReadOnly"]);
  assert.deepEqual(keys(roles().search("0002 data")), ["000000000002/DataScientist"]);
  assert.deepEqual(keys(roles().search("nothing")), []);
  assert.deepEqual(keys(roles().search("payments nothing")), []);
});

test("a whole name comes before a beginning, a beginning before a part, an address last", () => {
  const made = roles([
    ["000000000011", "my-data", "", [2], 0], ["000000000012", "data", "", [2], 0], ["000000000013", "database", "", [2], 0],
    ["000000000014", "metadata", "", [2], 0], ["000000000015", "a", "data@example.com", [2], 0],
  ]);
  assert.deepEqual(made.search("data").map((row) => row.account.id.slice(-2)), ["12", "13", "11", "14", "15"]);
});

test("case, composition and sharp s are no difference", () => {
  assert.equal(fold("STRASSE"), fold("straße"));
  assert.equal(fold("Bu\u0308ro"), fold("büro"));
  assert.equal(fold("ΟΔΟΣ"), fold("οδος"));
  assert.deepEqual(wordsOf("  Pay \t prod\n"), ["pay", "prod"]);
});

test("no regular expression is made of what is typed", () => {
  for (const text of ["(", "[a-", "\\", "*", "$&", "%", "\u0000"]) assert.deepEqual(keys(roles().search(text)), []);
});

test("the best hit for what was typed is chosen, and nothing before that", () => {
  const choice = new Choice(roles());
  choice.fill();
  assert.equal(choice.row, null);
  choice.type("prod");
  assert.equal(choice.row.key, "000000000002/DataScientist");
  choice.type("");
  assert.equal(choice.row.key, "000000000002/DataScientist");
});

test("what is chosen stays chosen while rows come in before it", () => {
  const made = roles();
  const choice = new Choice(made);
  choice.type("payments-prod read");
  made.take({ put: [["000000000000", "a-payments-prod", "", [0], 0]], names: ["ReadOnly"], gone: [], reset: false });
  choice.fill();
  assert.equal(choice.row.key, "000000000002/ReadOnly");
});

test("a role that has gone does not turn into its neighbor", () => {
  const made = roles();
  const choice = new Choice(made);
  choice.type("payments");
  made.take({ put: [], names: [], gone: ["000000000001"], reset: false });
  choice.fill();
  assert.equal(choice.rows.length, 2);
  assert.equal(choice.row, null);
});

test("a list that is empty for a moment chooses nothing on its return", () => {
  const made = roles();
  const choice = new Choice(made);
  choice.type("payments");
  made.take({ put: [], names: [], gone: [], reset: true });
  choice.fill();
  made.take({ put: ACCOUNTS, names: NAMES, gone: [], reset: true });
  choice.fill();
  assert.equal(choice.row, null);
});

test("words that are typed before their accounts have come choose the best hit when it comes", () => {
  const made = new Roles();
  const choice = new Choice(made);
  choice.type("prod");
  assert.equal(choice.row, null);
  made.take({ put: ACCOUNTS, names: NAMES, gone: [], reset: true });
  choice.fill();
  assert.equal(choice.row.key, "000000000002/DataScientist");
});

test("favorites and recent roles come first, once", () => {
  const choice = new Choice(roles());
  choice.top = [["000000000002", "payments-prod", "ReadOnly", true, true], ["999999999999", "", "Unknown", false, true]];
  choice.fill();
  assert.deepEqual(keys(choice.rows).slice(0, 2), ["000000000002/ReadOnly", "999999999999/Unknown"]);
  assert.equal(choice.rows.length, 7);
  assert.equal(new Set(keys(choice.rows)).size, 7);
  choice.type("payments");
  assert.equal(choice.rows[0].key, "000000000001/AdministratorAccess");
});

test("a place beyond either end is the end", () => {
  const choice = new Choice(roles());
  choice.fill();
  choice.choose(-5);
  assert.equal(choice.place, 0);
  choice.choose(500);
  assert.equal(choice.place, 5);
  const empty = new Choice(new Roles());
  empty.choose(0);
  assert.equal(empty.row, null);
});

test("typing ahead goes to the next account that begins so, and round", () => {
  const choice = new Choice(roles());
  choice.fill();
  choice.jump("p");
  assert.equal(choice.place, 1);
  choice.jump("payments-p");
  assert.equal(choice.place, 3);
  choice.jump("B");
  assert.equal(choice.place, 0);
  choice.jump("zzz");
  assert.equal(choice.place, 0);
});

test("what is said of the list", () => {
  const choice = new Choice(roles());
  choice.fill();
  assert.equal(choice.about("6 roles in 4 accounts", "2 min old."), "6 roles in 4 accounts. 2 min old.");
  choice.type("payments-prod read");
  assert.equal(choice.about("6 roles in 4 accounts", "2 min old."), "1 hit among 6 roles in 4 accounts. 2 min old.");
  choice.type("payments");
  assert.equal(choice.about("6 roles in 4 accounts", ""), "4 hits among 6 roles in 4 accounts.");
  choice.type(" zzz ");
  assert.equal(choice.about("6 roles in 4 accounts", ""), "Nothing fits “zzz” among 6 roles in 4 accounts.");
  assert.equal(choice.about(null, "The accounts are not known yet."), "The accounts are not known yet.");
});

test("a table is sorted by a column, the other way round, and as it was", () => {
  const choice = new SortedChoice(roles());
  const shown = () => choice.rows.map((row) => row.account.id.at(-1) + row.role[0]);
  choice.fill();
  assert.deepEqual(shown(), ["4R", "1A", "1R", "2D", "2R", "3R"]);
  choice.sort("role");
  assert.deepEqual(shown(), ["1A", "2D", "4R", "1R", "2R", "3R"]);
  choice.sort("role");
  assert.deepEqual(shown(), ["4R", "1R", "2R", "3R", "2D", "1A"]);
  choice.sort("role");
  assert.equal(choice.column, null);
  assert.deepEqual(shown(), ["4R", "1A", "1R", "2D", "2R", "3R"]);
  choice.sort("id");
  assert.deepEqual(shown(), ["1A", "1R", "2D", "2R", "3R", "4R"]);
});

test("a row without a text in the column comes last in both directions", () => {
  const choice = new SortedChoice(roles());
  for (const column of ["account", "address"]) {
    for (const isDescending of [false, true]) {
      Object.assign(choice, { column, isDescending });
      choice.fill();
      assert.equal(choice.rows.at(-1).account.id, "000000000003");
    }
  }
});

test("hits are sorted too, the first of them is chosen, and what is chosen stays chosen", () => {
  const made = roles();
  const choice = new SortedChoice(made);
  choice.sort("id");
  choice.type("read");
  assert.deepEqual(choice.rows.map((row) => row.account.id.at(-1)), ["1", "2", "3", "4"]);
  assert.equal(choice.place, 0);
  choice.sort("id");
  assert.deepEqual(choice.rows.map((row) => row.account.id.at(-1)), ["4", "3", "2", "1"]);
  assert.equal(choice.row.account.id, "000000000001");
  made.take({ put: [["000000000009", "new", "", [0], 0]], names: ["ReadOnly"], gone: [], reset: false });
  choice.fill();
  assert.equal(choice.rows[0].account.id, "000000000009");
});
