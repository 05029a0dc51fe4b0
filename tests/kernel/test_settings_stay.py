"""Every setting but the credentials is the same before and while a role is in use, here and in child processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso_magic.errors import SSOMagicError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.oidc import SSOOIDC
from sso_magic.portal import SSO

from .conftest import FakeRole

# What botocore reads, as a program that runs in this process and in a child.
OBSERVE = """
import json
import botocore.loaders
import botocore.session

LOADER = botocore.loaders.create_loader()
NAMES = (
    "region", "ca_bundle", "retry_mode", "max_attempts", "use_fips_endpoint", "use_dualstack_endpoint", "defaults_mode",
    "ignore_configured_endpoint_urls", "sts_regional_endpoints", "parameter_validation", "user_agent_appid",
    "s3", "request_min_compression_size_bytes", "endpoint_discovery_enabled", "ec2_metadata_v1_disabled",
)
SECRET = ("aws_", "sso_", "role_arn", "source_profile", "credential_process")

def observe():
    session = botocore.session.get_session()
    session.register_component("data_loader", LOADER)
    seen = {name: session.get_config_variable(name) for name in NAMES}
    seen["scoped"] = {k: v for k, v in session.get_scoped_config().items() if not k.startswith(SECRET)}
    for service in ("s3", "sts"):
        keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "x"}
        try:
            client = session.create_client(service, **keys)
        except Exception as error:
            seen[service] = type(error).__name__ + str(error)
            continue
        config = client.meta.config
        seen[service] = [
            client.meta.endpoint_url, client.meta.region_name, config.s3, config.retries,
            config.use_fips_endpoint, config.use_dualstack_endpoint,
            str(client._endpoint.http_session._verify),
        ]
    return json.dumps(seen, sort_keys=True, default=str)
"""


PROGRAM: dict[str, object] = {}
exec(OBSERVE, PROGRAM)


def in_process() -> dict[str, object]:
    return json.loads(PROGRAM["observe"]())  # type: ignore[operator]


def in_a_child() -> dict[str, object]:
    code = OBSERVE + "\nprint(observe())"
    return json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


CONFIG = """\
[default]
region = us-east-1
output = table
max_attempts = 9
[profile work]
region = eu-central-1
aws_access_key_id = AKIAWORK
aws_secret_access_key = wrong
s3 =
  addressing_style = path
  use_accelerate_endpoint = false
services = here
retry_mode = adaptive
max_attempts = 7
sts_regional_endpoints = legacy
parameter_validation = false
[services here]
sts =
  endpoint_url = https://sts.example
"""


@pytest.fixture
def files(clean_environment: Path) -> Path:
    directory = clean_environment / ".aws"
    directory.mkdir()
    (directory / "config").write_text(CONFIG)
    (directory / "credentials").write_text("[work]\nuse_fips_endpoint = true\naws_session_token = t\n")
    return directory


@pytest.mark.parametrize("serve", [False, True])
@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_a_profiles_settings_stay_while_its_variable_is_ignored(kernel, role_a, files, monkeypatch, variable, serve):
    monkeypatch.setenv(variable, "work")
    before = in_process()
    assert before["region"] == "eu-central-1"
    assert before["sts"][0] == "https://sts.example"
    assert before["use_fips_endpoint"] is True
    kernel.use(role_a.use(serve=serve))
    assert variable not in os.environ
    assert in_process() == before
    assert in_a_child() == before
    assert kernel.settings_note() is None
    kernel.release()
    assert in_process() == before


def test_another_profile_is_what_it_was(kernel, role_a, files, monkeypatch):
    (files / "credentials").write_text("[third]\naws_access_key_id = AKIATHIRD\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_PROFILE", "work")
    kernel.use(role_a.use(serve=True))
    code = "import botocore.session as b; print(b.Session(profile='third').get_credentials().access_key)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "AKIATHIRD\n"


def test_a_profile_that_no_file_has_leaves_the_default_ones_settings(kernel, role_a, files, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    kernel.use(role_a.use())
    assert in_process()["region"] == "us-east-1"
    assert kernel.set_aside() == ("AWS_PROFILE",)


def test_of_two_variables_botocores_counts_and_the_difference_is_said(kernel, role_a, files, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "other")
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "work")
    before = in_process()
    kernel.use(role_a.use())
    assert in_process() == before
    assert kernel.settings_note() == (
        "The AWS CLI in child processes has the settings of AWS_DEFAULT_PROFILE (work), as boto3 has them, not those "
        "of AWS_PROFILE (other)."
    )


def test_settings_that_cannot_be_kept_are_named(kernel, role_a, files, monkeypatch):
    (files / "credentials").write_text("[work]\n[work]\n")
    monkeypatch.setenv("AWS_PROFILE", "work")
    kernel.use(role_a.use())
    assert kernel.settings_note() == (
        f"The settings of profile work are not in force: {files / 'credentials'}, line 2, repeats [work]: no AWS tool "
        "for Python reads the file. Correct it first."
    )
    assert "AWS_CONFIG_FILE" not in os.environ


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "region": st.sampled_from(["eu-west-1", "us-gov-west-1", "cn-north-1"]),
        "output": st.sampled_from(["json", "text"]),
        "ca_bundle": st.sampled_from(["/ca/one.pem", "/ca/two.pem"]),
        "retry_mode": st.sampled_from(["standard", "legacy", "adaptive"]),
        "max_attempts": st.sampled_from(["2", "6"]),
        "use_fips_endpoint": st.sampled_from(["true", "false", "1"]),
        "use_dualstack_endpoint": st.sampled_from(["true", "no"]),
        "sts_regional_endpoints": st.sampled_from(["regional", "legacy"]),
        "endpoint_url": st.sampled_from(["https://all.example", "http://127.0.0.1:1"]),
        "ignore_configured_endpoint_urls": st.sampled_from(["true", "yes"]),
        "services": st.just("here"),
        "s3": st.sampled_from(["\n  addressing_style = path", "\n  addressing_style = virtual\n\n  x = y"]),
        "aws_access_key_id": st.just("AKIA"),
        "aws_secret_access_key": st.just("x"),
        "role_arn": st.just("arn:aws:iam::111111111111:role/x"),
        "sso_account_id": st.just("111111111111"),
    },
)
VARIABLES = st.fixed_dictionaries(
    {},
    optional={
        "AWS_PROFILE": st.sampled_from(["work", "default"]),
        "AWS_DEFAULT_PROFILE": st.sampled_from(["work", "default"]),
        "AWS_DEFAULT_REGION": st.just("ap-south-1"),
        "AWS_REGION": st.just("sa-east-1"),
        "AWS_CA_BUNDLE": st.just("/ca/env.pem"),
        "AWS_USE_FIPS_ENDPOINT": st.sampled_from(["true", "1", "yes", "TRUE"]),
        "AWS_USE_DUALSTACK_ENDPOINT": st.sampled_from(["true", "1"]),
        "AWS_ENDPOINT_URL": st.just("https://env.example"),
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": st.sampled_from(["yes", "True"]),
    },
)


def section(header: str, keys: dict[str, str]) -> str:
    return f"[{header}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


@settings(max_examples=40)
@given(
    default=SETTINGS,
    work=SETTINGS,
    default_keys=SETTINGS,
    work_keys=SETTINGS,
    variables=VARIABLES,
    serve=st.booleans(),
)
def test_whatever_the_files_and_the_environment_say(default, work, default_keys, work_keys, variables, serve):
    directory = Path(os.environ["HOME"], ".aws")
    directory.mkdir(exist_ok=True)
    services = "[services here]\ns3 =\n  endpoint_url = https://s3.example\n"
    (directory / "config").write_text(section("default", default) + section("profile work", work) + services)
    (directory / "credentials").write_text(section("work", work_keys) + section("default", default_keys))
    with environment(variables):
        before = observed()
        KERNEL.use(FakeRole("111111111111", "dev").use(serve=serve))
        try:
            assert observed() == before
        finally:
            KERNEL.shutdown()
        assert observed() == before


def observed() -> object:
    """What botocore reads, and where the package's own clients send their requests."""
    return in_process(), own_client(SSO), own_client(SSOOIDC)


