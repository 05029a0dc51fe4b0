"""`LocalIdentityCenter`: an Identity Center on loopback, with AWS accounts behind it.

with LocalIdentityCenter(access_token_lifetime=5) as center:
    os.environ.update(center.environment())
    ...
    center.approve()                      # what a person does on the device page
    center.throttle = (20, 20)            # every knob can be turned while it runs
    center.faults.append(Fault("ListAccounts", times=2, kind="reset"))
    center.advance(3600)                  # an hour later
    assert center.requests.total("ListAccounts") == 1
"""

from __future__ import annotations

import dataclasses
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sso_magic.local.authority import LocalAuthority
from sso_magic.local.authorize import Authorize
from sso_magic.local.center_state import CenterState
from sso_magic.local.clock import Clock
from sso_magic.local.configuration import config_sections
from sso_magic.local.console import Console
from sso_magic.local.control import Control
from sso_magic.local.errors import LocalError, NotRunning
from sso_magic.local.faults import Fault, Faults
from sso_magic.local.keys import Minted, reserved_role_arn
from sso_magic.local.listener import Listener, listen
from sso_magic.local.network import Network
from sso_magic.local.oidc import Oidc
from sso_magic.local.organization import Organization
from sso_magic.local.pages import Pages
from sso_magic.local.portal import Portal
from sso_magic.local.request_log import RequestLog
from sso_magic.local.state import State
from sso_magic.local.web import Web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable
    from types import TracebackType

    from typing_extensions import Self

    from sso_magic.local.aws import AWS
    from sso_magic.local.state_directory import StateDirectory
    from sso_magic.local.tls import Tls


