"""AWS_PROFILE and AWS_DEFAULT_PROFILE with white space, quotes or nothing in them, compared with botocore."""

from __future__ import annotations

import os

import botocore.session
import pytest
from botocore.exceptions import ProfileNotFound as BotocoreProfileNotFound

from sso_magic.config.files import load_shared_config
from sso_magic.doctor.report import examine
from sso_magic.errors import ProfileNotFound
from sso_magic.kernel.kernel_role import KERNEL

VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
WRAPPED = [" p", "p ", "p\n", "\tp", "p\r", "'p'", '"p"', "' p '"]
BLANK = [" ", "\n", "\t ", "''"]


@pytest.fixture
def config(signed_in, clean_environment):
    path = clean_environment / ".aws" / "config"
    path.write_text(path.read_text() + "[profile p]\nregion = eu-west-3\n")
    return path


def problems():
    return {finding.text: finding.fix for finding in examine().findings if finding.level == "problem"}


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("value", [*WRAPPED, *BLANK])
def test_a_name_that_botocore_does_not_find_says_what_to_take_out(config, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(BotocoreProfileNotFound):
        botocore.session.Session().get_config_variable("region")
    with pytest.raises(ProfileNotFound) as caught:
        load_shared_config().profile()
    end = "Take out what is around the name p." if value in WRAPPED else f"Unset {variable}."
    assert str(caught.value).endswith(f"(named by {variable}) in {config} or {config.with_name('credentials')}. {end}")
    assert str(caught.value).isprintable()  # one line


def test_a_name_that_no_file_has_even_without_white_space_gets_the_nearest(config, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", " q ")
    with pytest.raises(ProfileNotFound, match=r"\. Nearest: "):
        load_shared_config().profile()


@pytest.mark.parametrize("value", [*WRAPPED, *BLANK, ""])
def test_it_stops_no_role_and_comes_back_as_it_was(config, monkeypatch, shell, value):
    monkeypatch.setenv("AWS_PROFILE", value)
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    assert KERNEL.set_aside() == ("AWS_PROFILE",)
    session = botocore.session.Session()
    assert session.get_credentials().access_key == os.environ["AWS_ACCESS_KEY_ID"]
    shell.run_line_magic("sso_use", "--off")
    assert os.environ["AWS_PROFILE"] == value


@pytest.mark.parametrize(
    ("default_profile", "profile", "named_by"),
    [(None, "", "AWS_PROFILE"), ("", None, "AWS_DEFAULT_PROFILE"), ("", "p", "AWS_DEFAULT_PROFILE"), ("p", "", None)],
)
def test_the_doctor_names_an_empty_variable_where_botocore_fails(
    config, monkeypatch, default_profile, profile, named_by
):
    for name, value in zip(("AWS_DEFAULT_PROFILE", "AWS_PROFILE"), (default_profile, profile), strict=True):
        if value is not None:
            monkeypatch.setenv(name, value)
    try:
        botocore.session.Session().get_config_variable("region")
    except BotocoreProfileNotFound:
        assert problems() == {
            f"{named_by} is set and empty: boto3 looks for a profile without a name, and fails.": "Unset it."
        }
    else:
        assert named_by is None
        assert problems() == {}


def test_the_doctor_asks_the_services_in_spite_of_a_wrong_profile(config, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", " p")
    texts = [finding.text for finding in examine().findings]
    assert "The active profile cannot be used." in texts
    assert any(text.startswith("The portal answers at ") for text in texts)