def own_client(kind: type[SSO | SSOOIDC]) -> object:
    try:
        with kind(region="eu-west-1") as client:
            return (client.config.endpoint, client.config.ca_bundle, client.config.profile)
    except SSOMagicError as error:  # a CA bundle that does not exist, say: the same one before and after
        return str(error)


@contextlib.contextmanager
def environment(variables: dict[str, str]):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class TestRegion:
    def test_the_region_chosen_stays_until_the_role_is_released(self, kernel, role_a, role_b):
        kernel.use(role_a.use(region="eu-west-1"))
        kernel.use(role_b.use())
        assert os.environ["AWS_DEFAULT_REGION"] == os.environ["AWS_REGION"] == "eu-west-1"
        kernel.use(role_a.use(region="us-west-2"))
        kernel.use(role_b.use(serve=True))
        assert os.environ["AWS_DEFAULT_REGION"] == "us-west-2"
        kernel.release()
        assert "AWS_DEFAULT_REGION" not in os.environ
        kernel.use(role_b.use())
        assert "AWS_DEFAULT_REGION" not in os.environ

    def test_a_block_has_the_region_around_it_and_gives_its_own_back(self, kernel, role_a, role_b):
        kernel.use(role_a.use(region="eu-west-1"))
        with kernel.use(role_b.use()):
            assert os.environ["AWS_REGION"] == "eu-west-1"
        with kernel.use(role_b.use(region="us-east-2")):
            assert os.environ["AWS_REGION"] == "us-east-2"
        assert os.environ["AWS_REGION"] == "eu-west-1"

    def test_a_magic_keeps_it_too(self, shell, signed_in):
        shell.run_line_magic("sso_use", "payments-dev ReadOnly --region eu-west-1")
        shell.run_line_magic("sso_use", "payments-prod ReadOnly")
        assert os.environ["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_a_renewal_asks_the_host_that_the_profile_of_the_environment_names(
    shell, center, signed_in, clean_environment, monkeypatch
):
    """A role cached by an earlier kernel: the first request of this one is the renewal, without AWS_PROFILE."""
    from sso_magic.center.identity_center import IdentityCenter

    accounts = IdentityCenter("corp").directory.accounts()
    dev = next(account.account_id for account in accounts if account.account_name == "payments-dev")
    url = os.environ["AWS_ENDPOINT_URL_SSO"]
    keys = {"sso_session": "corp", "sso_account_id": dev, "sso_role_name": "ReadOnly", "services": "here"}
    services = {"sso": f"\n  endpoint_url = {url}", "sso_oidc": f"\n  endpoint_url = {url}"}
    config = clean_environment / ".aws" / "config"
    config.write_text(config.read_text() + section("profile work", keys) + section("services here", services))
    IdentityCenter("corp").role(dev, "ReadOnly").credentials()
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing may leave the machine
    monkeypatch.setenv("AWS_PROFILE", "work")
    shell.run_line_magic("sso_use", "work")
    assert KERNEL.current.fetch().account_id == dev
