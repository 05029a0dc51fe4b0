"""``%%sso_each --regions``, ``--role A,B``, ``--exclude``, and the question before an administrator's cell."""

from __future__ import annotations

import threading
from collections import Counter

import pandas as pd
import pytest

from sso_magic import errors
from sso_magic.each import enabled_regions
from sso_magic.each.accounts import Job, select
from sso_magic.each.crew import Crew
from sso_magic.each.here import EachAccount
from sso_magic.each.regions import in_regions, places, region_list
from sso_magic.each.task import Outcome

TWO = "eu-west-1,us-east-1"
WHOAMI = "(region, session.region_name, session.client('sts').get_caller_identity()['Account'])"


@pytest.fixture
def regions_of(monkeypatch):
    """Lets accounts answer which regions they have enabled; returns who was asked."""
    asked: list[str] = []
    known: dict[str, tuple[str, ...] | Exception] = {}

    def answer(role, region):
        asked.append(role.latest.account_id)
        found = known.get(role.latest.account_id, ("eu-west-1", "us-east-1"))
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("sso_magic.each.regions.enabled", answer)
    return asked, known


def test_the_cell_runs_in_each_region_of_each_account_and_says_which(run):
    frame, out = run(
        f"%%sso_each ReadOnly payments --regions {TWO}\n"
        "import boto3\n"
        "said = session.client('sts').get_caller_identity()['Account']\n"
        "assert said == account.id\n"
        "assert region == session.region_name == boto3.client('sts').meta.region_name\n"
        "{'region': region, 'said': said}"
    )
    assert list(frame.columns) == ["account_id", "account_name", "role_name", "region", "result_region", "said"]
    assert frame["account_name"].tolist() == [
        n for n in ("payments-dev", "payments-prod", "payments-prod-eu") for _ in "ab"
    ]
    assert frame["region"].tolist() == TWO.split(",") * 3
    assert (frame["region"] == frame["result_region"]).all()
    assert (frame["account_id"] == frame["said"]).all()
    assert out.splitlines()[0] == "6 rows from 6 of 6 tasks (3 accounts, 2 regions) as ReadOnly."


@pytest.mark.parametrize("on", ["threads", "processes"])
def test_each_task_has_its_own_region_wherever_it_runs(run, on):
    frame, _ = run(f"%%sso_each ReadOnly payments prod --regions {TWO} --on {on} --workers 2\n{WHOAMI}")
    values = [tuple(frame["value"][n : n + 3]) for n in range(0, len(frame), 3)]
    assert values == [(r, r, i) for i, r in zip(frame["account_id"][::3], frame["region"][::3], strict=True)]


def test_a_variable_of_the_notebook_named_region_is_the_cells_only_without_regions(run):
    run("region = 'mine'")
    assert run("%%sso_each ReadOnly data-lake\nregion")[0]["value"].tolist() == ["mine"]
    assert run(f"%%sso_each ReadOnly data-lake --regions {TWO}\nregion")[0]["value"].tolist() == TWO.split(",")


def test_all_regions_are_those_that_each_account_has_enabled_and_an_account_is_asked_once(run, regions_of):
    asked, known = regions_of
    known["220947583614"] = ("eu-west-1", "me-south-1", "us-east-1")
    frame, _ = run("%%sso_each ReadOnly payments --regions all\nregion")
    assert frame.groupby("account_name")["region"].apply(list).to_dict() == {
        "payments-dev": ["eu-west-1", "me-south-1", "us-east-1"],
        "payments-prod": ["eu-west-1", "us-east-1"],
        "payments-prod-eu": ["eu-west-1", "us-east-1"],
    }
    run("%%sso_each ReadOnly payments --regions all\nregion")
    assert sorted(asked) == sorted(set(frame["account_id"]))


