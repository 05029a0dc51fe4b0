"""The sign-in by device code while the service or the network is not at its best."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from sso_magic import IdentityCenter, errors
from sso_magic.local import Fault
from sso_magic.signin import device, registration


@pytest.fixture
def corp(center, monkeypatch) -> IdentityCenter:
    """Not signed in; each call is made once."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return IdentityCenter("corp")


@pytest.fixture
def polling(corp, monkeypatch):
    """Polls for a new code, on a clock that the pauses alone move on; the pauses, in seconds, and the answer."""
    pauses = []
    clock = SimpleNamespace(monotonic=lambda: sum(pauses))
    monkeypatch.setattr(device, "time", clock)
    registered = registration.register(corp.oidc, corp.session)
    request = device.start(corp.oidc, corp.session, registered)

    def poll():
        return device.poll(corp.oidc, registered, request, pauses.append)

    return SimpleNamespace(poll=poll, pauses=pauses, request=request)


def test_a_service_that_asks_for_patience_gets_five_seconds_more_each_time(polling, center):
    center.approve(polling.request.user_code)
    center.slow_down = 2
    assert polling.poll().access_token
    assert polling.pauses == [1, 6, 11]


def test_a_service_that_asks_for_patience_at_the_very_first_poll_gets_it_too(corp, center, prompt, monkeypatch):
    pauses = []

    class Cancel:
        def wait(self, seconds):
            pauses.append(seconds)
            center.approve(prompt.devices[0].user_code)
            return False

    center.slow_down = 1
    registered = registration.register(corp.oidc, corp.session)
    assert device.sign_in(corp.oidc, corp.session, registered, prompt, Cancel()).access_token
    assert pauses == [6]


def test_a_network_that_comes_back_in_time_costs_no_approval(polling, center):
    center.approve(polling.request.user_code)
    center.faults.append(Fault("CreateToken", times=device.LOST_POLLS, kind="drop"))
    assert polling.poll().access_token
    assert len(polling.pauses) == device.LOST_POLLS + 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_recovers_in_time_costs_no_approval(polling, center, status):
    center.approve(polling.request.user_code)
    center.faults.append(Fault("CreateToken", times=device.LOST_POLLS, status=status, body="<html>busy</html>"))
    assert polling.poll().access_token
    assert len(polling.pauses) == device.LOST_POLLS + 1


def test_a_network_that_stays_away_is_told(polling, center):
    center.faults.append(Fault("CreateToken", kind="drop"))
    with pytest.raises(errors.ConnectError) as caught:
        polling.poll()
    assert str(caught.value).startswith(
        f"{center.url.removeprefix('http://')} could not be connected to. Check network, VPN, the region and the "
        "endpoint. ("
    )
    assert len(polling.pauses) == device.LOST_POLLS + 1


def test_polls_are_lost_in_a_row_only_where_the_service_answers_none_between_them(polling, center):
    center.approve(polling.request.user_code)
    drops = [Fault("CreateToken", times=device.LOST_POLLS, kind="drop") for _ in range(2)]
    center.faults += [drops[0], Fault("CreateToken", times=1, error="SlowDownException", status=400), drops[1]]
    assert polling.poll().access_token
    assert len(polling.pauses) == 2 * device.LOST_POLLS + 2


def test_a_code_that_runs_out_by_this_machines_clock_is_told_though_the_service_waits(polling, center):
    with pytest.raises(errors.SignInExpired) as caught:
        polling.poll()
    assert str(caught.value) == "The code ran out before it was approved. Run %sso_login to get a new one."
    assert sum(polling.pauses) == polling.request.expires_in
    assert center.requests.total("CreateToken") == len(polling.pauses)


@pytest.mark.parametrize(
    ("operation", "members", "line"),
    [
        (
            "RegisterClient",
            ["clientId", "clientSecret"],
            "The service registered no client. Try again. If it persists, contact your AWS administrator.",
        ),
        (
            "StartDeviceAuthorization",
            ["deviceCode", "userCode", "verificationUri", "verificationUriComplete"],
            "The service gave no code. Try again. If it persists, contact your AWS administrator.",
        ),
    ],
)
def test_a_service_that_gives_nothing_to_sign_in_with_is_told(corp, center, prompt, operation, members, line):
    center.faults.append(Fault(operation, body=json.dumps(dict.fromkeys(members, ""))))
    with pytest.raises(errors.DeserializationError) as caught:
        corp.sign_in(method="device", prompt=prompt)
    assert str(caught.value) == line
    assert prompt.lines == [""]


NAMED = {"region": "eu-north-1"}


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (Fault("RegisterClient", error="InvalidRequestException", status=400, message="Refused"), "(Refused)"),
        (
            Fault("StartDeviceAuthorization", error="InvalidRequestException", status=400, message="Refused"),
            "(Refused)",
        ),
        (Fault("CreateToken", error="InvalidGrantException", status=400, message="Refused"), "(Refused)"),
        (
            Fault(
                "StartDeviceAuthorization",
                status=400,
                body=json.dumps({"__type": "InvalidRequestRegionException", "error_description": "Refused"} | NAMED),
            ),
            "(Refused); the service names eu-north-1",
        ),
    ],
)
def test_a_wrong_region_or_start_url_names_both_and_where_to_correct_them(corp, center, prompt, fault, named):
    center.faults.append(fault)
    with pytest.raises(errors.ConfigError) as caught:
        corp.sign_in(method="device", prompt=prompt)
    assert str(caught.value) == (
        f"The sign-in service in eu-west-1 refused the start URL {center.start_url} {named}. "
        "Check sso_region and sso_start_url of [sso-session corp]."
    )


def test_a_start_url_without_a_session_is_shown_with_the_command_to_correct(center, prompt):
    center.faults.append(Fault("StartDeviceAuthorization", error="InvalidRequestException", status=400, message="No"))
    url = "https://nobody.awsapps.com/start"
    with pytest.raises(errors.ConfigError) as caught:
        IdentityCenter(start_url=url, sso_region="eu-west-1").sign_in(method="device", prompt=prompt)
    assert str(caught.value) == (
        f"The sign-in service in eu-west-1 refused the start URL {url} (No). "
        f"Check both: %sso_login {url} --sso-region REGION"
    )


@pytest.mark.parametrize(("told", "polled"), [(1.5, 1.5), (2.0, 2), (0.2, 1), (None, 5), (0, 5), (1e300, 86_400)])
def test_the_interval_may_be_a_fraction_of_seconds(corp, center, told, polled):
    answer = {"deviceCode": "d", "userCode": "AB", "verificationUri": "https://x.awsapps.com/", "expiresIn": 600}
    answer["verificationUriComplete"] = "https://x.awsapps.com/?code=AB"
    registered = registration.register(corp.oidc, corp.session)
    center.faults = [Fault("StartDeviceAuthorization", body=json.dumps(answer | {"interval": told}))]
    assert device.start(corp.oidc, corp.session, registered).interval == polled
