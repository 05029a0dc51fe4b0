"""An Identity Center, and AWS accounts behind it, on this machine.

    center.py           LocalIdentityCenter: start, stop, what it is made of; center_state.py: what its parts see of it;
                        people.py: what people do at it
    configuration.py    the sections of ~/.aws/config that lead to it; home.py: a HOME that is signed in
    knobs.py            what can be set, each setting declared once: constructor, attribute, command line
    organization.py     accounts, users, assignments (directory.py); organization_file.py: from a file; sample.py: the
                        sample one and generated ones
    state.py            registrations, codes, sign-in sessions, tokens; keys.py: role credentials; clock.py: the time
                        they end by
    state_directory.py  what survives a restart (saved_state.py, saved_buckets.py); files.py: files written whole
    portal.py           the four portal operations
    oidc.py             register, device authorization, token
    pages.py            what a person meets in a browser, made with web.py; authorize.py, console.py: the rest of it
    faults.py           what can go wrong on purpose; throttle.py: 429
    tls.py              the certificate of a throw-away CA
    network.py          where it listens and under which names; origin.py: which requests it refuses
    control.py          the same as in Python, over HTTP for tests in other languages
    listener.py         HTTP on tornado, in a thread of its own; wire.py: requests and answers; request_log.py: a
                        record of each; locks.py: what a child process finds free
    aws.py              the AWS accounts: moto, in a process of its own (aws_process.py, aws_child.py, channel.py),
                        made with what aws_setup.py has
    gate.py             who gets through to moto (sigv4.py, sigv2.py), asking authority.py; sts.py: what STS
                        answers; protocols.py: how an error looks
    permissions.py      what a role may do, if roles restrict, by policies.py; actions.py: what a request is to IAM
    administration.py   SSO Admin, Identity Store and Organizations: moto, made equal to the organization
                        (moto_organization.py) and what changes there brought back (organization_edits.py);
                        administration_rules.py: what AWS refuses and moto takes
    accounts.py         moto itself; content.py: what is in the buckets
    cli.py              ``sso-magic local``; errors.py: the errors that it prints
    pytest_plugin.py    the fixtures that come with the package

Written from the protocol alone (PROTOCOL.md 1, 2, 13), importing nothing of the rest of the package, so that
client and emulator cannot share a mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sso_magic.local.center import LocalIdentityCenter as LocalIdentityCenter
    from sso_magic.local.directory import Account as Account
    from sso_magic.local.directory import User as User
    from sso_magic.local.faults import Fault as Fault
    from sso_magic.local.network import Network as Network
    from sso_magic.local.organization import Organization as Organization
    from sso_magic.local.throttle import Throttle as Throttle

_HOME = {
    "Network": "network",
    "Account": "directory",
    "Fault": "faults",
    "LocalIdentityCenter": "center",
    "Organization": "organization",
    "Throttle": "throttle",
    "User": "directory",
}

__all__ = ["Account", "Fault", "LocalIdentityCenter", "Network", "Organization", "Throttle", "User"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