def test_the_accounts_answer_is_asked_of_ec2(run):
    frame, _ = run("%%sso_each ReadOnly data-lake --regions all\nsession.region_name")
    assert {"eu-west-1", "us-east-1", "ap-southeast-2"} <= set(frame["region"])
    assert (frame["region"] == frame["value"]).all()


def test_account_management_is_asked_where_ec2_refuses(monkeypatch):
    from botocore.exceptions import ClientError

    from sso_magic.each.regions import enabled

    class Client:
        def __init__(self, name):
            self.name = name

        def describe_regions(self):
            raise ClientError({"Error": {"Code": "UnauthorizedOperation"}}, "DescribeRegions")

        def get_paginator(self, operation):
            assert (self.name, operation) == ("account", "list_regions")
            return self

        def paginate(self, **options):
            assert options == {"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]}
            return [{"Regions": [{"RegionName": "us-east-1"}]}, {"Regions": [{"RegionName": "eu-west-1"}]}]

    class Session:
        def client(self, name):
            return Client(name)

    monkeypatch.setattr("sso_magic.kernel.libraries.boto_session.boto3_session", lambda role, region: Session())
    assert enabled(None, "eu-west-1") == ("eu-west-1", "us-east-1")


def test_a_named_region_that_is_not_enabled_is_skipped_and_counted(run, regions_of):
    asked, known = regions_of
    known["220947583614"] = ("eu-west-1", "me-south-1")
    frame, out = run("%%sso_each ReadOnly payments --regions eu-west-1,me-south-1\nregion")
    assert frame.groupby("region").size().to_dict() == {"eu-west-1": 3, "me-south-1": 1}
    assert "2 regions were skipped: not enabled in the account." in out
    assert len(asked) == 3


def test_regions_that_every_account_has_cost_no_question(run, regions_of):
    asked, _ = regions_of
    run(f"%%sso_each ReadOnly payments --regions {TWO}\nregion")
    assert asked == []


def test_an_account_that_does_not_say_its_regions_is_an_error_of_that_account(run, regions_of, shell):
    _, known = regions_of
    known["220947583614"] = ValueError("no answer")
    _, out = run("%%sso_each ReadOnly payments --regions all --into got\nregion")
    [record] = shell.user_ns["got_errors"].to_dict("records")
    assert (record["account_name"], record["error"], record["message"]) == ("payments-dev", "ValueError", "no answer")
    assert pd.isna(record["region"])
    assert "The regions of 1 account could not be listed." in out
    known.clear()
    run("%%sso_each ReadOnly --accounts got_errors --into rest\nregion")
    assert shell.user_ns["rest"]["account_name"].unique().tolist() == ["payments-dev"]
    assert shell.user_ns["rest"]["region"].tolist() == ["eu-west-1", "us-east-1"]


def test_a_role_that_may_not_ask_tries_the_named_regions(run, regions_of):
    from botocore.exceptions import ClientError

    _, known = regions_of
    known["220947583614"] = ClientError({"Error": {"Code": "UnauthorizedOperation"}}, "DescribeRegions")
    frame, _ = run("%%sso_each ReadOnly payments-dev --regions eu-west-1,me-south-1\nregion")
    assert frame["region"].tolist() == ["eu-west-1", "me-south-1"]


def test_what_failed_is_run_again_in_its_regions_only(run, shell):
    run("broken = True")
    cell = "\nif broken and region == 'us-east-1' and account.name != 'payments-dev': raise ValueError('no')\nregion"
    _, out = run(f"%%sso_each ReadOnly payments --regions {TWO} --into got{cell}")
    assert "payments-prod us-east-1, payments-prod-eu us-east-1  ValueError  no (line 1)" in out
    run("broken = False")
    run(f"%%sso_each ReadOnly --accounts got_errors --into more{cell}")
    more = shell.user_ns["more"]
    assert [*zip(more["account_name"], more["region"], strict=True)] == [
        ("payments-prod", "us-east-1"),
        ("payments-prod-eu", "us-east-1"),
    ]


def test_a_column_region_of_another_meaning_names_no_region():
    assert places(pd.DataFrame({"account_id": ["1" * 12], "region": ["EMEA"]})) is None
    assert places(pd.DataFrame({"account_id": [123], "region": ["eu-west-1"]})) == [("000000000123", "eu-west-1")]
    assert places(["data-lake"]) is None


def test_signing_out_removes_the_cached_regions(run, regions_of):
    run("%%sso_each ReadOnly payments --regions all\nregion")
    from sso_magic.center.shared import shared_center

    path = enabled_regions.path(shared_center())
    assert path.exists()
    run("%sso_logout")
    assert not path.exists()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"accounts": 3}', '{"accounts": {"1": {"regions": [3], "asked_at": 1}}}']
)
def test_a_broken_file_of_regions_counts_as_none(signed_in, content):
    from sso_magic.center.shared import shared_center

    path = enabled_regions.path(shared_center())
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert enabled_regions.load(shared_center()) == {}


