"""The wait for the browser's answer: at the callback, or pasted by the person."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sso_magic.errors import SignInCanceled, SignInError
from sso_magic.signin import pasted

if TYPE_CHECKING:
    import threading

    from sso_magic.signin.browser import BrowserSignIn
    from sso_magic.signin.prompt import Prompt
    from sso_magic.signin.waiting import Waiting

TICK = 0.2  # seconds between looks at the callback, the prompt and the cancellation


class BrowserAnswer:
    """Waits on the thread that signs in.

    Args:
        attempt: The sign-in.
        prompt: Shows it, and reads the pasted address if it has a method ``pasted``.
        waiting: Ends the wait when it is over.
    """

    def __init__(self, attempt: BrowserSignIn, prompt: Prompt, waiting: Waiting) -> None:
        self._attempt = attempt
        self._prompt = prompt
        self._waiting = waiting
        self._wrong = 0

    def wait(self, seconds: float, *, unless: threading.Event | None = None) -> bool:
        """Wait for the browser's answer; return False if none came in time or if `unless` was set.

        Raises:
            SignInCanceled: ``waiting`` was over first.
            SignInError: Too many addresses were pasted that are not the answer.
        """
        deadline = time.monotonic() + seconds
        while not self._waiting.is_set():
            left = deadline - time.monotonic()
            if self._attempt.answered.wait(max(0.0, min(TICK, left))):
                return True
            self._take_pasted()
            if left <= 0 or (unless is not None and unless.is_set()):
                return self._attempt.answered.is_set()
        raise SignInCanceled("Sign-in canceled. Run %sso_login to start again.")

    def _take_pasted(self) -> None:
        read = getattr(self._prompt, "pasted", None)
        text = read() if read is not None else None
        if text is None:
            return
        wrong = pasted.take(self._attempt, text)
        if wrong is None:
            return
        self._wrong += 1
        if self._wrong >= pasted.ATTEMPTS:
            raise SignInError(f"{wrong} After {pasted.ATTEMPTS} attempts the sign-in ended; run %sso_login again.")
        self._prompt.wrong(wrong)
