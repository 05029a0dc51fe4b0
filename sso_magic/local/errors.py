"""Errors for the person who runs the local Identity Center. Those for its clients are in `wire`."""

from __future__ import annotations


class LocalError(Exception):
    """The root of the errors that the local Identity Center raises in Python.

    Do what the message says.
    """

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: one line, no frames."""
        return [f"{type(self).__name__}: {self}"]


class PortInUse(LocalError, OSError):
    """Another program listens on the port.

    Choose another port, or 0 for a free one.
    """


class KnobError(LocalError, ValueError):
    """A setting does not exist, or cannot have this value.

    The message says what is expected; ``sso-magic local --help`` lists all settings.
    """


class NothingPending(LocalError, LookupError):
    """No sign-in waits for approval, or not the one that is named.

    Start the sign-in first, and call ``wait_for_pending`` before ``approve``.
    """


class NoSuchUser(LocalError, LookupError):
    """The organization has no such user.

    Use a name of ``organization.users``.
    """


class NotRunning(LocalError, RuntimeError):
    """The call needs a running Identity Center, or its AWS accounts.

    Use it in a ``with`` statement, or ``start`` it; leave out ``aws=False``.
    """


class HomeInUse(LocalError, ValueError):
    """The home directory has a session of that name for another portal.

    Give a home directory of the test's own, or another ``session_name``.
    """


class StateFileError(LocalError, ValueError):
    """A file of the state directory cannot be read.

    Remove the directory to start anew, or restore the file.
    """


class OrganizationFileError(LocalError, ValueError):
    """A file that describes an organization cannot be read, or contradicts itself.

    Correct the place that the message names.
    """
