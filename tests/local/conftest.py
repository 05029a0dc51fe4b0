"""A local Identity Center without AWS for the tests of its protocol, and a client that knows nothing but HTTP."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from sso_magic.local import LocalIdentityCenter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def error(self) -> str:
        """The name in the error header, as botocore and the JS SDK find it."""
        return self.headers["x-amzn-errortype"].partition(":")[0]


class Wire:
    """Speaks HTTP on one connection that is kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        query: dict[str, str] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        headers = dict(headers or {})
        if token is not None:
            headers["x-amz-sso_bearer_token"] = token
        if isinstance(body, dict):
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body)
        if query:
            path += "?" + urlencode(query, quote_via=quote, safe="")
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        except BaseException:
            self.connection.close()
            raise

    def get(self, path: str, token: str | None = None, **query: str) -> Answer:
        return self.call("GET", path, token=token, query=query)

    def post(self, path: str, **fields: Any) -> Answer:
        return self.call("POST", path, body=fields)

    def form(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", path, body=urlencode(fields), headers=kind | headers)

    # ---- a client's steps ----

    def register(self, scopes: list[str] | None = ["sso:account:access"], **fields: Any) -> dict[str, str]:  # noqa: B006
        asked = {"clientName": "a client", "clientType": "public", **fields}
        if scopes is not None:
            asked["scopes"] = scopes
        answer = self.post("/client/register", **asked)
        assert answer.status == 200, answer.text
        return {"clientId": answer.json["clientId"], "clientSecret": answer.json["clientSecret"]}

    def start_device(self, client: dict[str, str], start_url: str) -> dict[str, Any]:
        answer = self.post("/device_authorization", **client, startUrl=start_url)
        assert answer.status == 200, answer.text
        return answer.json

    def poll(self, client: dict[str, str], device: dict[str, Any]) -> Answer:
        return self.post("/token", **client, grantType=DEVICE_GRANT, deviceCode=device["deviceCode"])

    def refresh(self, client: dict[str, str], refresh_token: str) -> Answer:
        return self.post("/token", **client, grantType="refresh_token", refreshToken=refresh_token)


@pytest.fixture(scope="session")
def plain_server() -> Iterator[LocalIdentityCenter]:
    with LocalIdentityCenter(aws=False) as center:
        yield center


@pytest.fixture
def local(plain_server: LocalIdentityCenter) -> LocalIdentityCenter:
    """A local Identity Center without AWS accounts, as new."""
    plain_server.reset()
    return plain_server


@pytest.fixture
def wire_to() -> Iterator[Callable[[str], Wire]]:
    """Clients that know nothing but HTTP, closed at the end."""
    opened: list[Wire] = []

    def wire_to(url: str) -> Wire:
        opened.append(Wire(url))
        return opened[-1]

    yield wire_to
    for client in opened:
        client.connection.close()


@pytest.fixture
def wire(local: LocalIdentityCenter, wire_to: Callable[[str], Wire]) -> Wire:
    """Such a client of the local Identity Center."""
    return wire_to(local.url)


@pytest.fixture
def device(local: LocalIdentityCenter, wire: Wire) -> tuple[dict[str, str], dict[str, Any]]:
    """A registered client, and a device code of its own that waits for approval."""
    client = wire.register()
    return client, wire.start_device(client, local.start_url)
