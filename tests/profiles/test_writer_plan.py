"""A plan says what would be added, changed and removed, and touches nothing that was not written here."""

from __future__ import annotations

import pytest

from sso_magic.errors import ConfigError, UsageError
from sso_magic.profiles.plan import plan
from sso_magic.signin.sessions import Session

PROD = ("111111111111", "prod", ["Admin", "ReadOnly"])
TEST = ("222222222222", "test", ["Admin"])

WRITTEN = """\
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
sso_registration_scopes = sso:account:access

[profile prod.Admin]
# kept by sso_magic: prod.Admin
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Admin

[profile prod.ReadOnly]
# kept by sso_magic: prod.ReadOnly
sso_session = corp
sso_account_id = 111111111111
sso_role_name = ReadOnly
"""


def changes(made) -> list[tuple[str, str]]:
    return [(one.change, one.profile) for one in made.changes]


def test_an_empty_file_gets_the_session_and_a_profile_for_each_role(config, corp, snapshot_of):
    made = plan(snapshot_of(PROD), corp)
    assert changes(made) == [("added", "prod.Admin"), ("added", "prod.ReadOnly")]
    assert made.after == WRITTEN
    assert made.path == config


def test_planning_writes_nothing(config, corp, snapshot_of):
    plan(snapshot_of(PROD), corp)
    assert not config.exists()


def test_doing_it_twice_changes_nothing(config, corp, snapshot_of):
    plan(snapshot_of(PROD, TEST), corp, region="eu-central-1").write()
    again = plan(snapshot_of(PROD, TEST), corp, region="eu-central-1")
    assert again.changes == ()
    assert again.unchanged == 3
    assert again.after == again.before
    assert again.write() is None


def test_a_role_that_is_gone_takes_its_profile_along(config, corp, snapshot_of):
    plan(snapshot_of(PROD, TEST), corp).write()
    made = plan(snapshot_of(PROD), corp)
    assert changes(made) == [("removed", "test.Admin")]
    assert made.after == WRITTEN


def test_a_profile_that_stands_first_takes_the_blank_line_after_it_along(config, snapshot_of):
    legacy = Session(None, "https://corp.awsapps.com/start", "eu-west-1")
    plan(snapshot_of(TEST), legacy).write()
    alone = "[profile mine]\nregion = eu-west-1\n"
    config.write_text(f"{config.read_text()}\n{alone}")
    made = plan(snapshot_of(PROD), legacy)
    assert ("removed", "test.Admin") in changes(made)
    assert made.after.startswith(alone)


def test_a_region_that_is_wanted_changes_what_was_written_here(config, corp, snapshot_of):
    plan(snapshot_of(PROD), corp).write()
    made = plan(snapshot_of(PROD), corp, region="us-east-1")
    assert changes(made) == [("changed", "prod.Admin"), ("changed", "prod.ReadOnly")]
    assert "sso_role_name = Admin\nregion = us-east-1\n" in made.after


def test_a_region_that_somebody_set_stays_where_none_is_wanted(config, corp, snapshot_of):
    plan(snapshot_of(PROD), corp).write()
    config.write_text(config.read_text() + "region = eu-north-1\noutput = json\n")
    made = plan(snapshot_of(PROD), corp)
    assert made.changes == ()


@pytest.mark.parametrize(
    "foreign",
    [
        "[profile prod.Admin]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = base\n",
        "[profile prod.Admin]\nsso_session = corp\nsso_account_id = 999999999999\nsso_role_name = Admin\n",
        "[profile 'prod.Admin']\nsso_session = other\nsso_account_id = 111111111111\nsso_role_name = Admin\n",
    ],
)
def test_a_name_that_somebody_elses_profile_has_is_taken_and_that_profile_untouched(foreign, config, corp, snapshot_of):
    config.parent.mkdir()
    config.write_text(foreign)
    made = plan(snapshot_of(PROD), corp)
    assert changes(made) == [("taken", "prod.Admin"), ("added", "prod.ReadOnly")]
    assert made.after.startswith(foreign)


def test_somebody_elses_profile_that_means_the_same_is_as_it_should_be(config, corp, snapshot_of):
    config.parent.mkdir()
    config.write_text(
        "[profile prod.Admin]\nsso_session=corp\nsso_account_id: 111111111111\nsso_role_name = Admin\nregion = x\n"
    )
    made = plan(snapshot_of(PROD), corp, region="eu-west-1")
    assert changes(made) == [("added", "prod.ReadOnly")]
    assert made.unchanged == 1


