"""``sso-magic local``: an Identity Center on this machine until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import time
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sso_magic.local.errors import KnobError, LocalError
from sso_magic.local.faults import KINDS, Fault
from sso_magic.local.knobs import Knob, knobs
from sso_magic.local.network import LOOPBACK_NAMES, Network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sso_magic.local.center import LocalIdentityCenter
    from sso_magic.local.organization import Organization
    from sso_magic.local.request_log import RequestRecord

PORT = 8317  # the same every time, so that what stands in ~/.aws/config stays true
AWS_PORT = 8318

_DESCRIPTION = """\
An Identity Center (AWS SSO) on this machine, and AWS accounts with STS and S3 behind it, for trying things out and for
tests. It prints what to put in the environment and in ~/.aws/config, and runs until Ctrl-C. Nothing reaches AWS.
A role decides who you are, not what you may do, unless --enforce is given.
"""
_EPILOG = """\
faults: ON [NAME=VALUE ...], ON being an operation (ListAccounts) or a path (/assignment/*). Kinds:
{kinds}
other names: every, times, probability, seed, status, error, message, body, content_type, delay, size, location,
carried_out.

examples:
  sso-magic local --accounts 1000 --roles 3 --throttle 20:20
  sso-magic local --role-lifetime 60 --access-token-lifetime 120 --auto-approve
  sso-magic local --fault "GetRoleCredentials every=7 status=500" --fault "ListAccounts times=2 kind=reset"
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``local`` to the commands of ``sso-magic``."""
    kinds = "\n".join(f"  {name:<15} {what}" for name, what in KINDS.items())
    parser = commands.add_parser(
        "local",
        usage="%(prog)s [options]",
        help="an Identity Center and AWS accounts on this machine",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(kinds=kinds),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=PORT, help="where it listens; 0 takes a free port (%(default)s)")
    parser.add_argument("--aws-port", type=int, default=AWS_PORT, help="where AWS listens; 0: a free one (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="the IP address it listens on (%(default)s)")
    parser.add_argument(
        "--public-url", metavar="URL", help="how clients elsewhere reach it: http://identity-center:8317"
    )
    parser.add_argument("--public-aws-url", metavar="URL", help="the same for AWS (that host, and the port of AWS)")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="another name that clients reach it by"
    )
    parser.add_argument(
        "--tls", action="store_true", help="both ports take TLS alone; AWS_CA_BUNDLE is printed with a throw-away CA"
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="keep tokens, registrations, the organization and buckets here for the next start",
    )
    parser.add_argument(
        "--wait",
        type=float,
        nargs="?",
        const=60.0,
        metavar="SECONDS",
        help="start nothing: wait until the one on --port is ready, AWS included, for so long at most (60)",
    )
    parser.add_argument("--region", default="eu-west-1", help="the region it says it is in (%(default)s)")
    parser.add_argument(
        "--no-aws", dest="aws", action="store_false", help="no AWS accounts: role credentials open nothing"
    )
    parser.add_argument(
        "--aws-in-process",
        dest="aws",
        action="store_const",
        const="in-process",
        help="AWS accounts in the same process, not in one of their own",
    )
    parser.add_argument("--no-content", dest="content", action="store_false", help="accounts without buckets")
    parser.add_argument("--json", action="store_true", help="print what a program needs to know as one line of JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="print a line for every request")
    organization = parser.add_argument_group("organization", "the sample one, one from a file, or a generated one")
    which = organization.add_mutually_exclusive_group()
    which.add_argument(
        "--organization",
        type=Path,
        metavar="FILE",
        help="read it from a TOML or JSON file",
    )
    which.add_argument(
        "--sample", choices=["plain", "tricky"], help="the sample one, or with names that trip clients up (plain)"
    )
    which.add_argument("--accounts", type=int, metavar="N", help="generate this many accounts")
    organization.add_argument("--roles", type=int, metavar="M", default=3, help="roles in each of them (%(default)s)")
    organization.add_argument("--seed", type=int, default=0, help="another seed, another company (%(default)s)")
    settings = parser.add_argument_group("what can be set")
    for knob in _settable():
        _add_knob(settings, knob)
    settings.add_argument("--fault", action="append", default=[], metavar="RULE", type=_fault, help="see faults below")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it until it is interrupted, or waits for one that runs.

    Raises:
        PortInUse: another program has one of the ports.
        LocalError: none was ready in time, or its AWS accounts cannot be started.
    """
    if arguments.wait is not None:
        return _wait(Network(arguments.host, tls=arguments.tls), arguments.port, arguments.wait)
    from sso_magic.local.center import LocalIdentityCenter

    chosen = {knob.name: getattr(arguments, knob.name) for knob in _settable() if hasattr(arguments, knob.name)}
    center = LocalIdentityCenter(
        _organization(arguments),
        port=arguments.port,
        aws=arguments.aws,
        aws_port=arguments.aws_port,
        content=arguments.content,
        region=arguments.region,
        faults=arguments.fault,
        log_requests=False,
        network=Network(arguments.host, arguments.public_url, arguments.public_aws_url, tuple(arguments.allow_host)),
        tls=arguments.tls,
        state_directory=arguments.state,
        **chosen,
    )
    if arguments.verbose:
        center.requests.tell = _print_request
    try:
        with stop_signals_as_ctrl_c(), center:
            _say(_as_json(center) if arguments.json else _as_text(center))
            center.wait_until_ready()
            while True:
                time.sleep(3600)  # sleep, unlike waiting for an event, is interrupted by Ctrl-C on Windows too
    except KeyboardInterrupt:
        if not arguments.json:
            _say("\nStopped.")
    return 0


def _wait(network: Network, port: int, seconds: float) -> int:
    import http.client
    import ssl

    address = urlsplit(network.local_url(port)).hostname or ""
    make: Any = http.client.HTTPConnection
    if network.tls:  # it may be another process's CA, and no secret is sent or read
        make = partial(http.client.HTTPSConnection, context=ssl._create_unverified_context())  # noqa: S323, SLF001
    until = time.monotonic() + seconds
    said = "nothing answers there"
    while True:
        try:
            connection = make(address, port, timeout=5)
            try:
                connection.request("GET", "/control/ready")
                answer = connection.getresponse()
                text = answer.read(10_000)
            finally:
                connection.close()
            if answer.status == HTTPStatus.OK:
                return 0
            said = _message(text)
            if answer.status == HTTPStatus.BAD_REQUEST:
                raise LocalError(said)
        except (OSError, http.client.HTTPException):
            pass
        if time.monotonic() >= until:
            raise LocalError(f"No local Identity Center was ready on port {port} within {seconds:g} s: {said}.")
        time.sleep(0.05)


def _message(answer: bytes) -> str:
    """Return the control API's message."""
    try:
        found = json.loads(answer)["message"]
    except (ValueError, TypeError, KeyError):
        return "another program answers there"
    return str(found).rstrip(".")


@contextlib.contextmanager
def stop_signals_as_ctrl_c() -> Iterator[None]:
    """What stops a program beside Ctrl-C does the same: a service manager, a closed terminal, Ctrl-Break."""
    numbers = [number for number in signal.Signals if number.name in {"SIGTERM", "SIGHUP", "SIGBREAK"}]
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _settable() -> list[Knob[Any]]:
    """The knobs that mean something here: what a test reads afterwards, nobody reads here."""
    return [knob for knob in knobs() if knob.name not in {"log_requests", "redact_log"}]


def _add_knob(group: argparse._ArgumentGroup, knob: Knob[Any]) -> None:
    flag = "--" + knob.name.replace("_", "-")
    if not knob.metavar:
        text = f"{knob.explain} ({'yes' if knob.default else 'no'} by default)"
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
    elif knob.name == "auto_approve":
        group.add_argument(
            flag, nargs="?", const=True, metavar=knob.metavar, default=argparse.SUPPRESS, help=knob.explain
        )
    else:
        text = knob.explain if knob.default is None else f"{knob.explain} ({knob.default:.10g})"
        group.add_argument(flag, type=_Value(knob), metavar=knob.metavar, default=argparse.SUPPRESS, help=text)


class _Value:
    """A knob's value from the command line: refused in the knob's own words."""

    def __init__(self, knob: Knob[Any]) -> None:
        self._knob = knob

    def __call__(self, text: str) -> Any:
        try:
            return self._knob.accept(text)
        except KnobError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error} is expected, not {text!r}") from None


def _fault(text: str) -> Fault:
    try:
        return Fault.parse(text)
    except KnobError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _organization(arguments: argparse.Namespace) -> Organization | None:
    if arguments.organization is not None:
        from sso_magic.local.organization import Organization

        return Organization.from_file(arguments.organization)
    if arguments.accounts is None and arguments.sample != "tricky":
        return None
    from sso_magic.local.organization import Organization

    if arguments.sample is not None:
        return Organization.tricky()
    return Organization.generated(arguments.accounts, arguments.roles, arguments.seed)


def _say(text: str, *, error: bool = False) -> None:
    print(text, file=sys.stderr if error else sys.stdout, flush=True)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _as_json(center: LocalIdentityCenter) -> str:
    return json.dumps({
        "url": center.url,
        "start_url": center.start_url,
        "portal_url": center.portal_url,
        "vanity_url": center.vanity_url,
        "control_url": center.control_url,
        "control_token": center.control_token,
        "region": center.region,
        "environment": center.environment(),
        "config": center.config_text(),
    })  # fmt: skip


def _as_text(center: LocalIdentityCenter) -> str:
    variables = center.environment()
    number = len(center.organization.accounts)
    shell = [f"  export {name}={value}" for name, value in variables.items()]
    power_shell = [f'  $Env:{name} = "{value}"' for name, value in variables.items()]
    config = [f"  {line}" for line in center.config_text().splitlines()]
    lines = [
        f"Local Identity Center with {number:,} account{'' if number == 1 else 's'}, until Ctrl-C",
        "",
        f"  start URL  {center.start_url}",
        f"  portal     {center.portal_url} (the start URL's page on this machine)",
        f"  vanity     {center.vanity_url} (redirects to the start URL)",
        f"  region     {center.region}",
        "",
        "Where the SDKs and the AWS CLI find it (sh):",
        *shell,
        "",
        "The same in PowerShell:",
        *power_shell,
        "",
        "In ~/.aws/config:",
        *config,
        "",
        *_exposed(center),
        f"In a notebook:  %sso_login {center.start_url} --sso-region {center.region}",
    ]
    return "\n".join(lines)


def _exposed(center: LocalIdentityCenter) -> list[str]:
    """Return a warning where more than this machine can reach it."""
    if center.network.host in LOOPBACK_NAMES:
        return []
    return [f"Listens on {center.network.host}: whatever reaches it can sign in as anybody.", ""]


def _print_request(record: RequestRecord) -> None:
    answer = record.status or "no answer"
    _say(f"{time.strftime('%H:%M:%S')}  {record.operation:<26} {record.method} {record.path}  {answer}", error=True)
