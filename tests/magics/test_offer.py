"""What the kernel offers its front end beside a cell's error."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, SSOTokenLoadError

from sso_magic.errors import (
    CredentialsError,
    RoleNotAssigned,
    SignInCanceled,
    SignInDenied,
    SignInExpired,
    SignInRequired,
    UsageError,
)
from sso_magic.notebook.identity_comm import identity
from sso_magic.notebook.offer import offer


def refused(code: object) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "ListBuckets")


def caused(error: Exception, cause: Exception | None = None, context: Exception | None = None) -> Exception:
    if cause is not None:
        error.__cause__ = cause
    error.__context__ = context
    return error


@pytest.mark.parametrize(
    ("error", "kind", "magic"),
    [
        (SignInRequired("Not signed in to corp. Run %sso_login corp."), "sign-in", "%sso_login corp"),
        (
            SignInRequired(
                "The sign-in has ended: Run away. Run %sso_login https://a.example/start --sso-region us-east-1"
            ),
            "sign-in",
            "%sso_login https://a.example/start --sso-region us-east-1",
        ),
        (SignInRequired("Somebody has signed in again meanwhile. Run it again."), "sign-in", "%sso_login"),
        (SignInRequired("Run %sso_logins"), "sign-in", "%sso_login"),
        (SignInExpired("The code expired."), "sign-in", "%sso_login"),
        (SignInCanceled("Sign-in canceled. Run %sso_login to start again."), "sign-in", "%sso_login"),
        (SignInDenied("Denied."), "sign-in", "%sso_login"),
        (SSOTokenLoadError(error_msg="no"), "sign-in", "%sso_login"),
        (RoleNotAssigned("Refused (403)."), "not-assigned", "%sso_inventory --refresh"),
        (refused("ExpiredToken"), "expired", "%sso_login"),
        (refused("ExpiredTokenException"), "expired", "%sso_login"),
        (caused(PermissionError("expired"), cause=refused("ExpiredToken")), "expired", "%sso_login"),
        (
            caused(ValueError(), context=caused(OSError(), cause=RoleNotAssigned("no"))),
            "not-assigned",
            "%sso_inventory --refresh",
        ),
    ],
    ids=str,
)
def test_an_error_that_a_magic_can_remove_has_an_offer(error, kind, magic):
    assert offer(error) == {"kind": kind, "magic": magic}


def test_other_errors_have_none():
    odd = [ClientError({"Error": {}}, "A"), refused(None), refused("AccessDenied"), UsageError("Run %sso_login")]
    loop = ValueError()
    loop.__context__ = caused(ValueError(), context=loop)
    hidden = caused(ValueError(), context=RoleNotAssigned("no"))
    hidden.__suppress_context__ = True
    for error in [None, *odd, CredentialsError("no"), KeyError("a"), loop, hidden]:
        assert offer(error) is None
    response = ValueError()
    response.response = {"Error": "ExpiredToken"}
    assert offer(response) is None


def test_the_front_end_is_told_after_the_cell(kernel, center):
    for text in ("1 / 0", "%sso_use payments-dev ReadOnly", "1"):
        kernel.shell.run_cell(text)
    assert kernel.offers == [{"kind": "sign-in", "magic": "%sso_login corp"}]


def test_the_edge_of_cells_that_ran_in_production_is_off_by_one_setting(kernel):
    magics = kernel.shell.find_line_magic("sso_use").__self__
    assert identity(magics)["edge"] is True
    kernel.shell.run_line_magic("config", "SSOMagics.production_edge = False")
    assert identity(magics)["edge"] is False
