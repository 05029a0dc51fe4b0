import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Connection } from "../src/connection.js";
import { COMM, type Pin } from "../src/identity.js";

let asked = 0;
let answer: () => Promise<boolean>;
let changes = 0;
let time = 0;
let ran: [string, string[]][] = [];
let pinned: [string, Pin][] = [];
let offered: [string, string, string][] = [];
let production: [string, string[]][] = [];
let connection: Connection;

beforeEach(() => {
  [asked, changes, time] = [0, 0, 0];
  ran = [];
  pinned = [];
  offered = [];
  production = [];
  answer = async () => true;
  connection = new Connection({
    ask: () => {
      asked += 1;
      return answer();
    },
    changed: () => {
      changes += 1;
    },
    ran: (request, roles) => {
      ran.push([request, roles.map(role => role.role_name)]);
    },
    pinned: (request, pin) => {
      pinned.push([request, pin]);
    },
    offered: (request, offer) => {
      offered.push([request, offer.label, offer.magic]);
    },
    running: (request, roles) => {
      production.push([request, [...roles]]);
    },
    now: () => time,
  });
});

const said = (data: unknown, comm_id = COMM, msg_type = "comm_msg") =>
  connection.received({ header: { msg_type }, parent_header: { msg_id: "run" }, content: { comm_id, data } });
const NO_ROLE = { loaded: true, role: null, previous: null };
const inUse = (role_name: string, isProduction: boolean, edge = true) =>
  said({
    ...NO_ROLE,
    edge,
    role: {
      account_id: "1",
      account_name: "payments",
      role_name,
      region: null,
      expires_at: "2026-01-01T00:00:00+00:00",
      seconds_left: 60,
      renews: true,
      production: isProduction,
    },
  });
const begin = (msg_id: string) =>
  connection.received({ header: { msg_type: "execute_input" }, parent_header: { msg_id }, content: {} });
const settled = () => new Promise(resolve => setImmediate(resolve));

test("the kernel is asked once, when it is idle, and again for each new connection", () => {
  connection.kernelChanged("busy");
  assert.equal(asked, 0);
  connection.statusChanged("idle");
  connection.statusChanged("busy");
  connection.statusChanged("idle");
  assert.equal(asked, 1);
  connection.connectionChanged("connecting");
  connection.statusChanged("busy");
  connection.connectionChanged("connected");
  assert.equal(asked, 1);
  connection.statusChanged("idle");
  assert.equal(asked, 2);
});

test("what the kernel says is taken while a cell runs, without a question", () => {
  connection.kernelChanged("busy");
  said(NO_ROLE);
  assert.deepEqual(connection.identity, { role: null, previous: null, edge: false });
  assert.deepEqual([asked, changes], [0, 1]);
  time = 2_000;
  assert.equal(connection.age, 2);
});

test("other comms, other messages and other forms are left alone", () => {
  said(NO_ROLE, "a-widget");
  said(NO_ROLE, COMM, "display_data");
  said({ loaded: true });
  assert.deepEqual([connection.identity, changes], [null, 0]);
});

for (const status of ["restarting", "autorestarting", "terminating", "dead", "starting"]) {
  test(`nothing is known of a kernel that is ${status}, and it is asked when it is idle`, () => {
    connection.kernelChanged("idle");
    said(NO_ROLE);
    connection.statusChanged(status);
    assert.equal(connection.identity, null);
    connection.statusChanged("idle");
    assert.equal(asked, 2);
  });
}

test("another kernel's role is never kept", () => {
  connection.kernelChanged("idle");
  said(NO_ROLE);
  connection.kernelChanged(null);
  assert.equal(connection.identity, null);
});

test("a lost connection is shown, and what was known comes back only by the kernel's word", async () => {
  connection.kernelChanged("idle");
  said(NO_ROLE);
  connection.connectionChanged("disconnected");
  assert.deepEqual([connection.connected, changes], [false, 2]);
  answer = async () => false;
  connection.connectionChanged("connected");
  await settled();
  assert.equal(connection.identity, null);
});

test("an answer for an earlier kernel changes nothing", async () => {
  let settle: (hasComm: boolean) => void = () => undefined;
  answer = () =>
    new Promise(resolve => {
      settle = resolve;
    });
  connection.kernelChanged("idle");
  connection.kernelChanged("busy");
  said(NO_ROLE);
  settle(false);
  await settled();
  assert.notEqual(connection.identity, null);
});

