"""Ctrl-C while the sign-in prompt is being shown: the traceback has neither the link nor the code."""

from __future__ import annotations

import _imp
import sys
import traceback
from datetime import datetime, timedelta, timezone

import pytest

from sso_magic.common.secret import Secret
from sso_magic.display.prompt import NotebookPrompt, TerminalPrompt
from sso_magic.signin.prompt import DeviceRequest
from sso_magic.signin.sessions import Session

# An exception in a generator's destructor is printed and goes no further.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

CODE = "KSTG-SVRX"


def values_of(error: BaseException) -> str:
    """Return what the variables of the traceback's frames show, without those of this test."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename != __file__]
    assert frames
    return "\n".join(repr(value) for frame in frames for value in frame.f_locals.values())


@pytest.mark.parametrize("kind", [NotebookPrompt, TerminalPrompt])
def test_an_interrupt_at_any_call_holds_neither_link_nor_code(kind, capsys):
    url = f"https://device.sso.eu-west-1.amazonaws.com/?user_code={CODE}"
    session = Session("corp", "https://x.awsapps.com/start", "eu-west-1")
    ends = datetime.now(timezone.utc) + timedelta(seconds=600)
    request = DeviceRequest(session, CODE, url.partition("?")[0], url, ends, 600, 5.0, Secret("device code " * 3))
    number = stopped = 0
    seen = []
    while stopped == number:
        number += 1
        left = [number]

        def interrupt(frame, event, _argument, left=left) -> None:
            # Between the lines of importlib, where real signals wait, an exception would keep the lock of all imports.
            left[0] -= event == "call" and not frame.f_code.co_filename.startswith("<frozen importlib")
            if left[0] == 0:
                sys.setprofile(None)
                raise KeyboardInterrupt

        prompt = kind()
        try:
            sys.setprofile(interrupt)
            prompt.device(request)
        except KeyboardInterrupt as error:
            sys.setprofile(None)
            stopped += 1
            if number > 1:  # at the first it is not called yet
                seen.append(values_of(error))
        finally:
            sys.setprofile(None)
            prompt.close("")
    assert stopped > 10
    assert not _imp.lock_held()  # else the next import of another thread would wait for ever
    assert not [text for text in seen if CODE in text]
