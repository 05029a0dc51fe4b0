"""What the AWS accounts ask the Identity Center at each request: who has these keys, and what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sso_magic.local.keys import Minted, random_keys
from sso_magic.local.organization_edits import carry_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.local.channel import Channel
    from sso_magic.local.clock import Clock
    from sso_magic.local.knobs import Knobs
    from sso_magic.local.organization import Organization
    from sso_magic.local.organization_edits import Edit


@dataclass(frozen=True)
class Caller:
    """The owner of an access key, and what the request is judged by.

    Attributes:
        keys: The keys; None if they were not minted here.
        now: The Identity Center's time, in seconds since the epoch.
        role_lifetime: How many seconds role credentials are valid at most.
        organization: Accounts and who is assigned what.
        state: Which organization that is, and which version of it.
        enforce: Whether roles restrict.
    """

    keys: Minted | None
    now: float
    role_lifetime: float
    organization: Organization
    state: tuple[int, int]
    enforce: bool


class Authority(Protocol):
    """What the gate asks."""

    def look_up(self, access_key_id: str) -> Caller:
        """Return the owner of an access key."""

    def mint(self, role_arn: str, session_name: str, expires_at: float) -> Minted:
        """Mint keys of a role."""

    def edit(self, state: tuple[int, int], edits: list[Edit]) -> None:
        """Carry edits out on the organization, unless it has been replaced by another one since it had this state."""


class LocalAuthority:
    """Answers in the Identity Center's process.

    Args:
        keys: Every key that was minted, by its id; those minted here are added.
    """

    def __init__(
        self, knobs: Knobs, clock: Clock, keys: dict[str, Minted], organization: Callable[[], Organization]
    ) -> None:
        self._knobs = knobs
        self._clock = clock
        self._keys = keys
        self._organization = organization

    def look_up(self, access_key_id: str) -> Caller:
        """Return the owner of an access key."""
        keys = self._keys.get(access_key_id)
        knobs = self._knobs
        organization = self._organization()
        return Caller(keys, self._clock.now(), knobs.role_lifetime, organization, organization.state, knobs.enforce)

    def mint(self, role_arn: str, session_name: str, expires_at: float) -> Minted:
        """Mint keys of a role."""
        keys = random_keys(role_arn.split(":")[4], role_arn, session_name, expires_at)
        self._keys[keys.access_key_id] = keys
        return keys

    def edit(self, state: tuple[int, int], edits: list[Edit]) -> None:
        """Carry edits out on the organization, unless it has been replaced by another one since it had this state."""
        organization = self._organization()
        if organization.state[0] == state[0]:
            carry_out(organization, edits)

    def answer(self, name: str, *arguments: Any) -> Any:
        """Answer what `RemoteAuthority` asks.

        The organization is left out where the other process has it already.
        """
        if name == "mint":
            return self.mint(*arguments)
        if name == "edit":
            return self.edit(*arguments)
        access_key_id, known = arguments
        caller = self.look_up(access_key_id)
        changed = None if caller.state == known else caller.organization.copy()
        return caller.keys, caller.now, caller.role_lifetime, caller.enforce, changed, caller.state


class RemoteAuthority:
    """Asks the Identity Center's process."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._known: tuple[Any, Organization | None] = (None, None)

    def look_up(self, access_key_id: str) -> Caller:
        """Return the owner of an access key."""
        state, organization = self._known
        keys, now, role_lifetime, enforce, changed, state = self._channel.ask("look_up", access_key_id, state).result()
        if changed is not None:
            self._known = (state, changed)
            organization = changed
        assert organization is not None
        return Caller(keys, now, role_lifetime, organization, state, enforce)

    def mint(self, role_arn: str, session_name: str, expires_at: float) -> Minted:
        """Mint keys of a role."""
        keys: Minted = self._channel.ask("mint", role_arn, session_name, expires_at).result()
        return keys

    def edit(self, state: tuple[int, int], edits: list[Edit]) -> None:
        """Carry edits out on the organization, unless it has been replaced by another one since it had this state."""
        self._channel.ask("edit", state, edits).result()
