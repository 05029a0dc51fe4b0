"""The examples that the guides show as text do what they say; the cells of notebooks run in tests/notebook."""

from __future__ import annotations

import os
import re
from pathlib import Path
from threading import Thread
from time import sleep

import boto3
import duckdb_extension_httpfs
import nbformat
import pytest
from traitlets.config import Config

from sso_magic import IdentityCenter
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.magics.magics import SSOMagics

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def text_of(name: str) -> str:
    """Return the text of a page, or of a notebook's Markdown cells."""
    if name.endswith(".md"):
        return (NOTEBOOKS / name).read_text(encoding="utf-8")
    cells = nbformat.read(NOTEBOOKS / name, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def blocks(name: str, language: str = "python") -> list[str]:
    """Return the code blocks of a page in that language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text_of(name), re.DOTALL | re.MULTILINE)
    return [text for its_language, text in found if its_language == language]


def httpfs() -> Path:
    """Return DuckDB's extension, as PyPI distributes it."""
    return next(Path(duckdb_extension_httpfs.__path__[0]).glob("extensions/*/*.duckdb_extension"))


def approve(center) -> None:
    """Approve the sign-in once the client has found that it is pending: before that, it shows nothing."""
    while not center.requests.total("CreateToken"):
        sleep(0.01)
    center.approve()


def test_python_without_ipython(center, clean_environment, capsys):
    center.auto_approve = True
    namespace: dict[str, object] = {}
    shown = blocks("python.md")
    assert len(shown) == 10
    for block in shown:
        if "prompt=" in block:
            center.auto_approve = False
            center.requests.clear()
            person = Thread(target=approve, args=[center])
            person.start()
        exec(block, namespace)
        center.auto_approve = True
    person.join()
    assert "Open http" in capsys.readouterr().out
    assert KERNEL.current is None
    assert len(namespace["page"].account_list) == 14
    assert "[profile payments-prod.ReadOnly]" in (clean_environment / ".aws" / "config").read_text()
    center.auto_approve = False
    with pytest.raises(namespace["SignInRequired"]):
        IdentityCenter("corp").sign_in(interactive=False)


def test_polars_and_duckdb_read_as_the_guide_to_libraries_says(shell, signed_in):
    shell.run_cell("%sso_use payments-prod ReadOnly --region eu-west-1")
    shell.user_ns |= {
        "costs": "s3://payments-prod-reports/2026/costs.csv",
        "development": "s3://payments-dev-reports/2026/costs.csv",
        "role": IdentityCenter("corp").role("payments-dev", "ReadOnly"),
    }
    shown = "\0".join(blocks("libraries.ipynb"))
    assert "INSTALL httpfs; LOAD httpfs" in shown  # from the network
    host = signed_in.aws_url.removeprefix("http://")
    local = f"SET s3_endpoint = '{host}'; SET s3_use_ssl = false; SET s3_url_style = 'path'"
    shown = shown.replace("INSTALL httpfs; LOAD httpfs", f"LOAD '{httpfs()}'; {local}")
    results = [shell.run_cell(block) for block in shown.split("\0")]
    assert [result.success for result in results] == [True] * 3
    in_use, bound, counted = (result.result for result in results)
    assert set(in_use["account_id"]) == {731659028443}
    assert set(bound["account_id"]) == {220947583614}
    assert counted == (len(bound),)


def test_the_chained_profile_of_the_guide_to_libraries_is_used(shell, signed_in, clean_environment):
    [profiles] = blocks("libraries.ipynb", "ini")
    with (clean_environment / ".aws" / "config").open("a") as file:
        file.write(f"\n{profiles}")
    [line] = blocks("libraries.ipynb", "")
    assert shell.run_cell(line).success
    assert ":assumed-role/EtlJob/" in boto3.client("sts").get_caller_identity()["Arn"]
    assert os.environ["AWS_REGION"] == "eu-west-1"


def test_the_settings_of_the_guide_to_signing_in_are_taken_from_ipythons_configuration(shell):
    config = Config()
    [block] = blocks("sign_in.ipynb")
    exec(block, {"get_config": lambda: config})
    assert config.InteractiveShellApp.extensions == ["sso_magic"]
    shell.config.merge(config)
    shell.run_line_magic("unload_ext", "sso_magic")
    shell.run_line_magic("load_ext", "sso_magic")
    [magics] = [each for each in shell.configurables if isinstance(each, SSOMagics)]
    assert magics.sign_in == "device"
    assert magics.production == r"(?i)prod|live|^4026"
