"""Every setting: where it is set, what it refuses, and that a reset undoes it."""

from __future__ import annotations

import pytest

from sso_magic.local import Fault, LocalIdentityCenter, Organization, Throttle
from sso_magic.local.errors import KnobError, NoSuchUser
from sso_magic.local.knobs import knobs


def test_every_knob_is_a_keyword_of_the_constructor_and_an_attribute():
    for knob in knobs():
        assert getattr(LocalIdentityCenter(aws=False, **{knob.name: knob.default}), knob.name) == knob.default


def test_two_identity_centers_are_set_apart():
    one, other = LocalIdentityCenter(aws=False, page_size=5), LocalIdentityCenter(aws=False)
    one.latency = 3
    assert (one.page_size, other.page_size, one.latency, other.latency) == (5, 20, 3, 0)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("access_token_lifetime", -1, "a number of seconds, 0 or more, is expected, not -1."),
        ("access_token_lifetime", "soon", "a number of seconds, 0 or more, is expected, not 'soon'."),
        ("latency", float("nan"), "a number of seconds, 0 or more, is expected, not nan."),
        ("latency", True, "a number of seconds, 0 or more, is expected, not True."),
        ("clock_offset", None, "a number of seconds is expected, not None."),
        ("page_size", 0, "a whole number from 1 to 100 is expected, not 0."),
        ("page_size", 1.5, "a whole number, 0 or more, is expected, not 1.5."),
        ("slow_down", -1, "a whole number, 0 or more, is expected, not -1."),
        ("rotate_refresh_tokens", 1, "True or False is expected, not 1."),
        ("auto_approve", None, "True, False or a user's name is expected, not None."),
        ("throttle", [1], r"a Throttle, \(rate, burst\), a rate or None is expected, not \[1\]."),
        ("throttle", (1, 2, 3), "something else is expected, not "),
        ("throttle", "fast", "RATE or RATE:BURST is expected, such as 20 or 50:100, not 'fast'."),
        ("subdomain", "a.b", "a name of letters, digits and hyphens is expected, not 'a.b'."),
        ("subdomain", "-a", "a name of letters, digits and hyphens is expected, not '-a'."),
        ("subdomain", 3, "a name of letters, digits and hyphens is expected, not 3."),
        ("throttle", 0, "rate and burst must be above 0, not 0 and 0."),
        ("throttle", "0:5", "rate and burst must be above 0, not 0 and 5."),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(local, name, value, expected):
    with pytest.raises(KnobError, match=f"^{name}: {expected}"):
        setattr(local, name, value)
    with pytest.raises(KnobError, match=f"^{name}: {expected}"):
        LocalIdentityCenter(aws=False, **{name: value})


def test_a_mistake_in_a_notebook_is_one_line(shell, capsys):
    shell.run_cell("from sso_magic.local import LocalIdentityCenter\nLocalIdentityCenter(aws=False, pagesize=5)")
    assert capsys.readouterr().out.strip() == (
        "KnobError: The local Identity Center has no setting pagesize. Did you mean page_size?"
    )


def test_the_class_tells_what_each_knob_is_for_and_its_default():
    assert LocalIdentityCenter.page_size.default == 20
    assert LocalIdentityCenter.page_size.explain.startswith("entries on a page")


def test_a_knob_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(KnobError, match=r"^The local Identity Center has no setting pagesize. Did you mean page_size?"):
        LocalIdentityCenter(aws=False, pagesize=5)
    with pytest.raises(KnobError, match=r"has no setting zzz. There are: access_token_lifetime, "):
        LocalIdentityCenter(aws=False, zzz=5)


def test_only_a_user_can_approve_by_themselves():
    with pytest.raises(NoSuchUser, match=r"^There is no user 'bob'"):
        LocalIdentityCenter(aws=False, auto_approve="bob")


@pytest.mark.parametrize("value", [Throttle(20, 40), (20, 40), "20:40"])
def test_a_throttle_can_be_written_in_several_ways(local, value):
    local.throttle = value
    assert local.throttle == Throttle(20, 40)


def test_a_reset_undoes_everything_that_was_done_since_it_was_made():
    center = LocalIdentityCenter(aws=False, page_size=5, faults=["/token status=500"])
    token = center.access_token()
    center.page_size, center.latency, center.clock_offset = 50, 1, 99
    center.faults.append(Fault())
    center.organization.withdraw("alex", "731659028443")
    center.reset()
    assert (center.page_size, center.latency, center.clock_offset) == (5, 0, 0)
    assert center.faults == [Fault("/token", status=500)]
    assert center.organization.roles_of("alex", "731659028443")
    assert center.sessions() == []
    with pytest.raises(KnobError, match="has not issued that access token"):
        center.session_of(token)


def test_one_that_does_not_run_yet_can_be_reset():
    center = LocalIdentityCenter(page_size=5)
    center.page_size = 50
    center.reset()
    assert center.page_size == 5


def test_a_reset_starts_fault_rules_again(wire_to):
    with LocalIdentityCenter(aws=False, faults=[Fault("CreateToken", times=1, status=500)]) as center:
        other = wire_to(center.url)
        assert [other.post("/token").status for _ in range(2)] == [500, 400]
        center.reset()
        assert other.post("/token").status == 500


def test_an_organization_that_was_given_is_as_it_was_after_a_reset():
    organization = Organization.generated(3)
    account = organization.accounts[0].id
    center = LocalIdentityCenter(organization, aws=False)
    center.organization.remove_account(account)
    assert organization.account(account) is None  # it is the one that was given, until the reset
    center.reset()
    assert len(center.organization.accounts) == 3
    assert center.organization.account(account) is not None


# ---- the log ----


def test_the_log_keeps_what_was_asked_without_its_secrets(local, wire, device):
    token = local.access_token()
    wire.get("/assignment/accounts", token, max_result="7")
    wire.poll(*device)
    listed = local.requests.of("ListAccounts")[0]
    assert (listed.method, listed.path, listed.status) == ("GET", "/assignment/accounts", 200)
    assert listed.query == {"max_result": "7"}
    assert listed.headers["x-amz-sso_bearer_token"] == "***"
    polled = local.requests.of("CreateToken")[0]
    assert polled.body["clientSecret"] == polled.body["deviceCode"] == "***"
    assert polled.body["clientId"] == device[0]["clientId"]
    assert token not in repr(local.requests)


def test_the_log_can_keep_secrets_for_a_test_that_looks_for_them(local, wire):
    local.redact_log = False
    token = local.access_token()
    wire.get("/assignment/accounts", token)
    assert local.requests[0].headers["x-amz-sso_bearer_token"] == token


def test_counts_go_on_when_records_are_switched_off(local, wire):
    local.log_requests = False
    wire.get("/assignment/accounts")
    wire.get("/assignment/accounts", local.access_token())
    wire.post("/token")
    assert list(local.requests) == []
    assert local.requests.total() == 3
    assert local.requests.total("ListAccounts") == 2
    assert local.requests.total("ListAccounts", 401) == 1
    assert local.requests.total(status=400) == 1


def test_no_secret_is_in_the_repr_of_what_it_remembers(local, wire, device):
    local.approve()
    tokens = wire.poll(*device).json
    shown = repr([local.state.access_tokens[tokens["accessToken"]], *local.sessions(), *local.state.devices.values()])
    secrets = [*tokens.values(), device[0]["clientSecret"], device[1]["deviceCode"]]
    assert not [secret for secret in secrets if isinstance(secret, str) and len(secret) > 20 and secret in shown]
