"""Of the same response both make the same: an output, an error of the same name, or "that is no answer".

Where the outcome differs on purpose, the case names the section of PROTOCOL.md that decides it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError as TheirClientError

from sso_magic.client.errors import ServiceException
from sso_magic.client.messages import HttpResponse
from sso_magic.common.secret import Secret
from sso_magic.errors import DeserializationError
from sso_magic.oidc import SSOOIDC
from sso_magic.portal import SSO

LOADER = botocore.session.Session().get_component("data_loader")

UNREADABLE = ("no answer",)
HTML_PAGE = (
    "an HTML page instead of an answer of AWS. A proxy, firewall or captive portal may have sent it: check "
    "HTTPS_PROXY, NO_PROXY and the network"
)
CALLS = {
    "ListAccounts": ("sso", {"accessToken": "aoa"}),
    "ListAccountRoles": ("sso", {"accessToken": "aoa", "accountId": "1"}),
    "GetRoleCredentials": ("sso", {"accessToken": "aoa", "accountId": "1", "roleName": "r"}),
    "Logout": ("sso", {"accessToken": "aoa"}),
    "RegisterClient": ("sso-oidc", {"clientName": "n", "clientType": "public"}),
    "StartDeviceAuthorization": ("sso-oidc", {"clientId": "c", "clientSecret": "s", "startUrl": "https://x"}),
    "CreateToken": ("sso-oidc", {"clientId": "c", "clientSecret": "s", "grantType": "g"}),
}


@dataclass(frozen=True)
class Case:
    """A response, and what comes of it.

    Attributes:
        operation: Whose answer it is.
        body: JSON, or bytes as they are.
        status: The HTTP status.
        headers: The response's headers.
        ours: What comes of it here, if that is not what botocore makes of it.
        because: The section of PROTOCOL.md that decides it.
    """

    operation: str
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ours: tuple[Any, ...] | None = None
    because: str = ""

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def __str__(self) -> str:
        return f"{self.operation} {self.status} {self.headers or ''} {self.content[:70].decode('ascii', 'replace')}"


def error(body, status, *, operation="ListAccounts", ours=None, because="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Case(operation, body, status, named, ours, because)


ACCOUNT = {"accountId": "000000000001", "accountName": "dev", "emailAddress": "dev@example.com"}
KEYS = {"accessKeyId": "ASIA1", "secretAccessKey": "s", "sessionToken": "t", "expiration": 1795573325000}
TYPE = "com.amazonaws.switchboard.portal"
CORAL = "http://internal.amazon.com/coral/com.amazonaws.sso.oidc/"
NOT_JSON = "PROTOCOL.md 1.6: as in the JavaScript SDK, what is no JSON is no answer"
WRONG_TYPE = "PROTOCOL.md 1.3: an account id is a string, leading zeros matter; a value of another type is no answer"

OUTPUTS = [
    Case("ListAccounts", {"nextToken": None, "accountList": [ACCOUNT]}),
    Case("ListAccounts", {"nextToken": "more", "accountList": [ACCOUNT, {"accountId": "2"}]}),
    Case("ListAccounts", {"accountList": [{**ACCOUNT, "accountName": None, "emailAddress": None}]}),
    Case("ListAccounts", {"accountList": [{"accountId": None}]}),
    Case("ListAccounts", {"accountList": [{}]}),
    Case("ListAccounts", {"accountList": [], "unknown": {"deep": [1]}}),
    Case("ListAccounts", {"accountList": [{**ACCOUNT, "unknown": 1}]}),
    Case("ListAccounts", {"accountList": None}),
    Case("ListAccounts", {"nextToken": ""}),
    Case("ListAccounts", {}),
    Case("ListAccounts", b""),
    Case("ListAccounts", {"accountList": [{"accountId": "1", "accountName": "größe \U0001f600"}]}),
    Case("ListAccountRoles", {"roleList": [{"roleName": "Admin", "accountId": "1"}], "nextToken": None}),
    Case("ListAccountRoles", {"roleList": [{"roleName": "Admin"}]}),
    Case("ListAccountRoles", b""),
    Case("GetRoleCredentials", {"roleCredentials": KEYS}),
    Case("GetRoleCredentials", {"roleCredentials": {**KEYS, "sessionToken": None}}),
    Case("GetRoleCredentials", {"roleCredentials": {}}),
    Case("GetRoleCredentials", {"roleCredentials": None}),
    Case("GetRoleCredentials", {}),
    Case("GetRoleCredentials", b""),
    Case("Logout", b""),
    Case("Logout", {"unknown": 1}),
    Case(
        "RegisterClient",
        {
            "clientId": "c",
            "clientSecret": "s",
            "clientIdIssuedAt": 1,
            "clientSecretExpiresAt": 2,
            "authorizationEndpoint": None,
            "tokenEndpoint": None,
        },
    ),
    Case("RegisterClient", {"authorizationEndpoint": "https://a", "tokenEndpoint": "https://t"}),
    Case(
        "StartDeviceAuthorization",
        {
            "deviceCode": "d",
            "userCode": "ABCD-EFGH",
            "verificationUri": "https://v",
            "verificationUriComplete": "https://v?c",
            "expiresIn": 600,
            "interval": 1,
        },
    ),
    Case("StartDeviceAuthorization", {"deviceCode": "d", "expiresIn": 600, "interval": None}),
    Case("CreateToken", {"accessToken": "a", "tokenType": "Bearer", "expiresIn": 3600, "refreshToken": "r"}),
    Case("CreateToken", {"accessToken": "a", "tokenType": "Bearer", "expiresIn": 3600, "idToken": None}),
    Case("CreateToken", b""),
    Case(
        "ListAccounts",
        {"accountList": [None, ACCOUNT]},
        ours=("output", {"accountList": [ACCOUNT]}),
        because="PROTOCOL.md 1.3",
    ),
]

NO_ANSWERS = [
    Case("ListAccounts", b"[]"),
    Case("ListAccounts", b'"text"'),
    Case("ListAccounts", b"7"),
    Case("ListAccounts", b"null"),
    Case("ListAccounts", b"\xff\xfe{"),
    Case("ListAccounts", b"[" * 200_000),
    Case("ListAccounts", {"accountList": "text"}),
    Case("ListAccounts", {"accountList": ["text"]}),
    Case("ListAccounts", {"accountList": [[]]}),
    Case("GetRoleCredentials", {"roleCredentials": "text"}),
    Case("GetRoleCredentials", {"roleCredentials": []}),
    Case("CreateToken", {"expiresIn": "soon"}),
    Case("CreateToken", {"expiresIn": [1]}),
    Case("ListAccounts", b"<html>hotel</html>", ours=UNREADABLE, because=NOT_JSON),
    Case("ListAccounts", b'{"accountList": [{"accountId"', ours=UNREADABLE, because=NOT_JSON),
    Case("CreateToken", b"<!doctype html>", ours=UNREADABLE, because=NOT_JSON),
    Case("ListAccounts", {"accountList": {}}, ours=UNREADABLE, because=WRONG_TYPE),
    Case("ListAccounts", {"accountList": [{"accountId": 111111111111}]}, ours=UNREADABLE, because=WRONG_TYPE),
    Case("ListAccounts", {"nextToken": 5}, ours=UNREADABLE, because=WRONG_TYPE),
    Case("GetRoleCredentials", {"roleCredentials": {"expiration": "1"}}, ours=UNREADABLE, because=WRONG_TYPE),
    Case("CreateToken", {"expiresIn": 1.5}, ours=UNREADABLE, because=WRONG_TYPE),
    Case("CreateToken", {"accessToken": 5}, ours=UNREADABLE, because=WRONG_TYPE),
    Case(
        "ListAccounts",
        {"__type": f"{TYPE}#NullPointerException", "message": "Internal error"},
        ours=("error", "NullPointerException", "Internal error"),
        because="PROTOCOL.md 1.5: an error that comes with 200 is no empty list",
    ),
]

ERRORS = [
    *(
        error({"message": "m", "__type": f"{TYPE}#{name}"}, status)
        for name, status in [
            ("InvalidRequestException", 400),
            ("UnauthorizedException", 401),
            ("ForbiddenException", 403),
            ("ResourceNotFoundException", 404),
            ("MethodNotAllowedException", 405),
            ("TooManyRequestsException", 429),
            ("NullPointerException", 500),
        ]
    ),
    *(
        error(
            {"error": "e", "error_description": "d"},
            status,
            operation="CreateToken",
            x_amzn_ErrorType=f"{name}:{CORAL}",
        )
        for name, status in [
            ("AuthorizationPendingException", 400),
            ("SlowDownException", 400),
            ("AccessDeniedException", 400),
            ("ExpiredTokenException", 400),
            ("InvalidGrantException", 400),
            ("InvalidClientException", 401),
            ("InvalidClientMetadataException", 400),
            ("InvalidRedirectUriException", 400),
            ("InvalidRequestException", 400),
            ("InvalidScopeException", 400),
            ("UnauthorizedClientException", 400),
            ("UnsupportedGrantTypeException", 400),
            ("InternalServerException", 500),
            ("UnheardOfException", 400),
        ]
    ),
    error({"error": "e", "error_description": "d", "message": "m"}, 400, operation="CreateToken"),
    error({"message": "m"}, 401, x_amzn_ErrorType=f"UnauthorizedException:{CORAL}"),
    error({"message": "m", "__type": "a#Other"}, 401, x_amzn_errortype="UnauthorizedException"),
    error({"message": "m", "code": "ThrottlingException"}, 400),
    error({"Message": "M", "Code": "ThrottlingException"}, 400),
    error({"message": "m", "code": "a#B:c,D"}, 400),
    error({"message": "m", "code": 42}, 400),
    error({"message": "m", "__type": "NoNamespaceException"}, 400),
    error({"message": "m"}, 418),
    error(
        {"message": None, "Message": "M", "__type": "a#B"},
        400,
        ours=("error", "B", "M"),
        because="PROTOCOL.md 1.3: null is as good as absent, and PROTOCOL.md 1.6: then Message counts",
    ),
    error(b"denied by proxy", 403),
    error(b'{"message":', 400),
    error(b"", 503),
    error({"message": "m"}, 301, location="https://elsewhere"),
    error(
        {"__type": "a#B"},
        400,
        ours=("error", "B", "UnknownError"),
        because="PROTOCOL.md 1.6: the JavaScript SDK's message",
    ),
    error(b"{}", 400, ours=("error", "400", "UnknownError"), because="PROTOCOL.md 1.6: the JavaScript SDK's message"),
    error(
        b"", 403, ours=("error", "403", "Forbidden"), because="PROTOCOL.md 1.6: an empty body has the status' own words"
    ),
    error(
        {"error": "slow_down"},
        400,
        operation="CreateToken",
        ours=("error", "SlowDownException", "slow_down"),
        because="PROTOCOL.md 2.5: the error member names it where the header is missing",
    ),
    error(
        {"message": "m"},
        400,
        x_amzn_ErrorType="A,B",
        ours=("error", "A", "m"),
        because="PROTOCOL.md 1.6: the JavaScript SDK cuts at a comma",
    ),
    *(
        error(
            body,
            502,
            ours=("error", "502", HTML_PAGE),
            because="PROTOCOL.md 1.6: a page of HTML is not AWS's, and says so",
        )
        for body in (b"<html>bad</html>", b"<html>\nbad\x00</html>".replace(b"\n", b"").replace(b"\x00", b""))
    ),
    *(
        error(
            body,
            400,
            ours=("error", "400", message),
            because="PROTOCOL.md 1.6: any error body has a name and a message",
        )
        for body, message in [(b"[]", "[]"), (b'"x"', '"x"'), (b"null", "null"), (b"\xff", "\ufffd")]
    ),
]


def of_botocore(case):
    service, arguments = CALLS[case.operation]
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    config = Config(retries={"total_max_attempts": 1})
    client = session.create_client(service, region_name="us-east-1", config=config)
    client.meta.events.register(
        "before-send",
        lambda request, **_: AWSResponse(request.url, case.status, case.headers, _Raw(case.content)),
    )
    try:
        output = getattr(client, re.sub("(?<!^)([A-Z])", r"_\1", case.operation).lower())(**arguments)
    except TheirClientError as refused:
        return ("error", str(refused.response["Error"]["Code"]), refused.response["Error"]["Message"])
    except Exception:  # noqa: BLE001 - botocore stumbles over such bodies in its own code
        return UNREADABLE
    return ("output", {name: value for name, value in output.items() if name != "ResponseMetadata"})


class _Raw(BytesIO):
    """What botocore reads a response from."""

    def stream(self):
        yield self.read()


class Canned:
    """Answers with the case's response."""

    def __init__(self, case):
        self.case = case

    def handle(self, _request, *, timeout=None):
        return HttpResponse(self.case.status, self.case.headers, self.case.content)

    def close(self):
        pass


