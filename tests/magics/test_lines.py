"""What the words of a line mean: quotes, comments, hyphens, a closing semicolon, regions and mistyped options."""

from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter

from sso_magic import errors
from sso_magic.common import lexer
from sso_magic.common.regions import REGIONS, nearest_region
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.magics.line import parse

ODD_NAMES = {
    "111111111101": "data",
    "111111111102": "data#prod",
    "111111111103": "-dash",
    "111111111104": "--off",
    "111111111105": "O'Brien",
    "111111111106": "CORP\\admin",
    "111111111107": "Team 🚀 Sandbox",
    "111111111108": "semi;colon",
    "111111111109": 'say "hi"',
    "111111111110": "#1",
    "111111111111": "ends;",
    "111111111112": "D'Arcy & Sons",
    "111111111113": "both ' and \"",
}


@pytest.fixture
def odd(signed_in):
    for account_id, name in ODD_NAMES.items():
        signed_in.organization.add_account(account_id, name, f"a{account_id}@example.com")
        signed_in.organization.assign("alex", account_id, "ReadOnly")
    return signed_in


@pytest.fixture
def fails(shell, capsys):
    """The line that a cell's error shows."""

    def run(cell: str) -> str:
        capsys.readouterr()
        result = shell.run_cell(cell)
        out = capsys.readouterr()
        assert isinstance(result.error_in_exec, errors.SSOMagicError), cell
        text = (out.out + out.err).strip()
        assert len(text.splitlines()) == 1
        return text.partition(": ")[2]

    return run


@pytest.fixture
def completes(shell):
    def run(line: str) -> list[str]:
        with provisionalcompleter():
            return [item.text for item in shell.Completer.completions(line, len(line))]

    return run


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("data ReadOnly", "data"),
        ("data#prod ReadOnly", "data#prod"),
        ("data#prod ReadOnly # the team's own", "data#prod"),
        ("data #prod", "data"),
        ("data#prod ReadOnly;", "data#prod"),
        ("data ReadOnly ;  # shown: no", "data"),
        ("-- -dash ReadOnly", "-dash"),
        ("--region=eu-west-1 -- -dash ReadOnly;", "-dash"),
        ('"-dash" ReadOnly', "-dash"),
        ("-- --off", "--off"),
        ("O'Brien ReadOnly", "O'Brien"),
        ('"O\'Brien" ReadOnly', "O'Brien"),
        ("\"D'Arcy & Sons\" --region='eu-west-1' ReadOnly", "D'Arcy & Sons"),
        ("CORP\\admin ReadOnly", "CORP\\admin"),
        ("'Team 🚀 Sandbox' ReadOnly", "Team 🚀 Sandbox"),
        ("semi;colon", "semi;colon"),
        ("'ends;' ReadOnly", "ends;"),
        ("'say \"hi\"' ReadOnly", 'say "hi"'),
        ('"#1" ReadOnly', "#1"),
        ("1111-1111-1101 ReadOnly", "data"),
        ("1111-1111-1101;", "data"),
        ("111111111102\u00a0ReadOnly", "data#prod"),
    ],
)
@pytest.mark.parametrize("magic", ["%sso_use", "%%sso_as"])
def test_an_account_is_the_one_that_the_line_names(shell, odd, words, name, magic, capsys):
    if magic == "%%sso_as":
        cell = f"%%sso_as {words}\nfrom sso_magic.kernel.kernel_role import KERNEL\nseen = KERNEL.current.credentials"
        assert shell.run_cell(cell).success
        used = shell.user_ns["seen"]
    else:
        assert shell.run_cell(f"%sso_use {words}").success
        used = KERNEL.current.credentials
    assert (ODD_NAMES[used.account_id], used.role_name) == (name, "ReadOnly")


def test_an_id_with_hyphens_needs_no_list_of_accounts(shell, odd):
    shell.run_line_magic("sso_use", "1111-1111-1102 ReadOnly")
    assert KERNEL.current.credentials.account_id == "111111111102"
    assert odd.requests.total("ListAccounts") == 0


def test_the_fragment_of_a_start_url_is_no_comment(shell, center):
    line = "https://d-1234567890.awsapps.com/start/#/ --region eu-west-1 --save x # kept"
    args = parse(shell.find_line_magic("sso_login"), line)
    assert (args.session, args.sso_region, args.save) == (
        "https://d-1234567890.awsapps.com/start/#/",
        "eu-west-1",
        "x",
    )


@pytest.mark.parametrize("spelled", ["--sso-region eu-west-1", "--sso-region=eu-west-1", "--region eu-west-1"])
@pytest.mark.parametrize("magic", ["sso_login", "sso_panel"])
def test_the_region_of_the_identity_center_has_two_spellings(shell, spelled, magic):
    args = parse(shell.find_line_magic(magic), f"https://x.awsapps.com/start {spelled}")
    assert args.sso_region == "eu-west-1"