def test_a_copy_under_another_name_is_somebodys_own(config, corp, snapshot_of):
    plan(snapshot_of(TEST), corp).write()
    copied = config.read_text().replace("[profile test.Admin]", "[profile mine]")
    config.write_text(copied)
    made = plan(snapshot_of(PROD), corp)
    assert ("removed", "mine") not in changes(made)
    assert made.after.startswith(copied)


def test_profiles_of_another_session_are_not_touched(config, corp, snapshot_of):
    other = Session("other", "https://other.awsapps.com/start", "us-east-1")
    plan(snapshot_of(PROD), other).write()
    made = plan(snapshot_of(TEST), corp)
    assert changes(made) == [("added", "test.Admin")]
    assert changes(plan(snapshot_of(PROD), corp)) == [("taken", "prod.Admin"), ("taken", "prod.ReadOnly")]


def test_an_account_that_could_not_be_asked_keeps_its_profiles(config, corp, snapshot_of):
    plan(snapshot_of(PROD, TEST), corp).write()
    failed = ("222222222222", "test", [])
    made = plan(snapshot_of(PROD, failed, errors={"222222222222": "No access"}), corp)
    assert made.changes == ()


def test_an_inventory_that_is_not_whole_removes_nothing(config, corp, snapshot_of):
    plan(snapshot_of(PROD, TEST), corp).write()
    assert plan(snapshot_of(PROD, complete=False), corp).changes == ()


def test_words_choose_what_is_added_and_leave_the_rest(config, corp, snapshot_of):
    made = plan(snapshot_of(PROD, TEST), corp, words="prod read")
    assert changes(made) == [("added", "prod.ReadOnly")]
    made.write()
    assert changes(plan(snapshot_of(PROD, TEST), corp, words="test")) == [("added", "test.Admin")]


def test_words_do_not_keep_the_profile_of_a_role_that_is_gone(config, corp, snapshot_of):
    plan(snapshot_of(PROD, TEST), corp).write()
    assert changes(plan(snapshot_of(PROD), corp, words="prod")) == [("removed", "test.Admin")]


def test_words_do_not_change_the_names(config, corp, snapshot_of):
    twin = ("333333333333", "prod", ["Admin"])
    assert changes(plan(snapshot_of(PROD, twin), corp, words="333333333333")) == [("added", "prod.Admin.333333333333")]


def test_what_another_template_wrote_stays_unless_its_removal_is_asked_for(config, corp, snapshot_of):
    plan(snapshot_of(TEST), corp).write()
    template = "{session}-{account_id}-{role_name}"
    made = plan(snapshot_of(TEST), corp, template=template)
    assert changes(made) == [("added", "corp-222222222222-Admin")]
    assert made.notes() == ["Kept under another name: 1; --replace removes them."]
    made.write()
    assert plan(snapshot_of(TEST), corp, template=template).changes == ()
    assert plan(snapshot_of(TEST), corp).changes == ()
    made = plan(snapshot_of(TEST), corp, template=template, replace=True)
    assert changes(made) == [("removed", "test.Admin")]
    assert made.notes() == ["Removed: test.Admin (--replace: the role has a profile of another name)."]


def test_what_is_removed_is_named_with_the_reason(config, corp, snapshot_of):
    plan(snapshot_of(PROD, TEST), corp).write()
    made = plan(snapshot_of(PROD), corp)
    assert made.notes() == ["Removed: test.Admin (the role is no longer assigned to you)."]
    assert made.frame()["reason"].tolist() == ["the role is no longer assigned to you"]
    many = [(f"3333333333{number:02}", f"many{number}", ["Admin"]) for number in range(8)]
    plan(snapshot_of(*many), corp).write()
    [note] = plan(snapshot_of(), corp).notes()
    assert note.startswith("Removed: many0.Admin, many1.Admin, ")
    assert " and 3 more (" in note


@pytest.mark.parametrize("role", ["Read\x1b[2J", "a\nrole_arn = x", "nul\x00", " spaces ", ""])
def test_a_role_whose_name_cannot_be_written_is_skipped_and_the_others_are_written(config, corp, snapshot_of, role):
    made = plan(snapshot_of(("444444444444", "odd\n[default]\x1b", [role]), TEST), corp)
    assert sorted(change for change, _ in changes(made)) == ["added", "skipped"]
    assert made.summary() == "1 added, 1 skipped, 0 unchanged"
    made.write()
    assert "444444444444" not in made.after
    assert "[profile test.Admin]" in made.after


