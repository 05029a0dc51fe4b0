"""The local Identity Center in a process of its own, driven by lines of JSON on stdin.

python server.py --accounts 1000 --roles 3 prints {"url": ..., "token": ...}; each line it is then given is carried out
and answered with a line: {"set": {knob: value}}, {"counts": true}, {"clear": true}.
"""

from __future__ import annotations

import argparse
import json
import sys

from sso_magic.local import LocalIdentityCenter, Organization


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, required=True)
    parser.add_argument("--roles", type=int, required=True)
    arguments = parser.parse_args()
    organization = Organization.generated(arguments.accounts, arguments.roles)
    with LocalIdentityCenter(organization, aws=False, log_requests=False) as center:
        _say({"url": center.url, "token": center.access_token()})
        for line in sys.stdin:
            order = json.loads(line)
            if "set" in order:
                center.set_knobs(
                    {knob: tuple(value) if isinstance(value, list) else value for knob, value in order["set"].items()}
                )
            if order.get("clear"):
                center.requests.clear()
                order["token"] = center.access_token()  # a new session has a full bucket
            counts = [[operation, status, number] for (operation, status), number in center.requests.counts.items()]
            _say({"counts": counts, "token": order.get("token")})


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