def test_a_cell_for_many_accounts_reads_its_line_alike(shell):
    magic = shell.find_cell_magic("sso_each")
    args = parse(magic, "ReadOnly data#prod O'Brien --accounts=\"['a b', 'c']\" --into x; # it's mine")
    assert (args.role, args.words, args.accounts, args.into) == (
        "ReadOnly",
        ["data#prod", "O'Brien"],
        "['a b', 'c']",
        "x",
    )


# A closing semicolon


def shown(shell, capsys, cell):
    capsys.readouterr()
    shell.user_ns.pop("_", None)
    result = shell.run_cell(cell)
    assert result.success
    return result.result, capsys.readouterr().out


@pytest.mark.parametrize("line", ["%sso_accounts", "%sso_roles data", "%sso_inventory", "%sso_status", "%sso_profiles"])
def test_a_closing_semicolon_shows_no_value_and_an_assignment_keeps_it(shell, odd, capsys, line):
    value, text = shown(shell, capsys, line)
    assert value is not None
    assert "Out[" in text
    for silenced in (f"{line};", f"{line} ;  # no table", f"x = 1\n{line};"):
        value, text = shown(shell, capsys, silenced)
        assert value is None
        assert "Out[" not in text
    value, text = shown(shell, capsys, f"kept = {line};")
    assert shell.user_ns["kept"] is not None
    assert shell.run_line_magic(*(line[1:] + " ;").split(" ", 1)) is not None


def test_a_closing_semicolon_on_the_line_of_a_cell_shows_no_value(shell, odd, capsys):
    assert shown(shell, capsys, "%%sso_as data ReadOnly\n7")[0] == 7
    assert shown(shell, capsys, "%%sso_as data ReadOnly;\n7")[0] is None
    assert shown(shell, capsys, "%%sso_each ReadOnly data --workers 2;\n7")[0] is None


# Mistakes


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("%sso_use data ReadOnly --regoin eu-west-1", "%sso_use has no option --regoin. Did you mean --region?"),
        (
            "%sso_use data ReadOnly -region eu-west-1",
            "%sso_use has no option -region. Did you mean --region, or %sso_use -- -region for a name?",
        ),
        ("%sso_login --sso_region x", "%sso_login has no option --sso_region. Did you mean --sso-region?"),
        ("%sso_use data ReadOnly --REGION x", "%sso_use has no option --REGION. Did you mean --region?"),
        ("%%sso_as data ReadOnly --regoin=eu-west-1\n1", "%%sso_as has no option --regoin. Did you mean --region?"),
        (
            "%sso_use -dash ReadOnly",
            "%sso_use has no option -dash. Did you mean --dask, or %sso_use -- -dash for a name?",
        ),
        ("%sso_roles -x", "%sso_roles has no option -x. For a name that begins with a hyphen: %sso_roles -- -x."),
        ("%sso_roles --nope", "%sso_roles has no option --nope. %sso_roles? shows help."),
        (
            "%sso_use data ReadOnly eu-west-1",
            "'eu-west-1' is one word too many. Did you mean --region eu-west-1?",
        ),
        (
            "%sso_use data ReadOnly --region Frankfurt",
            "Unknown region 'Frankfurt'. Did you mean eu-central-1 (Frankfurt)?",
        ),
        ("%sso_use data ReadOnly --region eu-wst-1", "Unknown region 'eu-wst-1'. Did you mean eu-west-1 (Ireland)?"),
        ("%sso_use data ReadOnly --region=EU-WEST-1", "Unknown region 'EU-WEST-1'. Did you mean eu-west-1 (Ireland)?"),
        ("%sso_use data --region us-east-1a", "Unknown region 'us-east-1a'. Did you mean us-east-1 (N. Virginia)?"),
        ("%%sso_as data ReadOnly --region Londn\n1", "Unknown region 'Londn'. Did you mean eu-west-2 (London)?"),
        (
            "%%sso_each ReadOnly --region eu-west-1x9\n1",
            "Unknown region 'eu-west-1x9'. Did you mean eu-west-1 (Ireland)?",
        ),
        ("%sso_profiles --region Zürich", "Unknown region 'Zürich'. Did you mean eu-central-2 (Zurich)?"),
        ("%sso_login x --sso-region ireland", "Unknown region 'ireland'. Did you mean eu-west-1 (Ireland)?"),
        ("%sso_panel x --region eu_west_1", "Unknown region 'eu_west_1'. Did you mean eu-west-1 (Ireland)?"),
        (
            "%sso_use data --region qqqq",
            (
                "Unknown region 'qqqq'. Type a code such as eu-west-1; TAB after --region lists them, and AWS_REGION "
                "accepts any."
            ),
        ),
        (
            '%sso_use data ReadOnly --region ""',
            "The value of --region is empty. Type a value, or leave the option out.",
        ),
        ("%sso_use data ReadOnly --region", "--region needs a value: --region REGION."),
        ("%sso_use --off=1", "--off takes no value. Leave out =1."),
        ("%%sso_each ReadOnly --on thread\n1", "--on cannot be 'thread'. Did you mean threads?"),
        ("%%sso_each ReadOnly --on spark\n1", "--on cannot be 'spark'. Type threads, processes or dask."),
        ("%%sso_each ReadOnly --workers many\n1", "--workers needs a whole number, not 'many'."),
        (
            "%sso_use data ReadOnly –region eu-west-1",
            "'–' is a dash and no hyphen. Type --region with the hyphen of the keyboard.",
        ),
        ("%sso_use —off", "'—' is a dash and no hyphen. Type --off with the hyphen of the keyboard."),
        ("%sso_use –", "'–' is a dash and no hyphen. Type - or -- with the hyphen of the keyboard."),
        (
            "%sso_use “Team Sandbox” ReadOnly",
            'The curly quote “ does not quote a name. Type straight quotes: "Team Sandbox".',
        ),
        (
            "%sso_roles --session=‘my corp’",
            'The curly quote ‘ does not quote a name. Type straight quotes: "Team Sandbox".',
        ),
        ("%sso_use 'data ReadOnly", 'A quote is not closed. Quote names with spaces: "Team Sandbox".'),
    ],
)
def test_a_mistake_is_answered_with_what_was_meant(fails, odd, cell, line):
    assert fails(cell) == line
    assert odd.requests.total() == 0


