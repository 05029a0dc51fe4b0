"""Everything a person can get hold of is looked at in every way there is, and followed to its last attribute."""

from __future__ import annotations

import contextlib
import copy
import pickle
import pprint
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from IPython.lib.pretty import pretty
from leak_search import reached

from sso_magic import IdentityCenter, oidc, portal
from sso_magic.client.messages import HttpRequest, HttpResponse
from sso_magic.client.middleware import before
from sso_magic.client.transport_errors import chain
from sso_magic.common import cache
from sso_magic.common.secret import Unshown
from sso_magic.credentials.federation import federated_url
from sso_magic.each.accounts import select
from sso_magic.each.here import EachAccount, Here
from sso_magic.kernel.handover import Handover
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.local import Fault
from sso_magic.magics.console import OneTimeLink
from sso_magic.signin import browser, device, registration
from sso_magic.signin.store import KeyringStore

ROLE = ("payments-prod", "ReadOnly")
MADE_TO_BE_HANDED_ON = (Unshown, Handover)  # pickled, they carry what they are for


def ways_to_look(thing) -> dict[str, str | bytes]:
    """All that is shown of it, by the way."""
    shown = {"repr": repr(thing), "str": str(thing), "format": f"{thing}", "in a list": repr([thing])}
    shown |= {"in a dict": f"{ {'it': thing} }", "pretty": pretty(thing), "pprint": pprint.pformat(thing)}
    shown |= {"vars": repr(getattr(thing, "__dict__", "")), "dir": repr(dir(thing))}
    for name in ("_repr_html_", "_repr_mimebundle_"):
        if hasattr(thing, name):
            shown[name] = repr(getattr(thing, name)())
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1) if not isinstance(thing, MADE_TO_BE_HANDED_ON) else ():
        made = raised_or_returned(lambda protocol=protocol: pickle.dumps(thing, protocol))
        shown[f"pickle {protocol}"] = made if isinstance(made, bytes) else repr(made)
    for cause in chain(thing) if isinstance(thing, BaseException) else ():
        for name, value in vars(cause).items():
            made = raised_or_returned(lambda value=value: pickle.dumps(value))
            way = f"{type(cause).__name__}.{name}, as Dask pickles it"
            shown[way] = made if isinstance(made, bytes) else repr(made)
    for make in (copy.copy, copy.deepcopy):
        with contextlib.suppress(Exception):
            shown[make.__name__] = repr(make(thing)) + repr(getattr(make(thing), "__dict__", ""))
    return shown