test("a kernel that loads sso_magic after its answer is not forgotten by the answer", async () => {
  let settle: (hasComm: boolean) => void = () => undefined;
  answer = () =>
    new Promise(resolve => {
      settle = resolve;
    });
  connection.kernelChanged("idle");
  said(NO_ROLE);
  settle(false);
  await settled();
  assert.notEqual(connection.identity, null);
});

test("a question that failed is asked again", async () => {
  answer = () => Promise.reject(new Error("disconnected"));
  connection.kernelChanged("idle");
  await settled();
  connection.statusChanged("busy");
  connection.statusChanged("idle");
  assert.equal(asked, 2);
});

test("an unloaded extension is shown no more", () => {
  said(NO_ROLE);
  said({ loaded: false });
  assert.equal(connection.identity, null);
});

test("the record of a cell is handed over with the id of its request, and nothing else changes", () => {
  said({ ran_as: [{ account_id: "1", role_name: "ReadOnly", at: "2026-01-01T00:00:00+00:00" }] });
  said({ ran_as: [] });
  said({ ran_as: [{ account_id: 1 }] });
  said({ ran_as: [null] });
  said({ ran_as: [] }, "a-widget");
  assert.deepEqual(ran, [
    ["run", ["ReadOnly"]],
    ["run", []],
  ]);
  assert.deepEqual([connection.identity, changes], [null, 0]);
});

test("a pin is handed over with the id of its request, and nothing else changes", () => {
  const pin = { account: "1", role: "ReadOnly", region: null, at: "2026-01-01T00:00:00+00:00" };
  said({ pin });
  said({ pin: { ...pin, region: "eu-west-1" } });
  for (const odd of [null, 5, {}, { ...pin, role: 5 }, { ...pin, region: 5 }]) {
    said({ pin: odd });
  }
  said({ pin }, "a-widget");
  assert.deepEqual(pinned, [
    ["run", pin],
    ["run", { ...pin, region: "eu-west-1" }],
  ]);
  assert.deepEqual([connection.identity, changes], [null, 0]);
});

test("a cell is marked with each role in production that it uses, and only where that is asked for", () => {
  begin("one");
  inUse("Admin", true);
  inUse("Admin", true);
  inUse("ReadOnly", true);
  inUse("ReadOnly", false);
  connection.statusChanged("idle");
  inUse("Later", true); // no cell runs
  begin("two");
  inUse("Off", true, false);
  begin("three");
  const [admin, readOnly] = ["payments (1) / Admin", "payments (1) / ReadOnly"];
  assert.deepEqual(production, [
    ["one", []],
    ["one", [admin]],
    ["one", [admin, readOnly]],
    ["two", []],
    ["two", ["payments (1) / Later"]],
    ["three", []],
  ]);
});

test("an offer is handed over with the id of its request, if it is one of those that are known", () => {
  said({ offer: { kind: "sign-in", magic: "%sso_login corp" } });
  said({ offer: { kind: "expired", magic: "%sso_login" } });
  said({ offer: { kind: "not-assigned", magic: "%sso_inventory --refresh" } });
  const odd = ["import os", "%sso_login\nimport os", "%sso_logins", "%sso_use a", 5];
  for (const offer of [
    null,
    5,
    { kind: "other", magic: "%sso_login" },
    { kind: "toString", magic: "%sso_login" },
  ]) {
    said({ offer });
  }
  for (const magic of odd) {
    said({ offer: { kind: "sign-in", magic } });
  }
  assert.deepEqual(offered, [
    ["run", "Sign in and run again", "%sso_login corp"],
    ["run", "Renew and run again", "%sso_login"],
    ["run", "Refresh the roles and run again", "%sso_inventory --refresh"],
  ]);
});

test("a kernel that loads sso_magic later is asked once more, when it is idle", async () => {
  answer = async () => false;
  connection.kernelChanged("idle");
  await settled();
  connection.statusChanged("busy");
  answer = async () => true;
  said(NO_ROLE);
  said(NO_ROLE);
  assert.equal(asked, 1);
  connection.statusChanged("idle");
  await settled();
  said(NO_ROLE);
  connection.statusChanged("busy");
  connection.statusChanged("idle");
  assert.equal(asked, 2);
});