class LocalIdentityCenter(CenterState):
    """An Identity Center on loopback, started with ``with`` or `start`.

    Args:
        organization: Accounts, users and assignments. Default: a copy of the sample organization.
        port: Where it listens; 0 takes a free port.
        aws: Whether AWS accounts (STS, S3) are behind it, in a process of their own. Without them role credentials are
            well formed and open nothing. ``"in-process"`` runs them in this process, where moto's state is shared:
            other Identity Centers in it have the same buckets, and a ``@mock_aws`` test in it removes them.
        aws_port: Where AWS listens; 0 takes a free port.
        content: Whether the accounts have buckets with something in them, made when somebody first looks.
        region: The region it says it is in.
        faults: What goes wrong on purpose.
        network: Where it listens and under which names; default: loopback alone.
        tls: Whether both ports take TLS alone, with a certificate of a CA that is made at the start. `environment` has
            ``AWS_CA_BUNDLE`` with the CA's file, which `stop` removes.
        state_directory: Where tokens, registrations, the organization, buckets and the CA are kept from one start to
            the next, readable for the owner alone; default: nowhere. What it has comes before `organization`.
        **knobs: Any knob of `Knobs`, by its name.

    Raises:
        PortInUse: on start; the message names the port.
        KnobError: a knob does not exist or cannot have that value.
    """

    def __init__(  # noqa: PLR0913 - by keyword, each a setting of its own
        self,
        organization: Organization | None = None,
        *,
        port: int = 0,
        aws: bool | Literal["in-process"] = True,
        aws_port: int = 0,
        content: bool = True,
        region: str = "eu-west-1",
        faults: Iterable[Fault | str] = (),
        network: Network | None = None,
        tls: bool = False,
        state_directory: Path | str | None = None,
        **knobs: Any,
    ) -> None:
        self.region = region
        self.network = dataclasses.replace(network or Network(), tls=tls)
        self._tls: Tls | None = None
        self.clock = Clock(self)
        self.requests = RequestLog()
        self.keys: dict[str, Minted] = {}
        self._asked_port, self._asked_aws_port = port, aws_port
        self._original = organization.copy() if organization is not None else None
        self._initial_faults = list(faults)
        self._initial_knobs = knobs
        self._organization = Organization.sample() if organization is None else organization
        self._faults = Faults(self._initial_faults)
        self._port = 0
        self._listener: Listener | None = None
        self._authority = LocalAuthority(self, self.clock, self.keys, lambda: self._organization)
        self._aws: AWS | None = None
        if aws:
            from sso_magic.local.aws import AWS

            self._aws = AWS(self._authority, region, self.network, content=content, in_process=aws == "in-process")
        self.state = State(self.clock, self, region)
        self._oidc = Oidc(self, self.clock, self.state, lambda: self._organization, self._own_urls)
        self._portal = Portal(self, self.clock, self.state, lambda: self._organization, self._mint)
        self._web = Web(self.clock, lambda: self._organization, region)
        self._console = Console(self._web, self.clock, self.keys)
        authorize = Authorize(self._web, self.state, self._oidc, self)
        self._pages = Pages(self._web, self.state, self._oidc, authorize, self._console, lambda: self.start_url)
        self.control_token = secrets.token_urlsafe(24)
        self._control = Control(self)
        self._kept: StateDirectory | None = None
        if state_directory is not None:
            from sso_magic.local.state_directory import StateDirectory

            self._kept = StateDirectory(self, Path(state_directory))
        self.set_knobs(knobs)

    # ---- running ----

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listens; does nothing if it does already. AWS, slow to import, comes up behind.

        Raises:
            PortInUse: another program has the port.
            LocalError: the state directory cannot be used or read.
        """
        if self._listener is not None:
            return
        sock = listen(self._asked_port, "--port", self.network.host)
        try:
            buckets = self._kept.open() if self._kept is not None else None
            context = self._make_certificate() if self.network.tls else None
            if self._aws is not None:
                identity = self._tls.identity if self._tls is not None else None
                self._aws.start(self._asked_aws_port, identity=identity, buckets=buckets)
        except BaseException:
            sock.close()
            self._remove_certificate()
            if self._kept is not None:
                self._kept.release()
            raise
        self._port = sock.getsockname()[1]
        self._listener = Listener(self, self._routes(), self._pages, self._control, context)
        self._listener.start(sock)
        if self._kept is not None:
            self._kept.start()

    def _make_certificate(self) -> ssl.SSLContext:
        try:
            from sso_magic.local.tls import Tls, server_context
        except ImportError as error:
            raise LocalError(f"TLS needs {error.name}: pip install 'sso-magic[local]', or go without.") from None

        self._tls = Tls(self.network.certificate_names, self._kept.path if self._kept is not None else None)
        return server_context(self._tls.identity)

    def _remove_certificate(self) -> None:
        if self._tls is not None:
            self._tls.close()
            self._tls = None

    def wait_until_ready(self) -> None:
        """Waits until the AWS accounts, which come up behind, are there.

        Raises:
            LocalError: they could not be started; the message says why.
        """
        if self._listener is not None and self._aws is not None:
            self._aws.wait()

    @property
    def is_ready(self) -> bool:
        """True if it is running, and its AWS accounts, if it has any, answer at once."""
        return self._listener is not None and (self._aws is None or self._aws.is_ready)

    def check_aws(self) -> None:
        """Check that the AWS accounts have not failed to start.

        Raises:
            LocalError: They have; the message says why.
        """
        if self._aws is not None:
            self._aws.check()

    def stop(self) -> None:
        """Closes both ports and every connection and waits for its threads; does nothing if it is stopped.

        Raises:
            LocalError: the state could not be written; all else is done.
        """
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
            try:
                if self._kept is not None:
                    self._kept.close()
            finally:
                if self._aws is not None:
                    self._aws.stop()
                self._remove_certificate()

    def export_buckets(self, known: int) -> tuple[int, dict[str, Any]] | None:
        """Return the buckets of the AWS accounts, if they have changed; see `Accounts.export`."""
        return self._aws.export(known) if self._aws is not None else None

    def reset(self) -> None:
        """As it was when it was made: knobs, faults, organization, nobody signed in, no keys, an empty log."""
        self.reset_knobs(self._initial_knobs)
        self._faults = Faults(self._initial_faults).fresh()
        self._organization = Organization.sample() if self._original is None else self._original.copy()
        self.state.clear()
        self._portal.clear()
        self.requests.clear()
        self.keys.clear()
        self._web.forms.clear()
        self._console.clear()
        if self._aws is not None:
            self._aws.reset()

    # ---- where it is ----

    @property
    def url(self) -> str:
        """The endpoint of both services, without a slash at its end.

        Raises:
            NotRunning: it has not been started.
        """
        if self._listener is None and not self._port:
            raise NotRunning("The local Identity Center is not running: use it in a with statement, or start() it.")
        return self.network.url(self._port)

    def _own_urls(self) -> tuple[str, str]:
        """Return the endpoint as clients reach it, and as this machine does."""
        return self.url, self.network.local_url(self._port)

    @property
    def start_url(self) -> str:
        """The start URL as ``~/.aws/config`` contains it: on a host of AWS's, as the AWS CLI requires.

        The host's number is the port, unless `subdomain` is set. The endpoint variables of `environment` lead every
        request here instead.
        """
        self._own_urls()
        return f"https://{self.subdomain or f'd-{self._port:010}'}.awsapps.com/start"

    @property
    def portal_url(self) -> str:
        """The access portal's page on this machine."""
        return f"{self.url}/start"

    @property
    def vanity_url(self) -> str:
        """A vanity start URL: it redirects to `start_url`."""
        return f"{self.url}/vanity"

    @property
    def control_url(self) -> str:
        """The control API's address; see `sso_magic.local.control`."""
        return f"{self.url}/control"

    @property
    def aws_url(self) -> str:
        """The endpoint of the AWS accounts.

        Raises:
            NotRunning: there is none.
        """
        if self._aws is None:
            raise NotRunning("There are no AWS accounts behind this Identity Center: it was made with aws=False.")
        return self._aws.url

    def environment(self) -> dict[str, str]:
        """The variables that point every SDK here."""
        variables = {"AWS_ENDPOINT_URL_SSO": self.url, "AWS_ENDPOINT_URL_SSO_OIDC": self.url}
        if self._aws is not None:
            variables["AWS_ENDPOINT_URL"] = self.aws_url
        if self._tls is not None:
            # the SDK for JavaScript reads Node's variable, not AWS's
            variables |= dict.fromkeys(("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(self._tls.bundle))
        return variables

    def config_text(self, session_name: str = "corp", *, start_url: str | None = None, profiles: int = 3) -> str:
        """Return an ``~/.aws/config`` with this Identity Center as a session, and profiles of it.

        Args:
            session_name: The ``[sso-session]``; the profiles' names start with it.
            start_url: The start URL; default: `start_url`, which the AWS CLI accepts. `portal_url` makes links to
                the portal and the console open on this machine.
            profiles: How many profiles at most, each of another account: the first user's first role there.
        """
        return "\n".join(self._sections(session_name, start_url or self.start_url, profiles).values())

    def _sections(self, session_name: str, start_url: str, profiles: int = 3) -> dict[str, str]:
        user = self.auto_approve if isinstance(self.auto_approve, str) else None
        return config_sections(
            self._organization, user, session_name=session_name, start_url=start_url, region=self.region, limit=profiles
        )

    # ---- inside ----

    def _routes(self) -> dict[str, tuple[str, Any]]:
        portal, oidc = self._portal, self._oidc
        return {
            "/assignment/accounts": ("ListAccounts", portal.list_accounts),
            "/assignment/roles": ("ListAccountRoles", portal.list_account_roles),
            "/federation/credentials": ("GetRoleCredentials", portal.get_role_credentials),
            "/logout": ("Logout", portal.logout),
            "/client/register": ("RegisterClient", oidc.register_client),
            "/device_authorization": ("StartDeviceAuthorization", oidc.start_device_authorization),
            "/token": ("CreateToken", oidc.create_token),
        }

    def _mint(self, account_id: str, role: str, user: str, expires_at: float) -> Minted:
        return self._authority.mint(reserved_role_arn(account_id, role), user, expires_at)
