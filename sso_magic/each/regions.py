"""The regions of a run: those that are named, or all that an account has enabled.

An account is asked for its enabled regions once; the answer is cached for a day. Regions that every account has enabled
need no question: an account can turn off no other regions than the opt-in ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common.regions import is_region, needs_opt_in, region_name
from sso_magic.each import enabled_regions
from sso_magic.each.crew import Crew
from sso_magic.each.leases import Leases
from sso_magic.each.progress import RunProgress
from sso_magic.each.task import Failure, Outcome
from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sso_magic.each.accounts import Job, Selection
    from sso_magic.each.center import Center
    from sso_magic.kernel.renewal import RenewingRole

ALL = "all"


class Place(NamedTuple):
    """A region of an account, as a table of errors names it; None: the account's regions were not known."""

    account_id: str
    region: str | None


def region_list(value: str | Sequence[str]) -> tuple[str, ...] | None:
    """Return the regions that a text with commas or a list names, each once; None for ``all``.

    Raises:
        UsageError: One is no region, or none is named.
    """
    texts = value.split(",") if isinstance(value, str) else [str(text) for text in value]
    texts = [text.strip() for text in texts if text.strip()]
    if [text.casefold() for text in texts] == [ALL]:
        return None
    if not texts:
        raise UsageError("No region is named. Type regions with commas between them, or all.")
    return tuple(dict.fromkeys(region_name(text) for text in texts))


def places(accounts: Any) -> list[Place] | None:
    """Return the regions of accounts that a table names; None if it names accounts only."""
    if hasattr(accounts, "columns"):
        if not {"account_id", "region"} <= set(accounts.columns):
            return None
        pairs = list(zip(accounts["account_id"], accounts["region"], strict=True))
    elif (
        isinstance(accounts, (list, tuple))
        and accounts
        and all(isinstance(item, dict) and "region" in item for item in accounts)
    ):
        pairs = [(item.get("account_id"), item["region"]) for item in accounts]
    else:
        return None
    regions = [region for _, region in pairs if isinstance(region, str)]
    if not all(is_region(region) for region in regions):
        return None  # a column of another meaning
    return [Place(_digits(account_id), region if isinstance(region, str) else None) for account_id, region in pairs]


def _digits(account_id: Any) -> str:
    return account_id if isinstance(account_id, str) else f"{int(account_id):012}"


def in_regions(
    center: Center,
    selection: Selection,
    regions: str | Sequence[str] | None,
    named: Sequence[Place] | None = None,
    *,
    region: str | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> Selection:
    """Return the selection with a job for each enabled region of each account.

    Args:
        center: The Identity Center.
        selection: A job for each account.
        regions: The regions, or ``all``. None: those that `named` names.
        named: Only these regions of these accounts.
        region: The region that the accounts are asked in.
        workers: Accounts asked at a time.
        progress: Whether to show how far the questions are.
    """
    if regions is None and named is None:
        return selection
    listed = region_list(regions) if regions is not None else _regions_of(named or ())
    wanted = None if named is None else _wanted(named)
    answers: dict[str, tuple[str, ...] | Failure] = {}
    if listed is None or any(map(needs_opt_in, listed)):
        ask_in = region or next((one for one in listed or () if not needs_opt_in(one)), "us-east-1")
        answers = _answers(center, selection.jobs, ask_in, listed, workers=workers or 16, progress=progress)
    jobs: list[Job] = []
    without: list[tuple[Job, Failure]] = []
    skipped = 0
    for job in selection.jobs:
        answer = answers.get(job.account.account_id)
        if isinstance(answer, Failure) and (listed is None or not _is_refusal(answer)):
            without.append((job, answer))
            continue
        enabled = answer if isinstance(answer, tuple) else None
        here = [one for one in (listed if listed is not None else enabled or ()) if _is_wanted(wanted, job, one)]
        found = [one for one in here if enabled is None or one in enabled]
        skipped += len(here) - len(found)
        jobs += [job.in_region(one) for one in found]
    return replace(selection, jobs=jobs, has_regions=True, not_enabled=skipped, without_regions=tuple(without))


def _regions_of(named: Sequence[Place]) -> tuple[str, ...] | None:
    """Return the regions that are named; None, for all, if an account is named without one: its regions are unknown."""
    if any(place.region is None for place in named):
        return None
    return tuple(dict.fromkeys(place.region for place in named if place.region is not None))


def _wanted(named: Sequence[Place]) -> dict[str, set[str | None]]:
    wanted: dict[str, set[str | None]] = {}
    for place in named:
        wanted.setdefault(place.account_id, set()).add(place.region)
    return wanted


def _is_wanted(wanted: dict[str, set[str | None]] | None, job: Job, region: str) -> bool:
    if wanted is None:
        return True
    regions = wanted.get(job.account.account_id, set())
    return region in regions or None in regions


def _answers(
    center: Center,
    jobs: Sequence[Job],
    region: str,
    listed: Sequence[str] | None,
    *,
    workers: int,
    progress: bool,
) -> dict[str, tuple[str, ...] | Failure]:
    """Return the enabled regions by account, from the cache or from the account; an error where they are not known."""
    known = enabled_regions.load(center)
    if listed is not None:  # a region may have been enabled since
        known = {key: found for key, found in known.items() if set(listed) <= set(found)}
    answers: dict[str, tuple[str, ...] | Failure] = {
        job.account.account_id: known[job.account.account_id] for job in jobs if job.account.account_id in known
    }
    left = [job for job in jobs if job.account.account_id not in answers]
    asked: dict[str, tuple[str, ...]] = {}
    try:
        for job, outcome in _asked(center, left, region, workers=workers, progress=progress):
            if outcome.failure is None:
                asked[job.account.account_id] = outcome.value
            answers[job.account.account_id] = outcome.failure or outcome.value
    finally:
        if asked:
            enabled_regions.store(center, asked)
    return answers


def _asked(
    center: Center, jobs: Sequence[Job], region: str, *, workers: int, progress: bool
) -> Iterator[tuple[Job, Outcome]]:
    leases = Leases(center, workers)
    crew = Crew(jobs, lambda job: Outcome(enabled(leases.role(job), region)), workers)
    shown = RunProgress(len(jobs), bar=progress)
    try:
        for job, outcome in crew:
            shown.done(job.label, [], failed=outcome.failure is not None)
            yield job, outcome
    finally:
        crew.stop()
        leases.stop()
        shown.close()


def enabled(role: RenewingRole, region: str) -> tuple[str, ...]:
    """Ask the role's account for its enabled regions: EC2, and where that is refused, Account Management.

    Raises:
        CredentialsError: boto3 is not installed.
        botocore.exceptions.ClientError: The role may ask neither.
    """
    from sso_magic.kernel.libraries.boto_session import boto3_session

    session = boto3_session(role, region)
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = session.client("ec2").describe_regions()["Regions"]
        names = [one["RegionName"] for one in found if one.get("OptInStatus") != "not-opted-in"]
    except ClientError as refused:
        try:
            pages = session.client("account").get_paginator("list_regions").paginate(
                RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"]
            )  # fmt: skip
            names = [one["RegionName"] for page in pages for one in page["Regions"]]
        except (ClientError, BotoCoreError):
            raise refused from None
    return tuple(sorted(names))


def _is_refusal(failure: Failure) -> bool:
    """Return True if the account refused the question: regions that were named are then tried without an answer."""
    return failure.error in {"ClientError", "UnauthorizedOperation", "AccessDenied"}
