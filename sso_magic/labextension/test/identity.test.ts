import assert from "node:assert/strict";
import { test } from "node:test";
import { type Role, describe, parse, span } from "../src/identity.js";

const role: Role = {
  account_id: "731659028443",
  account_name: "payments-prod",
  role_name: "ReadOnly",
  region: "eu-west-1",
  expires_at: "2030-01-01T12:00:00+00:00",
  seconds_left: 3300,
  renews: true,
  production: false,
};

const shown = (changes: Partial<Role>, age = 0) =>
  describe(
    { role: { ...role, ...changes }, previous: null, edge: true },
    age,
    "Notebook a.ipynb, kernel Python 3.",
    true,
  );

test("a role is shown with its region and the time left", () => {
  assert.equal(shown({}).text, "payments-prod / ReadOnly · eu-west-1 · 55 min");
  assert.equal(shown({ region: null }).text, "payments-prod / ReadOnly · 55 min");
  assert.equal(shown({ account_name: null, region: null }).text, "731659028443 / ReadOnly · 55 min");
  assert.match(
    shown({}).title,
    /payments-prod \(731659028443\).*Renews automatically.*Notebook a.ipynb, kernel Python 3\./,
  );
});

test("the time since the message counts", () => {
  assert.equal(shown({}, 600).text, "payments-prod / ReadOnly · eu-west-1 · 45 min");
  assert.equal(shown({}, 3300).text, "payments-prod / ReadOnly · eu-west-1 · ended");
});

test("production is said by a word as well as a color", () => {
  const found = shown({ production: true });
  assert.equal(found.production, true);
  assert.match(found.text, /^PRODUCTION payments-prod/);
});

test("the warning color begins five minutes before an end that does not renew, and at any end", () => {
  assert.equal(shown({ renews: false, seconds_left: 301 }).warning, false);
  assert.equal(shown({ renews: false, seconds_left: 300 }).warning, true);
  assert.equal(shown({ seconds_left: 60 }).warning, false);
  assert.equal(shown({ seconds_left: 0 }).warning, true);
  assert.match(shown({ renews: false }).title, /not renewed\. Run %sso_login\./);
});

test("no role, and a lost connection, are no role's text", () => {
  const where = "Notebook a.ipynb, kernel Python 3.";
  const none = describe({ role: null, previous: null, edge: true }, 0, where, true);
  assert.deepEqual([none.text, none.state], ["AWS: no role", "none"]);
  const lost = describe({ role: { ...role, production: true }, previous: null, edge: true }, 0, where, false);
  assert.deepEqual([lost.text, lost.state, lost.production], ["AWS: not connected", "unknown", false]);
});

test("a message is taken whole or not at all", () => {
  assert.deepEqual(parse({ loaded: true, role, previous: "a / b" }), {
    role,
    previous: "a / b",
    edge: false,
  });
  assert.deepEqual(parse({ loaded: true, role: null, previous: null, edge: true }), {
    role: null,
    previous: null,
    edge: true,
  });
  assert.equal(parse({ loaded: false }), null);
  const others = [
    null,
    undefined,
    "role",
    {},
    { loaded: "yes", role: null, previous: null, edge: true },
    { loaded: true, role: "admin", previous: null, edge: true },
    { loaded: true, role: null, previous: 1 },
    ...Object.keys(role).map(name => ({
      loaded: true,
      role: { ...role, [name]: {} },
      previous: null,
      edge: true,
    })),
  ];
  for (const other of others) {
    assert.equal(parse(other), undefined);
  }
});

test("a key that a message has too many is not kept", () => {
  const parsed = parse({ loaded: true, role: { ...role, secret: "x" }, previous: null, edge: true });
  assert.ok(parsed?.role && !("secret" in parsed.role));
});

test("durations are rounded as the magics round them", () => {
  const expected = {
    0: "0 s",
    59: "59 s",
    60: "1 min",
    3300: "55 min",
    5970: "1 h 40 min",
    7200: "2 h 00 min",
  };
  for (const [seconds, text] of Object.entries(expected)) {
    assert.equal(span(Number(seconds)), text);
  }
  assert.equal(span(86_400 * 3), "3 days");
});