def test_of_several_roles_each_account_runs_as_the_first_that_it_grants(run):
    frame, out = run("%%sso_each --role DataScientist,ReadOnly\nsession.client('sts').get_caller_identity()['Arn']")
    names = frame.set_index("account_name")["role_name"]
    assert names["payments-prod"] == "DataScientist"
    assert names["log-archive"] == "ReadOnly"
    assert all(f"AWSReservedSSO_{role}_" in arn for role, arn in zip(frame["role_name"], frame["value"], strict=True))
    assert " as DataScientist or ReadOnly." in out.splitlines()[0]
    assert run("%%sso_each DataScientist,ReadOnly\n1")[0]["role_name"].tolist() == frame["role_name"].tolist()


def test_words_are_words_beside_the_option_role(run):
    frame, out = run("%%sso_each payments prod --role readonly,NoSuchRole\n1")
    assert frame["account_name"].tolist() == ["payments-prod", "payments-prod-eu"]
    assert "'NoSuchRole' is granted to you nowhere." in out


def test_roles_that_are_all_granted_nowhere_are_an_error(run):
    with pytest.raises(errors.RoleNotFound, match="You have no role 'Nope'"):
        run("%%sso_each --role Nope,Never\n1")


def test_a_role_whose_name_has_a_comma_is_one_role(many, signed_in):
    center = many(2)
    for account in signed_in.organization.accounts:
        signed_in.organization.assign("alex", account.id, "Read,Only")
    assert select(center, "Read,Only").role_names == ("Read,Only",)


def test_excluded_accounts_are_left_out_and_counted(run):
    frame, out = run('%%sso_each ReadOnly payments --exclude "payments dev,nothing" --exclude prod-eu\n1')
    assert frame["account_name"].tolist() == ["payments-prod"]
    assert "2 accounts were excluded. No account contains 'nothing', to be excluded." in out


def test_excluding_every_account_is_an_error(run):
    with pytest.raises(errors.AccountNotFound, match=r"^All 3 accounts are excluded\."):
        run("%%sso_each ReadOnly payments --exclude payments\n1")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("ReadOnly --regions eu-west-9", "Unknown region 'eu-west-9'"),
        ("ReadOnly --regions ,", "No region is named. Type regions with commas between them, or all."),
        ("ReadOnly --regions eu-west-1 --region eu-west-1", "--region and --regions contradict each other."),
        ("--regions eu-west-1", "ROLE is missing. Usage: %%sso_each ["),
        ("ReadOnly --per-account 0", "per_account is how many accounts at a time, 1 or more, not 0."),
    ],
)
def test_a_line_with_regions_that_cannot_be_meant_says_what_to_do(run, line, text):
    with pytest.raises(errors.UsageError) as caught:
        run(f"%%sso_each {line}\n1")
    assert text in str(caught.value)


