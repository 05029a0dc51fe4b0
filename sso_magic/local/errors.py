"""What the local Identity Center says to who runs it. What it says to its clients is in `wire`."""

from __future__ import annotations


class LocalError(Exception):
    """Root of the errors that the local Identity Center raises in Python."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: one line, no frames."""
        return [f"{type(self).__name__}: {self}"]


class PortInUse(LocalError, OSError):
    """Another program listens on the port that was asked for."""


class KnobError(LocalError, ValueError):
    """A setting does not exist, or was given a value that it cannot have."""


class NothingPending(LocalError, LookupError):
    """No sign-in waits for approval, or not the one that was meant."""


class NoSuchUser(LocalError, LookupError):
    """The organisation has no such user."""


class NotRunning(LocalError, RuntimeError):
    """Asked for something that only a running Identity Center has."""


class HomeInUse(LocalError, ValueError):
    """The home directory to sign in has a session of that name for another portal."""


class StateFileError(LocalError, ValueError):
    """A file of a state directory cannot be read."""


class OrganizationFileError(LocalError, ValueError):
    """A file that describes an organization cannot be read or says something that cannot be."""
