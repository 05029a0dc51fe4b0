"""What the doctor, the status and the panel report of variables that win over the role in use.

`sso_magic.kernel.in_use` removes those that are set before a switch, until the release; these were set after it.
"""

from __future__ import annotations

import os

from sso_magic.common.environment import COMPETING_VARIABLES, REGION_VARIABLES
from sso_magic.kernel.kernel_role import KERNEL


def competing() -> list[str]:
    """Return what in the environment wins over the role in use in some library, each as a sentence.

    Without a role in use: keys in the environment, which win over AWS_PROFILE.
    """
    use = KERNEL.current
    wins = [name for name in COMPETING_VARIABLES if name in KERNEL.changed() and os.environ.get(name)]
    if use is None:
        if os.environ.get("AWS_ACCESS_KEY_ID"):
            return ["AWS_ACCESS_KEY_ID is set in the environment: its keys win over AWS_PROFILE."]
        return []
    found = [f"{name} was set after %sso_use and may win over it: del os.environ[{name!r}]" for name in wins]
    if set(KERNEL.changed()) - set(COMPETING_VARIABLES) - set(REGION_VARIABLES):
        found.append("The AWS keys in the environment are no longer those of the role in use. Run %sso_use again.")
    return found
