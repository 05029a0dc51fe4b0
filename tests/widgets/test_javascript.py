"""The panel's JavaScript: its own tests, and its search beside Python's."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sso_magic.inventory import Account, InventorySnapshot, search

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "sso_magic" / "widgets" / "panel.mjs"
NODE = shutil.which("node")
if NODE is None:
    pytest.skip("Node is missing", allow_module_level=True)

SEARCH = """
import { Roles } from %s;
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { accounts, names, searches } = JSON.parse(text);
const roles = new Roles();
roles.take({ put: accounts, names, gone: [], reset: true });
console.log(JSON.stringify(searches.map((words) => roles.search(words).map(({ key }) => key))));
"""


def test_its_own_tests_pass():
    done = subprocess.run(
        [NODE, "--test", str(ROOT / "tests" / "node" / "panel.test.mjs")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^# pass (\d+)", done.stdout, re.MULTILINE)[1]) >= 12


def test_it_finds_what_python_finds_in_the_same_order():
    draw = random.Random(11)
    parts = ["pay", "prod", "Dev", "data", "Büro", "東京", "straße", "a", "x1", "é", "Ωmega", "data-lake", "PROD"]
    names = ["ReadOnly", "AdministratorAccess", "data-prod", "prod", "Billing_1", "dev.readonly"]
    accounts = []
    for _ in range(300):
        account_id = f"{draw.randrange(10**12):012}"
        name = draw.choice(["-", " ", ""]).join(draw.choices(parts, k=draw.randrange(4)))
        address = f"{'.'.join(draw.choices(parts, k=2))}@example.com" if draw.random() < 0.7 else ""
        accounts.append((Account(account_id, name or None, address or None), sorted(draw.sample(names, 3))))
    accounts.sort(key=lambda it: (not it[0].account_name, (it[0].account_name or "").casefold(), it[0].account_id))
    snapshot = InventorySnapshot(
        tuple(account for account, _ in accounts), {account.account_id: tuple(roles) for account, roles in accounts}
    )
    pieces = [*parts, *names, "STRASSE", "BÜRO", "ro", "ly", "12", "@", "example", "-", "ωμ", "dat", "nothing"]
    searches = ["", *pieces, *(" ".join(draw.choices(pieces, k=draw.randrange(1, 4))) for _ in range(200))]
    sent = {
        "names": names,
        "accounts": [
            [one.account_id, one.account_name or "", one.email_address or "", [names.index(role) for role in roles], 0]
            for one, roles in accounts
        ],
        "searches": searches,
    }
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", SEARCH % json.dumps(MODULE.as_uri())],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=True,
    )
    for words, found in zip(searches, json.loads(done.stdout), strict=True):
        assert found == [f"{row.account_id}/{row.role_name}" for row in search(snapshot, words)], words
    assert sum(map(len, json.loads(done.stdout))) > 5_000


def test_it_is_readable_and_asks_nobody():
    source = MODULE.read_text(encoding="utf-8")
    assert max(map(len, source.splitlines())) <= 220
    assert (
        re.findall(r"fetch\(|import\s|https?://(?!127\.0\.0\.1|example)|XMLHttpRequest|eval\(|Function\(", source) == []
    )
    assert len(re.findall("innerHTML", source)) == 1  # the card of the sign-in, which Python escapes