def test_a_list_of_regions_is_read_in_its_order_each_once():
    assert region_list("us-east-1, eu-west-1,us-east-1") == ("us-east-1", "eu-west-1")
    assert region_list(["eu-west-1"]) == ("eu-west-1",)
    assert region_list("ALL") is None


def test_a_dry_run_shows_accounts_regions_and_expected_calls(run, signed_in):
    run("%%sso_each ReadOnly payments-dev\naccount.id")
    signed_in.requests.clear()
    frame, out = run(f"%%sso_each ReadOnly payments --regions {TWO} --dry-run\nraise SystemExit")
    assert list(frame.columns) == ["account_id", "account_name", "email_address", "role_name", "region"]
    assert len(frame) == 6
    assert out.splitlines()[:2] == [
        "Would run 6 tasks (3 accounts, 2 regions) as ReadOnly.",
        "Expected calls: 6 of the cell, 2 of GetRoleCredentials (1 cached).",
    ]
    assert signed_in.requests.total() == 0


def test_the_same_from_python(many):
    center = many(3)
    frame = center.each(
        lambda here: (here.region, here.session.region_name)[0], ["Billing", "ReadOnly"], regions=TWO.split(","),
        progress=False,
    )  # fmt: skip
    assert frame["region"].tolist() == frame["value"].tolist() == TWO.split(",") * 3
    assert set(frame["role_name"]) == {"Billing", "ReadOnly"}
    with pytest.raises(errors.UsageError, match=r"^Give region or regions, not both\.$"):
        center.each(lambda here: 1, "ReadOnly", regions="all", region="eu-west-1")


# ---- the question before an administrator's cell ----


@pytest.fixture
def administrator(signed_in):
    """AdministratorAccess in a production account as well as in payments-dev."""
    signed_in.organization.assign("alex", "731659028443", "AdministratorAccess")


@pytest.mark.parametrize(("answer", "rows"), [("y", 2), ("YES", 2)])
def test_an_administrator_in_production_is_asked_first(run, administrator, monkeypatch, answer, rows):
    questions = []
    monkeypatch.setattr("builtins.input", lambda text: questions.append(text) or answer)
    frame, _ = run("%%sso_each AdministratorAccess\naccount.name")
    assert len(frame) == rows
    assert questions == ["Run this cell as AdministratorAccess in 1 production account (payments-prod)? [y/N] "]


@pytest.mark.parametrize("answer", ["", "n", "no", "yep"])
def test_any_other_answer_runs_nothing(run, administrator, monkeypatch, shell, answer):
    monkeypatch.setattr("builtins.input", lambda text: answer)
    run("begun = []")
    with pytest.raises(errors.UsageError, match=r"^Not confirmed: nothing was run\."):
        run("%%sso_each AdministratorAccess\nbegun.append(1)")
    assert shell.user_ns["begun"] == []


def test_without_a_person_it_needs_yes(run, administrator, monkeypatch):
    monkeypatch.setattr("sso_magic.display.has_person", lambda: False)
    monkeypatch.setattr("builtins.input", lambda text: pytest.fail("asked"))
    with pytest.raises(errors.UsageError) as caught:
        run("%%sso_each AdministratorAccess\n1")
    assert str(caught.value) == (
        "The cell would run as AdministratorAccess in 1 production account (payments-prod), and there is no person to "
        "confirm it. Add --yes."
    )
    assert len(run("%%sso_each AdministratorAccess --yes\n1")[0]) == 2


@pytest.mark.parametrize("line", ["ReadOnly payments-prod", "AdministratorAccess dev", "AdministratorAccess --dry-run"])
def test_nothing_else_is_asked(run, administrator, monkeypatch, line):
    monkeypatch.setattr("builtins.input", lambda text: pytest.fail("asked"))
    run(f"%%sso_each {line}\n1")