def raised_or_returned(call) -> object:
    """What came of it, whichever it is."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001
        return error


def look_at(planted, things) -> None:
    """Fails if a secret can be seen in, or reached from, one of these."""
    found = []
    for name, thing in things.items():
        for way, shown in ways_to_look(thing).items():
            found += [f"{name}, {way}: {secret}" for secret in planted.seen_in(shown)]
        found += [f"{name}{path}" for path in reached(planted, thing)]
    assert not found, "\n".join(["a secret is seen:", *found[:30]])


@pytest.fixture
def corp(center, planted, prompt):
    """Signed in by a person, with a refresh token and a registration."""
    center.auto_approve = True
    made = IdentityCenter("corp")
    made.sign_in(method="device", prompt=prompt)
    return made


def test_what_a_sign_in_is_made_of(planted, center, prompt, corp):
    registered = registration.register(corp.oidc, corp.session)
    asked = device.start(corp.oidc, corp.session, registered)
    by_browser = registration.register(
        corp.oidc, corp.session, grant_types=browser.GRANT_TYPES, redirect_uris=(browser.REGISTERED_URI,)
    )
    with browser.BrowserSignIn(corp.session, by_browser, browser.authorize_url(corp.oidc)) as attempt:
        page = attempt.request()
        requests.get(page.url, timeout=60)
        assert attempt.answered.wait(10)
        planted.tell(verifier=attempt._verifier, code=attempt._code)
        token = attempt.redeem(corp.oidc)
        things = {
            "DeviceRequest": asked,
            "Registration": registered,
            "BrowserSignIn": attempt,
            "BrowserRequest": page,
            "CreateTokenOutput": token,
            "Token": device.token_of(token, by_browser),
            "TokenProvider": corp.tokens,
            "Recorder of a prompt": prompt.devices,
        }
        look_at(planted, things)
    assert len([name for name in planted.all() if name.startswith("code verifier")]) == 1


def test_an_identity_center_and_its_parts(planted, corp):
    frame = corp.inventory()
    things = {
        "IdentityCenter": corp,
        "TokenProvider": corp.tokens,
        "access token": corp.tokens.get(),
        "Inventory": corp.directory,
        "snapshot": corp.snapshot(),
        "accounts": corp.accounts(),
        "inventory": frame,
        "Session": corp.session,
        "portal": corp.portal,
        "oidc": corp.oidc,
        "config": corp.portal.config,
        "stack": corp.portal.middleware_stack,
        "console_url": corp.role(*ROLE).console_url(),
    }
    look_at(planted, things)
    assert len(planted.all()) >= 4


@pytest.mark.parametrize("serve", [False, True], ids=["keys", "endpoint"])
def test_a_role_in_use(planted, corp, shell, serve):
    from sso_magic.doctor.report import examine
    from sso_magic.magics.status import status

    with corp.role(*ROLE).use(serve=serve) as layer:
        endpoint = KERNEL.endpoint
        planted.tell(endpoint=endpoint.token, path=urlsplit(endpoint.url(KERNEL.current.role).reveal()).path)
        credentials = corp.role(*ROLE).credentials()
        [magics] = [item for item in shell.configurables if type(item).__name__ == "SSOMagics"]
        things = {
            "Credentials": credentials,
            "environment()": credentials.environment(),
            "as_storage_options()": credentials.as_storage_options(),
            "Layer": layer,
            "Use": layer.use,
            "RenewingRole": layer.use.role,
            "KERNEL": KERNEL,
            "CredentialEndpoint": endpoint,
            "endpoint's environment()": endpoint.environment(layer.use.role),
            "Status": status(),
            "Report": examine(),
            "SSOMagics": magics,
            "Handover": Handover(credentials),
            "Here": Here(EachAccount(credentials.account_id), "ReadOnly", lambda: layer.use.role),
            "Selection": select(corp, "ReadOnly", "payments"),
        }
        look_at(planted, things)
    look_at(planted, {"KERNEL, released": KERNEL})


def test_what_was_in_the_environment_before_is_not_shown_either(planted, corp, monkeypatch):
    planted.tell(own_key="own-secret-access-key-of-the-person-0123456789")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret-access-key-of-the-person-0123456789")
    with corp.role(*ROLE).use():
        look_at(planted, {"KERNEL": KERNEL})


def test_the_panel(planted, corp, shell):
    import sso_magic

    panel = sso_magic.panel("corp")
    try:
        look_at(planted, {"Panel": panel, "PanelWidget": panel.widget, "shown": panel._view.shown})
    finally:
        with contextlib.suppress(KeyError):  # ipywidgets 7: a copy that was freed has closed the comm of both
            panel.close()


def test_commands_outputs_requests_and_contexts(planted, corp, center):
    seen = []
    corp.portal.middleware_stack.add(
        before(lambda args, context: seen.append((args, context))), step="finalizeRequest", priority="low", name="look"
    )
    corp.oidc.middleware_stack.add(
        before(lambda args, context: seen.append((args, context))), step="finalizeRequest", priority="low", name="look"
    )
    token = corp.tokens.get()
    account_id = next(one.id for one in center.organization.accounts if one.name == "payments-prod")
    outputs = [
        corp.portal.list_accounts(access_token=token),
        corp.portal.list_account_roles(access_token=token, account_id=account_id),
        corp.portal.get_role_credentials(access_token=token, account_id=account_id, role_name="ReadOnly"),
        corp.oidc.register_client(client_name="n", scopes=["sso:account:access"]),
    ]
    registered = outputs[-1]
    identity = {"client_id": registered.client_id, "client_secret": registered.client_secret}
    outputs.append(corp.oidc.start_device_authorization(**identity, start_url=center.start_url))
    outputs.append(
        corp.oidc.create_token(**identity, grant_type=oidc.GRANT_DEVICE_CODE, device_code=outputs[-1].device_code)
    )
    outputs.append(
        corp.oidc.create_token(**identity, grant_type="refresh_token", refresh_token=outputs[-1].refresh_token)
    )
    future = corp.portal.submit(portal.ListAccountsCommand(access_token=token))
    future.result()
    things = {f"output {number}": output for number, output in enumerate(outputs)}
    things |= {f"call {number}": SimpleNamespace(call=call) for number, call in enumerate(seen)}
    things |= {f"arguments {number}": call[0] for number, call in enumerate(seen)}
    things |= {f"request {number}": call[0].request for number, call in enumerate(seen)}
    things |= {"future": future, "command": oidc.CreateTokenCommand(**identity, grant_type="x", code="code")}
    assert len(seen) == 8
    look_at(planted, things)


def test_a_request_and_a_response(planted):
    planted.tell(body="the-secret-in-the-body-of-it", header="the-secret-in-a-header-of-it")
    request = HttpRequest(
        method="POST",
        protocol="https",
        hostname="h",
        port=None,
        path="/",
        body=b'{"x": "the-secret-in-the-body-of-it"}',
    )
    response = HttpResponse(200, {}, b'{"x": "the-secret-in-the-body-of-it"}')
    things = {"HttpRequest": request, "HttpResponse": response}
    found = [
        f"{name}, {way}: {secret}"
        for name, thing in things.items()
        for way, shown in ways_to_look(thing).items()
        for secret in planted.seen_in(shown)
    ]
    assert found == []


def test_the_links_into_the_console(planted, corp, center):
    credentials = corp.role(*ROLE).credentials()
    target = federated_url(credentials, endpoint=center.url)
    [token] = parse_qs(urlsplit(target.reveal()).query)["SigninToken"]
    planted.tell(sign_in_token=token)
    link = OneTimeLink(target)
    try:
        look_at(planted, {"federated_url()": target, "OneTimeLink": link})
    finally:
        link.end()


def test_tokens_in_the_keychain(planted, corp, monkeypatch):
    from sso_magic.signin import store, tokens

    kept = {}

    class Keyring:
        class errors:  # noqa: N801 - keyring's own name
            KeyringError = RuntimeError

        get_password = staticmethod(lambda service, key: kept.get((service, key)))
        set_password = staticmethod(lambda service, key, value: kept.__setitem__((service, key), value))
        delete_password = staticmethod(lambda service, key: kept.pop((service, key)))

    monkeypatch.setattr(store, "_current", KeyringStore(Keyring))
    tokens.save(corp.session, corp.tokens._read[1])
    assert corp.tokens.get()
    assert kept
    things = {"TokenProvider": corp.tokens, "stamp": store.current().stamp(corp.session.key)}
    look_at(planted, things)


FAULTS = {
    "refused": Fault("*", status=401),
    "forbidden": Fault("*", status=403),
    "failed": Fault("*", status=500),
    "reset": Fault("*", kind="reset"),
    "truncated": Fault("*", kind="truncate", carried_out=True),
    "no JSON": Fault("*", body="<html>no</html>"),
    "wrong types": Fault("*", kind="wrong-types"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_and_what_it_came_of(planted, corp, center, monkeypatch, fault):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("sso_magic.inventory.fetch.TRIES", 2)
    token = corp.tokens.get()
    identity = {"client_id": "c", "client_secret": token, "grant_type": "refresh_token", "refresh_token": token}
    center.faults.append(FAULTS[fault])
    calls = {
        "accounts": corp.accounts,
        "inventory": corp.inventory,
        "credentials": lambda: corp.role("111122223333", "ReadOnly").credentials(refresh=True),
        "use": lambda: corp.role("111122223333", "ReadOnly").use(),
        "create_token": lambda: corp.oidc.create_token(**identity),
        "get_role_credentials": lambda: corp.portal.get_role_credentials(
            access_token=token, account_id="111122223333", role_name="r"
        ),
        "submit": corp.portal.submit(portal.ListAccountsCommand(access_token=token)).result,
        "sign_out": corp.sign_out,
    }
    came = {name: raised_or_returned(call) for name, call in calls.items()}
    assert len([one for one in came.values() if isinstance(one, Exception)]) >= 6
    look_at(planted, came)


def test_an_error_of_the_console_and_what_it_came_of(planted, corp, center):
    credentials = corp.role(*ROLE).credentials()
    came = {}
    for fault in (Fault("*", status=403), Fault("*", kind="reset"), Fault("*", body="[]"), Fault("*", body="<p>")):
        center.faults.append(fault)
        name = f"{fault.kind} {fault.status} {fault.body}"
        came[name] = raised_or_returned(lambda: federated_url(credentials, endpoint=center.url))
        center.faults.clear()
    assert {type(one).__name__ for one in came.values()} == {"CredentialsError", "ConnectError"}
    look_at(planted, came)


def test_an_error_of_a_chained_profile_and_what_it_came_of(planted, corp, center, clean_environment, monkeypatch):
    from sso_magic.config.files import load_shared_config
    from sso_magic.kernel import chained

    base = corp.role(*ROLE).credentials()
    account_id = base.account_id
    with (clean_environment / ".aws" / "config").open("a") as config:
        config.write(
            f"\n[profile base]\nsso_session = corp\nsso_account_id = {account_id}\nsso_role_name = ReadOnly\n"
            f"\n[profile top]\nrole_arn = arn:aws:iam::{account_id}:role/x\nsource_profile = base\n"
            f"\n[profile refused]\nrole_arn = arn:aws:iam::{account_id}:role/x\nsource_profile = base\n"
            "duration_seconds = 100000\n"
        )
    came = {
        name: raised_or_returned(lambda name=name: chained.assume(name, load_shared_config(), lambda: base))
        for name in ("top", "refused")
    }
    planted.tell(key=came["top"].secret_access_key, token=came["top"].session_token)
    assert {type(one).__name__ for one in came.values()} == {"Credentials", "ConfigError"}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    came["unreachable"] = raised_or_returned(lambda: chained.assume("top", load_shared_config(), lambda: base))
    assert type(came["unreachable"]).__name__ == "CredentialsError"
    look_at(planted, came)


def test_files_are_for_their_owner_alone(planted, corp, clean_environment):
    import os
    import stat

    old = os.umask(0)
    try:
        IdentityCenter("corp").inventory()
        corp.role(*ROLE).credentials()
        with corp.role(*ROLE).use(serve=True):
            endpoint = KERNEL.endpoint
            cache.write(cache.own_directory() / "x" / "y.json", {})
            directory = endpoint._copies.directory()
            paths = [*clean_environment.rglob("*"), directory, *directory.rglob("*")]
            modes = {str(path): stat.S_IMODE(path.stat().st_mode) for path in paths if path.name != "config"}
    finally:
        os.umask(old)
    wide = {path: oct(mode) for path, mode in modes.items() if mode & 0o077}
    assert {path for path in wide if not path.endswith("/.aws")} == set()
    assert len(modes) >= 12
