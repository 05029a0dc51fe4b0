"""The pages a person meets: what they say, what they refuse to do, and what they never let through."""

from __future__ import annotations

import re
from html import unescape

import pytest

HOSTILE = """<script>alert(1)</script>"'&\u202e{{ 7 * 7 }}"""


def form_token(page, action):
    """The token of the form that posts to `action`."""
    form = page.text[page.text.index(f'action="{action}"') :]
    return unescape(re.search(r'name="form" value="([^"]+)"', form)[1])


def said(page):
    """The page's text without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


@pytest.fixture
def open_device(wire, device):
    """The device page of a code that waits."""
    return lambda: wire.get("/device", user_code=device[1]["userCode"])


@pytest.fixture
def decide(wire, device, open_device):
    def decide(decision, **headers):
        fields = {"user_code": device[1]["userCode"], "decision": decision}
        return wire.form("/device", {**fields, "form": form_token(open_device(), "/device")}, **headers)

    return decide


# ---- every page ----

PAGES = ["/start", "/start/", "/device", "/device?user_code=BCDF-GHJK", "/console?account_id=731659028443", "/nowhere"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_runs_inline_script_loads_from_elsewhere_or_can_be_framed(wire, path):
    page = wire.get(path)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert re.findall(r"<script(?! src=\"/static/)|\son\w+=|style=|(?:src|href|action)=\"(?!/|#)", page.text) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_who_it_is_for_and_that_it_is_a_toy(wire, path):
    page = wire.get(path)
    assert "Signed in as" in page.text
    assert '<option value="alex" selected>Alex Taylor</option>' in page.text
    assert "it asks for no password, and nothing here reaches AWS" in page.text


def test_every_file_that_a_page_names_is_there(wire):
    named = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', wire.get("/start").text))
    assert named == {"/static/local.css", "/static/start.js", "/static/icon.svg"}
    for path in named:
        file = wire.get(path)
        assert (file.status, file.headers["x-content-type-options"]) == (200, "nosniff")
        assert file.body


@pytest.mark.parametrize("path", ["/static/../center.py", "/static/", "/static/%2e%2e/center.py"])
def test_no_other_file_is_served(wire, path):
    assert wire.get(path).status == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "[::1", ""])
@pytest.mark.parametrize("path", ["/start", "/device", "/authorize"])
def test_pages_answer_under_loopback_names_only(wire, path, host):
    assert wire.call("GET", path, headers={"Host": host}).status in {400, 403}


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:99"])
def test_any_loopback_name_will_do(wire, host):
    assert wire.call("GET", "/start", headers={"Host": host}).status == 200


def test_the_root_leads_to_the_portal(wire):
    answer = wire.get("/")
    assert (answer.status, answer.headers["location"]) == (303, "/start")


def test_a_page_that_is_not_there_says_so(wire):
    answer = wire.get("/nowhere")
    assert (answer.status, "There is no page at this address." in answer.text) == (404, True)
    assert wire.call("POST", "/start").status == 405


# ---- the access portal ----


def test_the_portal_lists_accounts_and_roles(local, wire):
    local.organization.add_account("560283419977", None, "old-intranet@example.com")
    text = said(wire.get("/start"))
    assert "14 accounts" in text
    assert "payments-prod 731659028443 · aws-payments@example.com PowerUserAccess DataScientist ReadOnly" in text
    assert "Account without a name 560283419977" in text
    assert "Büro Zürich" in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("prod", "3 of 14 accounts"),
        ("PAYMENTS prod", "2 of 14 accounts"),
        ("731659028443", "1 of 14 accounts"),
        ("datascientist dev", "1 of 14 accounts"),
        ("zürich", "1 of 14 accounts"),
        ("nonsense", "No account fits “nonsense”."),
    ],
)
def test_the_portal_finds_every_word_anywhere_without_script(wire, query, expected):
    assert expected in said(wire.get("/start", q=query))


def test_a_large_portal_shows_the_first_and_says_so(local, wire):
    from sso_magic.local import Organization

    local.organization = Organization.generated(2000)
    page = wire.get("/start")
    assert "The first 50 of 2,000 accounts. Search to find the others." in said(page)
    assert page.text.count('<li class="account">') == 50


def test_the_portal_of_somebody_without_accounts(wire):
    page = wire.call("GET", "/start", headers={"Cookie": "local_identity_center_user=robin"})
    assert "Robin Meyer is not assigned any account yet." in said(page)


def test_a_search_is_shown_as_it_was_typed_and_nothing_more(wire):
    page = wire.get("/start", q=HOSTILE)
    assert "<script>alert" not in page.text
    assert HOSTILE in unescape(page.text)


def test_signing_an_application_out_ends_its_session(local, wire):
    session = local.sign_in()
    token = local.access_token(session=session)
    page = wire.get("/start")
    assert "Applications that are signed in as you a test" in said(page)
    fields = {"session": str(session.id), "form": form_token(page, "/sessions/end")}
    assert wire.form("/sessions/end", fields).status == 303
    assert wire.get("/assignment/accounts", token).status == 401
    assert "Applications that are signed in" not in wire.get("/start").text


def test_one_sessions_form_does_not_end_another(local, wire):
    first = local.sign_in()
    token = form_token(wire.get("/start"), "/sessions/end")
    other = local.sign_in("sam")
    assert wire.form("/sessions/end", {"session": str(other.id), "form": token}).status == 403
    assert wire.form("/sessions/end", {"session": "x", "form": token}).status == 403
    assert {first, other} <= set(local.sessions())


# ---- picking a user ----


def test_a_user_is_picked_for_this_browser(wire):
    fields = {"user": "sam", "form": form_token(wire.get("/start"), "/user"), "next": "/device?user_code=X"}
    answer = wire.form("/user", fields)
    assert (answer.status, answer.headers["location"]) == (303, "/device?user_code=X")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = wire.call("GET", "/start", headers={"Cookie": cookie.partition(";")[0]})
    assert '<option value="sam" selected>' in page.text
    assert "2 accounts" in said(page)


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "", "/a\r\nb: c"])
def test_picking_a_user_leads_nowhere_else(wire, target):
    fields = {"user": "sam", "form": form_token(wire.get("/start"), "/user"), "next": target}
    assert wire.form("/user", fields).headers["location"] == "/start"


def test_a_user_is_picked_once_by_each_form(wire):
    fields = {"user": "sam", "form": form_token(wire.get("/start"), "/user"), "next": "/start"}
    assert wire.form("/user", fields).status == 303
    again = wire.form("/user", fields)
    assert again.status == 403
    assert "This form was used before or is too old. Go back, load the page again, and repeat what you did." in said(
        again
    )
    assert "set-cookie" not in again.headers


def test_of_very_many_open_forms_the_oldest_is_too_old(wire, monkeypatch):
    monkeypatch.setattr("sso_magic.local.web._FORMS_KEPT", 3)
    tokens = [form_token(wire.get("/start"), "/user") for _ in range(4)]
    newest_first = reversed(tokens)
    answers = [wire.form("/user", {"user": "sam", "form": token, "next": "/start"}).status for token in newest_first]
    assert answers == [303, 303, 303, 403]


def test_only_users_can_be_picked(wire):
    fields = {"user": "bob", "form": form_token(wire.get("/start"), "/user")}
    answer = wire.form("/user", fields)
    assert answer.status == 400
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("cookie", ["local_identity_center_user=bob", "local_identity_center_user", "=;=;", "a b c"])
def test_a_cookie_that_makes_no_sense_is_the_first_user(wire, cookie):
    assert '<option value="alex" selected>' in wire.call("GET", "/start", headers={"Cookie": cookie}).text


def test_the_picker_comes_back_to_the_page_it_is_on(wire, device):
    page = wire.get("/device", user_code=device[1]["userCode"])
    assert f'name="next" value="/device?user_code={device[1]["userCode"]}"' in page.text


# ---- the device page ----


def test_the_device_page_says_who_asks_for_what_and_when(local, wire):
    client = wire.register(clientName="sso_magic on laptop", scopes=["sso:account:access", "codewhisperer:completions"])
    device = wire.start_device(client, local.start_url)
    local.advance(125)
    text = said(wire.get("/device", user_code=device["userCode"]))
    assert "Allow sso_magic on laptop to use your AWS access?" in text
    assert device["userCode"] in text
    assert "See the AWS accounts and roles that you are assigned" in text
    assert "Use an application of AWS on your behalf (codewhisperer:completions)" in text
    assert "2 minutes ago, at " in text
    assert "Valid for another 8 minutes" in text
    assert "You are Alex Taylor (alex)" in text


def test_looking_at_the_page_decides_nothing(local, wire, device, open_device):
    open_device()
    assert len(local.pending()) == 1


def test_allow(wire, device, decide):
    assert "Request approved" in said(decide("allow"))
    assert wire.poll(*device).status == 200


def test_deny(wire, device, decide):
    assert "Request denied" in said(decide("deny"))
    assert wire.poll(*device).error == "AccessDeniedException"


def test_who_is_picked_signs_in(local, wire, device, decide):
    decide("allow", Cookie="local_identity_center_user=sam")
    assert local.session_of(wire.poll(*device).json["accessToken"]).user == "sam"


@pytest.mark.parametrize("form", ["", "guess"])
def test_a_form_without_its_token_decides_nothing(local, wire, device, form):
    answer = wire.form("/device", {"user_code": device[1]["userCode"], "decision": "allow", "form": form})
    assert (answer.status, "This form was used before or is too old." in answer.text) == (403, True)
    assert len(local.pending()) == 1


def test_a_form_of_one_code_does_not_approve_another(local, wire, device, open_device):
    other = wire.start_device(device[0], local.start_url)
    fields = {"user_code": other["userCode"], "decision": "allow", "form": form_token(open_device(), "/device")}
    assert wire.form("/device", fields).status == 403
    assert len(local.pending()) == 2


def test_a_form_is_too_old_after_an_hour(local, wire, open_device):
    local.device_code_lifetime = 100_000
    device = wire.start_device(wire.register(), local.start_url)
    token = form_token(wire.get("/device", user_code=device["userCode"]), "/device")
    local.advance(3600)
    fields = {"user_code": device["userCode"], "decision": "allow", "form": token}
    assert wire.form("/device", fields).status == 403


def test_a_second_tab_learns_that_it_is_decided(wire, device, open_device, decide):
    second = form_token(open_device(), "/device")
    decide("allow")
    answer = wire.form("/device", {"user_code": device[1]["userCode"], "decision": "deny", "form": second})
    assert answer.status == 400
    assert "has already been approved. Each code works once." in said(answer)
    assert wire.poll(*device).status == 200


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (lambda local: local.approve(), "has already been approved. Each code works once."),
        (lambda local: local.deny(), "has already been denied. Each code works once."),
        (lambda local: local.advance(601), "has expired. Start the sign-in again to get a new one."),
    ],
)
def test_a_code_that_is_over_says_why(local, device, open_device, happened, expected):
    happened(local)
    page = open_device()
    assert page.status == 400
    assert f"The code {device[1]['userCode']} {expected}" in said(page)


@pytest.mark.parametrize("code", ["AAAA-AAAA", "short", HOSTILE, "x" * 5000])
def test_a_code_that_is_not_known_says_what_to_do(wire, code):
    page = wire.get("/device", user_code=code)
    assert page.status == 400
    assert "No sign-in waits with this code. Compare it with the one you were shown, letter by letter." in said(page)
    assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    "typed", [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code[:4]} {code[5:]} "]
)
def test_a_code_may_be_typed_in_any_way(wire, device, typed):
    assert "Allow access" in wire.get("/device", user_code=typed(device[1]["userCode"])).text


def test_the_name_of_a_client_is_shown_as_text(local, wire):
    client = wire.register(
        clientName=HOSTILE, grantTypes=["urn:ietf:params:oauth:grant-type:device_code", "authorization_code"],
        redirectUris=["http://127.0.0.1/"],
    )  # fmt: skip
    device = wire.start_device(client, local.start_url)
    query = {
        "response_type": "code",
        "client_id": client["clientId"],
        "redirect_uri": "http://127.0.0.1:1/",
        "state": HOSTILE,
        "code_challenge_method": "S256",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    }
    for page in (wire.get("/device", user_code=device["userCode"]), wire.get("/authorize", **query)):
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert f'<bdi class="client">{HOSTILE}</bdi>' in unescape(page.text)
    local.approve()
    wire.poll(client, device)
    assert "<script>alert" not in wire.get("/start").text
