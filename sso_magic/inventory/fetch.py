"""A fetch: workers that list the accounts, page by page, and the roles of those already known, at one pace.

What is refused for speed goes back to the front of the queue and costs nothing but time. What fails in passing is tried
again a little later, and the worker does something else meanwhile. An account that keeps failing keeps its error. One
worker's 401 renews the access token for all. Canceled, a fetch leaves what it has; its threads end with the call they
are in, and keep no interpreter from ending.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from sso_magic.client.pagination import MAX_PAGES
from sso_magic.common import locks
from sso_magic.common.jitter import JITTER
from sso_magic.common.text import printable
from sso_magic.common.times import clock, span
from sso_magic.errors import InventoryError
from sso_magic.inventory import calls
from sso_magic.inventory.progress import FetchState
from sso_magic.inventory.rate import RateController

if TYPE_CHECKING:
    from sso_magic.common.secret import Secret
    from sso_magic.inventory.part import Part
    from sso_magic.inventory.rows import Account
    from sso_magic.portal import SSO

TRIES = 6  # of a call that fails in passing
FIRST_DELAY = 0.1  # seconds before the second try; doubles, with jitter
LONGEST_DELAY = 5.0
SILENCE = 60.0  # seconds without an answer, but for refusals and failures, after which a fetch gives up
SILENT_CALLS = 20  # and this many calls without one: a machine that slept was silent too
LONGEST_ASKED = 60.0  # seconds that the portal may ask to wait (Retry-After); if it asks for more, the fetch ends
RATE_OVER = 5.0  # seconds over which the rate that is shown is measured


class Fetch:
    """Fills a part: the accounts, and the roles of those of which they are not known.

    Args:
        part: What to fill. Readers hold `lock` until the fetch has finished.
        client: The portal's client, shared by all workers. It must not repeat throttled calls itself.
        token: The access token, shared by all workers.
        workers: How many calls may be on their way at once.
        list_only: Only the list of accounts. An error then ends the fetch as it is.
        roles_of: Only the roles of this account. An error then ends the fetch as it is.

    Attributes:
        done: The accounts that have answered or failed, in this order.
        finished: Set when nothing more comes.
        news: Notified when an account is done, and when all is.
        canceled: Whether it was ended before it was done.
        error: Why there is no result; None if there is one.
    """

    def __init__(
        self,
        part: Part,
        *,
        client: SSO,
        token: calls.AccessToken,
        workers: int,
        list_only: bool = False,
        roles_of: str | None = None,
    ) -> None:
        self.part = part
        self.done: list[str] = []
        self.lock = locks.Lock()
        self.news = locks.Condition(self.lock)
        self.finished = locks.Event()
        self.canceled = False
        self.error: BaseException | None = None
        self.rate = RateController(workers, used_up=bool(part.roles))
        self._work_to_do = locks.Condition(self.lock)
        self._client = client
        self._token = token
        self._list_only = list_only
        self._roles_of = roles_of
        self._workers = 1 if list_only or roles_of is not None else workers
        self._staff = 0  # workers that were started
        self._ready: deque[calls.Call] = deque()
        self._later: list[tuple[float, int, calls.Call]] = []  # a heap: when, in which order, what
        self._order = itertools.count()
        self._under_way = 0
        self._roles_found = 0
        self._began = self._heard_at = time.monotonic()
        self._unheard = 0  # calls since the portal last answered
        self._rates: deque[tuple[float, int]] = deque([(self._began, 0)])
        with self.lock:
            self._queue_first()

    def start(self) -> None:
        """Sets a worker to work; each one that finds more to do than it can starts another."""
        self._staff += 1
        threading.Thread(target=self._work, name=f"sso-inventory-{self._staff}", daemon=True).start()

    def cancel(self) -> None:
        """Ends it now, with what is there."""
        with self.lock:
            self.canceled = self.canceled or not self.finished.is_set()
            self._end()

    def state(self) -> FetchState:
        """How far it is."""
        with self.lock:
            now = time.monotonic()
            calls_per_second = self._calls_per_second(now)
            left = len(self.part.accounts) - len(self.done)
            return FetchState(
                accounts_done=len(self.done),
                accounts_known=len(self.part.accounts),
                all_listed=self.part.listed,
                roles_found=self._roles_found,
                failed=len(self.part.errors),
                calls_per_second=calls_per_second,
                seconds=now - self._began,
                seconds_left=left / calls_per_second if self.part.listed and calls_per_second else None,
                accounts=tuple(self.part.accounts.values()) if self._list_only else (),
            )

    def _calls_per_second(self, now: float) -> float:
        accepted = self.rate.accepted
        self._rates.append((now, accepted))
        while len(self._rates) > 2 and now - self._rates[0][0] > RATE_OVER:
            self._rates.popleft()
        since, before = self._rates[0]
        return (accepted - before) / (now - since) if now > since else 0.0

    # ---- what is to be asked ----

    def _queue_first(self) -> None:
        if self._roles_of is not None:
            self._ready.append(calls.Call(self._roles_of))
            return
        if not self.part.listed:
            self._ready.append(calls.Call(None, self.part.next_token))
        for account_id in self.part.accounts:
            self._queue(account_id)

    def _queue(self, account_id: str) -> None:
        """An account is known: its roles are to be asked for, unless they are known too."""
        known = self.part.roles.get(account_id)
        if known is None and not self._list_only:
            self._ready.append(calls.Call(account_id))
            return
        self._roles_found += len(known or ())
        self._done(account_id)

    def _done(self, account_id: str) -> None:
        self.done.append(account_id)
        self.news.notify_all()

    def _next(self) -> calls.Call | None:
        """The next call; waits while there may come one. None: there is nothing more to do."""
        with self.lock:
            while not self.finished.is_set():
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    self._ready.append(heapq.heappop(self._later)[2])
                if self._ready:
                    self._under_way += 1
                    call = self._ready.popleft()
                    if self._ready and self._staff < self._workers:
                        self.start()
                    return call
                if not self._later and not self._under_way:
                    self._end()
                else:
                    self._work_to_do.wait(self._later[0][0] - now if self._later else None)
            return None

    # ---- the workers ----

    def _work(self) -> None:
        try:
            while (call := self._next()) is not None:
                sent_at = self.rate.acquire()
                if sent_at is None:
                    return
                self._make(call, sent_at)
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody may wait for this worker for ever
            with self.lock:
                self._stop(error)

    def _make(self, call: calls.Call, sent_at: float) -> None:
        """Makes one call and puts its answer where it belongs."""
        token = self._token.value
        try:
            page = self._ask(call, token)
        except Exception as error:  # noqa: BLE001 - `verdict` tells them apart
            self._on_error(call, sent_at, token, error)
            return
        self.rate.accept()
        self._token.taken(token)
        with self.lock:
            self._under_way -= 1
            self._heard()
            if not self.finished.is_set():
                self._on_page(call, page)

    def _ask(self, call: calls.Call, token: Secret) -> calls.Page:
        if call.account_id is None:
            return calls.accounts_page(self._client, token, call.next_token)
        return calls.roles_page(self._client, token, call.account_id, call.next_token)

    def _on_page(self, call: calls.Call, page: calls.Page) -> None:
        seen = call.seen if call.next_token is None else call.seen | {call.next_token}
        if page.next_token in seen:
            self._give_up(call, InventoryError("The portal gave the same page twice (a repeated next_token)"))
            return
        if len(seen) >= MAX_PAGES:
            self._give_up(call, InventoryError(f"The portal gave more than {MAX_PAGES:,} pages of one list"))
            return
        if page.accounts is not None:
            self._add_accounts(page.accounts, page.next_token)
        call.names += page.role_names
        if page.next_token is not None:
            self._ready.appendleft(calls.Call(call.account_id, page.next_token, seen=seen, names=call.names))
        elif call.account_id is not None:
            names = self.part.roles[call.account_id] = tuple(sorted(set(call.names)))
            self._roles_found += len(names)
            self._done(call.account_id)

    def _add_accounts(self, accounts: list[Account], next_token: str | None) -> None:
        for account in accounts:
            known = account.account_id in self.part.accounts
            self.part.accounts[account.account_id] = account
            if not known:
                self._queue(account.account_id)
        self.part.next_token = next_token
        self.part.listed = next_token is None
        self._work_to_do.notify_all()

    # ---- what goes wrong ----

    def _on_error(self, call: calls.Call, sent_at: float, token: Secret, error: Exception) -> None:
        verdict = calls.verdict(error)
        if verdict == "throttled":
            asked = calls.asked_to_wait(error)
            self.rate.refuse(sent_at, asked)
        else:
            asked = 0.0
            self.rate.accept()
        if verdict == "unauthorized":
            self._token.refused(token)
        elif verdict == "fatal":
            raise error
        with self.lock:
            self._under_way -= 1
            self._unheard += 1
            if verdict in {"unauthorized", "failed"}:
                self._heard()
            if verdict == "failed" or (verdict == "again" and call.tries + 1 >= TRIES):
                self._give_up(call, error)
            elif verdict == "again":
                self._put_off(call)
            else:
                self._ready.appendleft(call)
            if asked > LONGEST_ASKED:
                self._stop_for(
                    f"The portal throttles, and asks to wait {span(asked)}. What came is kept; run it again "
                    f"after {clock(datetime.now(timezone.utc) + timedelta(seconds=asked))}.",
                    error,
                )
            self._check_silence(error)

    def _put_off(self, call: calls.Call) -> None:
        delay = min(FIRST_DELAY * 2**call.tries, LONGEST_DELAY) * JITTER.uniform(0.5, 1)
        call.tries += 1
        heapq.heappush(self._later, (time.monotonic() + delay, next(self._order), call))

    def _give_up(self, call: calls.Call, error: BaseException) -> None:
        """The account keeps its error; without the list of accounts there is no inventory."""
        if self._list_only or self._roles_of is not None:
            self._stop(error)
        elif call.account_id is not None:
            self.part.errors[call.account_id] = printable(str(error))
            self._done(call.account_id)
        else:
            known = len(self.part.accounts)
            kept = f" after {known:,} of them, which are kept" if known else ""
            self._stop_for(f"The accounts could not be listed{kept}: {_sentence(error)} Run it again.", error)

    def _heard(self) -> None:
        """The portal answered, and not only to refuse or to fail."""
        self._heard_at, self._unheard = time.monotonic(), 0

    def _check_silence(self, error: BaseException) -> None:
        if self._unheard >= SILENT_CALLS and time.monotonic() - self._heard_at > SILENCE:
            self._stop_for(
                f"The portal has not answered for {SILENCE:.0f} s: {_sentence(error)} What came is kept; run it again "
                "later to go on.",
                error,
            )

    def _stop_for(self, text: str, cause: BaseException) -> None:
        failure = InventoryError(text)
        failure.__cause__ = cause
        self._stop(failure)

    def _stop(self, error: BaseException) -> None:
        if not self.finished.is_set():
            self.error = error
        self._end()

    def _end(self) -> None:
        if self.finished.is_set():
            return
        errors = self.part.errors
        if errors and len(errors) == len(self.part.accounts) and not self.canceled and self.error is None:
            self.error = InventoryError(
                f"Not one of the {len(errors):,} accounts could be asked for its roles: "
                f"{_sentence(next(iter(errors.values())))} Run it again; %sso_doctor looks for the cause."
            )
        self.finished.set()
        self.rate.stop()
        self._work_to_do.notify_all()
        self.news.notify_all()


def _sentence(error: object) -> str:
    """What an error says, with its full stop."""
    text = printable(str(error)).strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