def test_a_missing_role_is_named_and_the_words_are_optional(fails, center):
    line = fails("%%sso_each\n1")
    assert line.startswith("ROLE is missing. Usage: %%sso_each [")
    assert line.endswith("; %%sso_each? shows help.")
    line = fails("%%sso_as\n1")
    assert line.startswith("ACCOUNT|PROFILE is missing. Usage: %%sso_as [")


def test_the_next_region_of_a_series_is_accepted_and_a_typing_error_is_not(fails, shell, odd, monkeypatch):
    monkeypatch.delitem(__import__("sys").modules, "botocore.loaders", raising=False)
    shell.run_line_magic("sso_use", "data ReadOnly --region eu-west-4")
    assert KERNEL.current.region == "eu-west-4"
    assert fails("%sso_use data ReadOnly --region eu-west-9").startswith("Unknown region 'eu-west-9'. Did you mean eu-")


def test_the_regions_are_those_of_botocore():
    from botocore.loaders import Loader

    theirs = {
        name
        for partition in Loader().load_data("partitions")["partitions"]
        for name in partition["regions"]
        if not name.endswith("-global")
    }
    if "us-isob-west-1" in theirs:  # an older botocore knows fewer
        assert set(REGIONS) <= theirs
    assert len(set(REGIONS) & theirs) > 30
    assert all(nearest_region(place) for place in REGIONS.values())
    assert nearest_region("") is None


def test_a_region_that_only_botocore_knows_is_accepted_once_it_is_imported(shell, odd):
    import botocore.loaders  # noqa: F401

    shell.run_line_magic("sso_use", "data ReadOnly --region aws-global")
    assert KERNEL.current.region == "aws-global"


# TAB


@pytest.mark.parametrize(
    "line",
    [
        "%sso_use data ReadOnly --region eu-ce",
        "%sso_use data ReadOnly --region=eu-ce",
        "%sso_login https://x.awsapps.com/start/#/ --sso-region eu-ce",
        "%sso_login x --region eu-ce",
        "%sso_panel x --sso-region eu-ce",
        "%%sso_as O'Brien ReadOnly --region eu-ce",
        "%%sso_each ReadOnly --region eu-ce",
        "%sso_profiles --region eu-ce",
    ],
)
def test_regions_are_completed_for_every_option_that_takes_one(completes, center, line):
    assert completes(line) == ["eu-central-1", "eu-central-2"]
    assert center.requests.total() == 0


def test_tab_in_a_line_that_is_not_finished(shell, completes, odd):
    shell.run_line_magic("sso_accounts", "")
    shell.run_line_magic("sso_roles", "111111111105")
    assert completes("%sso_use O'B") == ["O'Brien"]
    assert completes("%sso_use O'Brien Re") == ["ReadOnly"]
    assert completes('%sso_use "Team') == ['"Team 🚀 Sandbox"']
    assert completes("%sso_use data#") == ["data#prod"]
    assert completes("%sso_use x # da") == []
    assert completes("%sso_use -- -da") == ["111111111103"] or completes("%sso_use -- -da") == []
    assert completes("%sso_use --session c") == ["corp"]
    assert completes("%%sso_each ReadOnly --on pr") == ["processes"]


def test_a_word_is_quoted_so_that_it_is_read_back():
    for name in ODD_NAMES.values():
        word = lexer.quote(name)
        assert word is None or [read.text for read in lexer.split(f"{word} x").words] == [name, "x"]
    assert [name for name in ODD_NAMES.values() if lexer.quote(name) is None] == ["both ' and \""]
    assert lexer.quote("“Team”") == '"“Team”"'