def of_ours(case):
    service, arguments = CALLS[case.operation]
    client = {"sso": SSO, "sso-oidc": SSOOIDC}[service]
    snake = {re.sub("([A-Z])", r"_\1", name).lower(): value for name, value in arguments.items()}
    method = re.sub("(?<!^)([A-Z])", r"_\1", case.operation).lower()
    with client(region="us-east-1", max_attempts=1, request_handler=Canned(case)) as ours:
        try:
            return ("output", plain(getattr(ours, method)(**snake)))
        except ServiceException as refused:
            return ("error", refused.name, refused.message)
        except DeserializationError:
            return UNREADABLE


def plain(value):
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if hasattr(value, "_values"):
        named = {re.sub("_(.)", lambda m: m[1].upper(), name): item for name, item in value._values().items()}
        return {name: plain(item) for name, item in named.items() if item is not None}
    return value.reveal() if isinstance(value, Secret) else value


def without_empty_lists(outcome):
    """A list that is absent is an empty one here."""
    if outcome[0] != "output":
        return outcome
    return ("output", {name: value for name, value in outcome[1].items() if value != []})


@pytest.mark.parametrize("case", [*OUTPUTS, *NO_ANSWERS, *ERRORS], ids=str)
def test_the_outcome_is_botocores_or_differs_for_a_reason(case):
    theirs, ours = without_empty_lists(of_botocore(case)), without_empty_lists(of_ours(case))
    if case.ours is None:
        assert ours == theirs
    else:
        assert case.because
        assert ours == case.ours
        assert theirs != case.ours, "botocore agrees by now: the difference can go"