def test_which_role_looks_like_an_administrators_can_be_configured(run, administrator, monkeypatch):
    questions = []
    monkeypatch.setattr("builtins.input", lambda text: questions.append(text) or "y")
    run("%config EachMagics.administrator = '^Read'")
    run("%%sso_each AdministratorAccess\n1")
    assert questions == []
    run("%%sso_each ReadOnly payments-prod\n1")
    assert len(questions) == 1
    run("%config EachMagics.administrator = '('")
    with pytest.raises(errors.UsageError, match=r"^EachMagics.administrator is not a regular expression"):
        run("%%sso_each ReadOnly\n1")


# ---- throttles and threads ----


def jobs_of(accounts: int, regions: int) -> list[Job]:
    return [
        Job(EachAccount(f"{n:012}", None, None), "R", "x", f"r{m}") for n in range(accounts) for m in range(regions)
    ]


def test_no_account_has_more_tasks_at_a_time_than_it_may():
    lock, now, most = threading.Lock(), Counter(), Counter()
    together = threading.Barrier(6)

    def do(job):
        with lock:
            now[job.account.id] += 1
            most[job.account.id] = max(most[job.account.id], now[job.account.id])
        if job.region == "r0":
            together.wait(60)  # passes only if the first task of all six accounts runs at the same time
        with lock:
            now[job.account.id] -= 1
        return Outcome(value=1)

    assert len(list(Crew(jobs_of(6, 9), do, 16, per_account=2))) == 54
    assert max(most.values()) <= 2


def test_a_task_that_is_done_lets_the_next_of_its_account_begin():
    done = [job.region for job, _ in Crew(jobs_of(1, 5), lambda job: Outcome(value=1), 4, per_account=1)]
    assert done == ["r0", "r1", "r2", "r3", "r4"]


def test_tasks_repeat_throttled_calls_unless_a_person_has_set_how(many, monkeypatch):
    center = many(1)

    def retries(here):
        import boto3

        made = [here.session.client("ec2"), boto3.client("ec2")]
        return [str(sorted(client.meta.config.retries.items())) for client in made]

    expected = str([("mode", "standard"), ("total_max_attempts", 10)])
    assert center.each(retries, "ReadOnly", progress=False)["value"].tolist() == [expected] * 2
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    expected = str([("mode", "adaptive"), ("total_max_attempts", 2)])
    assert center.each(retries, "ReadOnly", progress=False)["value"].tolist() == [expected] * 2


def test_processes_repeat_throttled_calls_too(monkeypatch):
    from sso_magic.each.places.processes import patient

    assert patient({}) == {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "10"}
    assert patient({"AWS_MAX_ATTEMPTS": "3"}) == {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "3"}


@pytest.mark.parametrize("allowed", [0, 2])
def test_where_the_system_starts_no_thread_the_run_says_so_or_goes_on_with_fewer(many, monkeypatch, allowed):
    center = many(8)
    center.each(lambda here: here.credentials.account_id, "ReadOnly", progress=False)
    real, started = threading.Thread.start, []

    def start(thread):
        if thread.name.startswith("sso_magic each"):
            if len(started) == allowed:
                raise RuntimeError("can't start new thread")
            started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    if allowed:
        assert len(center.each(lambda here: 1, "ReadOnly", progress=False)) == 8
    else:
        with pytest.raises(errors.EachError) as caught:
            center.each(lambda here: 1, "ReadOnly", progress=False)
        assert str(caught.value) == (
            "The system starts no thread (can't start new thread). End processes or threads, or raise the limit "
            "(ulimit -u); nothing was run."
        )
    monkeypatch.setattr(threading.Thread, "start", real)
    assert len(center.each(lambda here: 1, "ReadOnly", progress=False)) == 8


def test_no_region_is_left_if_none_is_wanted(many):
    center = many(2)
    selection = in_regions(center, select(center, "ReadOnly"), "eu-west-1", [])
    assert (selection.jobs, selection.has_regions) == ([], True)
