"""The Identity Center's memory as a JSON document: who is signed in, keys that were minted, and the organization.

Device codes and sessions come back as they were; authorization codes, forms and links to the console, which last
minutes, do not. Nor do settings, faults and the clock: the command line has those.
"""

from __future__ import annotations

import base64
import itertools
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sso_magic.local.keys import Minted
from sso_magic.local.organization import Organization
from sso_magic.local.state import AccessToken, DeviceAuthorization, Registration, SignInSession

if TYPE_CHECKING:
    from sso_magic.local.state import State

VERSION = 1
_KEPT = 86400  # seconds for which expired role keys are remembered as such
_TUPLES = {"scopes", "grants", "redirect_uris", "buckets", "managed_policies"}


def organization_document(organization: Organization) -> dict[str, Any]:
    """Return the organization, with the identifiers that the administrator's APIs gave."""
    return {
        "users": [asdict(user) for user in organization.users],
        "groups": organization.groups,
        "accounts": [asdict(account) for account in organization.accounts],
        "permission_sets": [asdict(one) for one in organization.permission_sets],
        "assignments": [[one.kind, one.principal, one.account_id, one.role] for one in organization.assignments],
        "ids": [[*key, value] for key, value in organization.ids.items()],
    }


def organization_of_document(document: dict[str, Any]) -> Organization:
    """Return the organization of a document.

    Raises:
        LookupError, TypeError, ValueError: The document is not one that `organization_document` made.
    """
    organization = Organization()
    for user in document["users"]:
        organization.add_user(user["name"], user["display_name"], user["email"])
    for name, members in document["groups"].items():
        organization.add_group(name, *members)
    for account in document["accounts"]:
        buckets = account["buckets"]
        organization.add_account(
            account["id"], account["name"], account["email"], tuple(buckets) if buckets is not None else None
        )
    for one in document["permission_sets"]:
        organization.add_permission_set(
            one["name"],
            *one["managed_policies"],
            description=one["description"],
            inline_policy=one["inline_policy"],
        )
    for kind, principal, account_id, role in document["assignments"]:
        assign = organization.assign if kind == "USER" else organization.assign_group
        assign(principal, account_id, role)
    organization.ids.update({tuple(key): value for *key, value in document["ids"]})
    return organization


def sign_ins_document(state: State, keys: dict[str, Minted], now: float) -> dict[str, Any]:
    """Return registrations, sessions, tokens, device codes and minted keys that have not expired."""
    with state.lock:
        sessions = {one.id: one for one in state.sessions.values() if not one.ended and now < one.ends_at}
        tokens = [one for one in state.access_tokens.values() if one.session.id in sessions and now < one.expires_at]
        devices = [one for one in state.devices.values() if now < one.expires_at]
        return {
            "pages_key": base64.b64encode(state.key).decode(),
            "registrations": [asdict(one) for one in state.registrations.values() if now < one.expires_at],
            "sessions": [
                asdict(one) for one in sessions.values()
            ],  # each with its registration, which may have expired
            "access_tokens": [
                {
                    "value": one.value,
                    "session": one.session.id,
                    "expires_at": one.expires_at,
                    "revoked": one.revoked,
                }
                for one in tokens
            ],
            "devices": [asdict(one) for one in devices],
            "keys": [asdict(one) for one in list(keys.values()) if now < one.expires_at + _KEPT],
        }


def restore_sign_ins(state: State, keys: dict[str, Minted], document: dict[str, Any]) -> None:
    """Put back what `sign_ins_document` returned.

    Raises:
        LookupError, TypeError, ValueError: The document is another one.
    """
    with state.lock:
        state.clear()
        state.key = base64.b64decode(document["pages_key"])
        for fields in document["registrations"]:
            registration = Registration(**_tuples(fields))
            state.registrations[registration.client_id] = registration
        for fields in document["sessions"]:
            registration = _registration(state, fields)
            session = SignInSession(**_tuples(fields) | {"registration": registration})
            state.sessions[session.id] = session
            for value in filter(None, (session.refresh_token, session.previous_refresh_token)):
                state.refresh_tokens[value] = session
        state.continue_ids(itertools.count(max(state.sessions, default=0) + 1))
        for fields in document["access_tokens"]:
            token = AccessToken(**fields | {"session": state.sessions[fields["session"]]})
            state.access_tokens[token.value] = token
        for fields in document["devices"]:
            device = DeviceAuthorization(**fields | {"registration": _registration(state, fields)})
            state.devices[device.device_code] = state.user_codes[device.user_code] = device
        keys.clear()
        keys.update({fields["access_key_id"]: Minted(**fields) for fields in document["keys"]})


def _registration(state: State, fields: dict[str, Any]) -> Registration:
    found = Registration(**_tuples(fields["registration"]))
    return state.registrations.get(found.client_id, found)


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name in _TUPLES else value for name, value in fields.items()}
