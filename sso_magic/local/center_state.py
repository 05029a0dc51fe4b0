"""`CenterState`: what the parts of a local Identity Center see of it, and what can be changed while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sso_magic.local.faults import Fault, Faults
from sso_magic.local.knobs import Knobs
from sso_magic.local.people import People

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sso_magic.local.keys import Minted
    from sso_magic.local.network import Network
    from sso_magic.local.organization import Organization
    from sso_magic.local.request_log import RequestLog


class CenterState(Knobs, People):
    """The part of `LocalIdentityCenter` that does not depend on where it listens.

    Attributes:
        network: Where it listens and under which names.
        requests: The log of requests.
        keys: The keys that it has handed out, by access key ID.
        control_token: What a request to the control API has to carry.
    """

    network: Network
    requests: RequestLog
    keys: dict[str, Minted]
    control_token: str
    _faults: Faults

    if TYPE_CHECKING:

        @property
        def is_ready(self) -> bool:
            """See `LocalIdentityCenter.is_ready`."""

        def check_aws(self) -> None:
            """See `LocalIdentityCenter.check_aws`."""

        def export_buckets(self, known: int) -> tuple[int, dict[str, Any]] | None:
            """See `LocalIdentityCenter.export_buckets`."""

        def reset(self) -> None:
            """See `LocalIdentityCenter.reset`."""

    @property
    def organization(self) -> Organization:
        """Accounts, users and assignments; change it, or assign another one."""
        return self._organization

    @organization.setter
    def organization(self, organization: Organization) -> None:
        self._organization = organization

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose: a list to append to, or to assign."""
        return self._faults

    @faults.setter
    def faults(self, rules: Iterable[Fault | str]) -> None:
        self._faults = Faults(rules)

    def set_knobs(self, values: dict[str, Any]) -> None:
        """Sets the knobs that are named; see `Knobs`.

        Raises:
            NoSuchUser: `auto_approve` names nobody of the organization.
        """
        if isinstance(values.get("auto_approve"), str):
            self._organization.user(values["auto_approve"])
        super().set_knobs(values)

    def advance(self, seconds: float) -> None:
        """Moves its clock forward."""
        self.clock_offset = self.clock_offset + seconds
