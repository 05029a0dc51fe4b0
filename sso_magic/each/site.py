"""What a run has open, so that an interrupt at any line leaves none of it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.common.interrupts import complete
from sso_magic.each import output

if TYPE_CHECKING:
    import os

    from sso_magic.each.accounts import Job
    from sso_magic.each.crew import Crew
    from sso_magic.each.leases import Leases
    from sso_magic.each.places.socket import Line
    from sso_magic.each.places.venues import Venue
    from sso_magic.each.saved import SavedRun


class Site:
    """The venue of a run, the line to its tasks, the crew, their output and the file of the results.

    Attributes:
        venue: Where the jobs are done; None until it is made.
        leases: Where the jobs get their roles; None until it is made.
        crew: The threads; None until they are made. It starts none before it is here.
    """

    def __init__(self) -> None:
        self.venue: Venue | None = None
        self.leases: Leases | None = None
        self.crew: Crew | None = None
        self._lines: list[Line] = []
        self._saved: list[SavedRun] = []

    def open_line(self) -> Line:
        """Open a line to tasks in other processes.

        Raises:
            CredentialsError: No socket can be opened.
        """
        from sso_magic.each.places.socket import Line

        complete(lambda: self._lines.append(Line()))
        return self._lines[-1]

    def open_saved(self, path: str | os.PathLike[str], *, resume: bool) -> SavedRun:
        """Open the file that the results are saved to.

        Raises:
            UsageError: As `SavedRun`.
        """
        from sso_magic.each.saved import SavedRun

        complete(lambda: self._saved.append(SavedRun(path, resume=resume)))
        return self._saved[-1]

    def collect_output(self) -> None:
        """Let what tasks print be collected."""
        complete(lambda: output.route(self))

    def end(self) -> list[Job]:
        """End what is under way; return the jobs that were."""
        under_way = self.crew.stop() if self.crew is not None else []
        if self.leases is not None:
            self.leases.stop()
        if self.venue is not None:
            self.venue.stop(under_way)
        return under_way

    def close(self) -> None:
        """End the crew, close the venue, the line and the file, and restore the output. Calling it again is safe."""
        complete(self._close)

    def _close(self) -> None:
        self.end()
        if self.venue is not None:
            self.venue.close()
        for line in self._lines:
            line.close()
        for saved in self._saved:
            saved.close()
        output.restore(self)
