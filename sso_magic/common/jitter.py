"""Random numbers that spread requests over time.

They come from a generator of this package. A thread that draws from the `random` module's shared generator changes what
the user's own code draws after ``random.seed(1)``.
"""

from __future__ import annotations

import os
import random

JITTER = random.Random()  # noqa: S311 - no secret depends on it

if hasattr(os, "register_at_fork"):  # a child that is forked draws other numbers, as from the shared generator
    os.register_at_fork(after_in_child=JITTER.seed)
