"""The local Identity Center in a process of its own, driven by lines of JSON on stdin.

``python server.py ACCOUNTS ROLES`` prints ``{"url": ...}``. Each line it is then given is carried out and answered:
``{"set": {knob: value}}`` turns knobs, ``{"new": true}`` forgets the counts and gives a token with a full bucket,
and every answer has the counts of (operation, status) so far.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sso_magic.local import LocalIdentityCenter, Organization


def main() -> None:
    accounts, roles = map(int, sys.argv[1:])
    organization = Organization.generated(accounts, roles)
    with LocalIdentityCenter(organization, aws=False, log_requests=False) as center:
        say({"url": center.url})
        for line in sys.stdin:
            order = json.loads(line)
            answer: dict[str, Any] = {}
            center.set_knobs({knob: value_of(value) for knob, value in order.get("set", {}).items()})
            if order.get("new"):
                center.requests.clear()
                answer["token"] = center.access_token()
            answer["counts"] = [(*key, number) for key, number in center.requests.counts.items()]
            say(answer)


def value_of(value: Any) -> Any:
    """JSON has no tuples."""
    return tuple(value) if isinstance(value, list) else value


def say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