def test_a_session_without_a_name_gets_profiles_in_the_legacy_format(config, snapshot_of):
    legacy = Session(None, "https://corp.awsapps.com/start", "eu-west-1")
    made = plan(snapshot_of(TEST), legacy)
    assert made.after == (
        "[profile test.Admin]\n# kept by sso_magic: test.Admin\nsso_start_url = https://corp.awsapps.com/start\n"
        "sso_region = eu-west-1\nsso_account_id = 222222222222\nsso_role_name = Admin\n"
    )
    made.write()
    assert plan(snapshot_of(TEST), legacy).changes == ()


def test_the_plan_is_a_table(config, corp, snapshot_of):
    plan(snapshot_of(TEST), corp).write()
    frame = plan(snapshot_of(PROD, ("333333333333", None, ["Admin"])), corp, region="eu-west-1").frame()
    assert list(frame.columns) == ["change", "profile", "account_id", "account_name", "role_name", "region", "reason"]
    assert {str(kind) for kind in frame.dtypes} == {"string"}
    assert frame["change"].tolist() == ["added", "added", "added", "removed"]
    assert frame["account_name"].isna().tolist() == [False, False, True, True]


def test_a_plan_without_changes_is_a_table_with_the_same_columns(config, corp, snapshot_of):
    frame = plan(snapshot_of(), corp).frame()
    assert list(frame.columns) == ["change", "profile", "account_id", "account_name", "role_name", "region", "reason"]
    assert {str(kind) for kind in frame.dtypes} == {"string"}


def test_one_line_sums_it_up(config, corp, snapshot_of):
    plan(snapshot_of(PROD, TEST), corp).write()
    assert plan(snapshot_of(PROD), corp, region="x").summary() == "2 changed, 1 removed, 0 unchanged"
    assert plan(snapshot_of(PROD, TEST), corp).summary() == "3 unchanged"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[profile a]\nx = 1\n\n[profile a]\n", "line 4, repeats [profile a]: no AWS tool for Python reads the file."),
        ("[profile a]\nx = 1\nX = 2\n", "line 3, repeats x in [profile a]: no AWS tool for Python reads the file."),
        ("x = 1\n", "line 1, is before the first [section]: no AWS tool for Python reads the file."),
        ("[profile a]\nnothing\n", "line 2, cannot be understood: no AWS tool for Python reads the file."),
    ],
)
def test_a_file_that_botocore_cannot_read_is_not_added_to(text, message, config, corp, snapshot_of):
    config.parent.mkdir()
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        plan(snapshot_of(PROD), corp, path=config)
    assert str(caught.value) == f"{config}, {message} Correct it first."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_with_a_byte_order_mark_is_not_added_to(encoding, config, corp, snapshot_of):
    config.parent.mkdir()
    config.write_text("[profile a]\n", encoding=encoding)
    with pytest.raises(ConfigError) as caught:
        plan(snapshot_of(PROD), corp, path=config)
    assert str(caught.value) == (
        f"{config} begins with a byte order mark (BOM): no AWS tool for Python reads the file. Save it as UTF-8 "
        "without a byte order mark."
    )


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{account}.{role_name}",
            (
                "The template cannot have {account}; it can have {account_name}, {account_id}, {role_name}, {session}. "
                "For example: {account_name}.{role_name}"
            ),
        ),
        ("{role_name}", "The template '{role_name}' gives several roles one name. For example:"),
        ("{account_name}", "The template '{account_name}' gives several roles one name. For example:"),
        ("{account_name", "The template '{account_name' cannot be read: expected '}' before end of string. For"),
        ("{account_name.__class__}{role_name}", "The template cannot have {account_name.__class__}; it can"),
        ("{account_name!r}{role_name}", "The template cannot have {account_name!r}{role_name}; it can"),
        ("{}{role_name}", "The template cannot have {}; it can have"),
    ],
)
def test_a_template_that_is_none_is_said(template, message, config, corp, snapshot_of):
    with pytest.raises(UsageError) as caught:
        plan(snapshot_of(PROD), corp, template=template)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("region", ["eu-west-1\n[profile evil]", "eu\rwest", "a\x00b", "a\u2028b"])
def test_a_value_that_would_be_another_line_is_refused(region, config, corp, snapshot_of):
    with pytest.raises(ConfigError) as caught:
        plan(snapshot_of(PROD), corp, region=region)
    assert str(caught.value) == "region has a line break or a control character in it; leave it out."
