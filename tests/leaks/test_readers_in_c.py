"""What reads a secret in C, past its repr: pandas, json, csv, http.client's debug level."""

from __future__ import annotations

import dataclasses
import http.client
import io
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from IPython.lib.pretty import pretty

from sso_magic import IdentityCenter
from sso_magic.common.secret import Secret, Unshown
from sso_magic.credentials.federation import federated_url

ROLE = ("payments-prod", "ReadOnly")
FRAMES = {
    "credentials": lambda credentials, secret: pd.DataFrame([credentials, credentials]),
    "a column": lambda credentials, secret: pd.DataFrame({"k": [secret]}),
    "a record": lambda credentials, secret: pd.DataFrame([{"k": secret, "of": credentials}]),
    "a series": lambda credentials, secret: pd.Series([secret, None], index=["a", "b"]),
    "an index": lambda credentials, secret: pd.DataFrame({"n": [1]}, index=[secret]),
    "columns": lambda credentials, secret: pd.DataFrame([[1]], columns=[secret]),
    "strings": lambda credentials, secret: pd.DataFrame({"k": pd.Series([secret], dtype="string")}),
    "a category": lambda credentials, secret: pd.DataFrame({"k": pd.Categorical([secret])}),
    "an array": lambda credentials, secret: pd.DataFrame(np.array([[secret]])),
    "values": lambda credentials, secret: pd.Series(dataclasses.asdict(credentials)),
}
SHOWN = (
    repr,
    str,
    lambda frame: frame._repr_html_() if hasattr(frame, "_repr_html_") else "",
    lambda frame: frame.to_csv(),
    lambda frame: frame.to_json(default_handler=str, date_format="iso") if frame.index.is_unique else "",
    lambda frame: str(frame.to_dict()),
    lambda frame: pickle.dumps(frame).decode("latin-1"),
    lambda frame: "".join(frame.index.astype(str)) + str(frame.to_numpy().tolist()),
)


def _written(secret: Secret) -> str:
    file = io.StringIO()
    file.write(secret)
    return file.getvalue()


TEXTS = {
    "json": json.dumps,
    "json in an object": lambda secret: json.dumps({"k": [secret], secret: 1}),
    "slices": lambda secret: secret[:80] + secret[4:],
    "joined": lambda secret: ",".join([secret] * 2),
    "letters": lambda secret: "".join(list(secret)),
    "written": _written,
    "methods": lambda secret: secret.lower() + secret.partition("x")[0] + secret.strip("'") + secret.replace("q", ""),
    "concatenated": lambda secret: "" + secret + "",
    "numpy": lambda secret: str(np.array([secret]).tolist()),
}


@pytest.fixture
def corp(center, planted, prompt):
    center.auto_approve = True
    made = IdentityCenter("corp")
    made.sign_in(method="device", prompt=prompt)
    return made


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_or_series_shows_none(planted, corp, name):
    credentials = corp.role(*ROLE).credentials()
    frame = FRAMES[name](credentials, credentials.session_token)
    for show in SHOWN:
        assert planted.seen_in(show(frame)) == []


@pytest.mark.parametrize("name", TEXTS)
def test_what_reads_the_characters_gets_the_redaction(planted, corp, name):
    credentials = corp.role(*ROLE).credentials()
    for secret in (credentials.secret_access_key, credentials.session_token, corp.tokens.get()):
        assert planted.seen_in(TEXTS[name](secret)) == []


def test_no_attribute_of_a_secret_has_its_characters(planted, corp):
    secret = corp.tokens.get()
    assert [name for name in dir(secret) if planted.seen_in(str(getattr(secret, name, "")))] == []


def test_a_dictionary_of_secrets_is_not_shown_by_its_copies_unions_and_views(planted, corp):
    made = corp.role(*ROLE).credentials().environment()
    for thing in (made.copy(), made | {"A": "b"}, {"A": "b"} | made, made.items(), made.values(), made.keys()):
        for show in (repr, str, pretty, lambda one: pretty([one])):
            assert planted.seen_in(show(thing)) == []
    assert isinstance(made.copy(), Unshown)
    assert dict(made.items()) == dict(made) == {**made}
    assert made.copy() == made
    assert type(corp.role(*ROLE).credentials().as_storage_options().copy()).__name__ == "StorageOptions"


@pytest.fixture
def debug_level(monkeypatch):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)


def test_the_debug_level_of_http_client_prints_nothing_that_is_sent(
    planted, center, prompt, debug_level, capsys, clean_environment
):
    center.auto_approve = True
    corp = IdentityCenter("corp")
    corp.sign_in(method="device", prompt=prompt)
    corp.inventory()
    corp.tokens.get(refused=corp.tokens.get())
    federated_url(corp.role(*ROLE).credentials(), endpoint=center.url)
    corp.sign_out()
    printed = "".join(capsys.readouterr())
    assert planted.seen_in(printed) == []
    assert "send:" not in printed
    assert len(planted.all()) > 8


def test_the_debug_level_prints_nothing_through_a_proxy(planted, center, debug_level, capsys, monkeypatch):
    from sso_magic.client.quiet import QuietAdapter

    adapter = QuietAdapter()
    manager = adapter.proxy_manager_for(center.url)
    assert {pool.ConnectionCls.debuglevel for pool in manager.pool_classes_by_scheme.values()} == {0}
    import requests

    session = requests.Session()
    session.mount("http://", adapter)
    session.proxies = {"http": center.url}
    session.get("http://example.invalid/", headers={"x-amz-sso_bearer_token": "aoa-planted-by-hand"}, timeout=10)
    assert "planted" not in "".join(capsys.readouterr())
