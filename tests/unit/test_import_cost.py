"""What loading costs: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "requests",
    "pandas",
    "ipywidgets",
    "anywidget",
    "boto3",
    "botocore",
    "tornado",
    "moto",
    "filelock",
    "segno",
    "tqdm",
    "numpy",
)


def imported_by(code: str) -> set[str]:
    """Which of the heavy ones a new process has imported after running the code."""
    code += "\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()) & set(HEAVY)


SHELL = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
"""


def test_importing_the_package_imports_nothing_heavy():
    assert imported_by("import sso_magic") == set()


def test_loading_the_extension_imports_nothing_heavy():
    assert imported_by(f"{SHELL}\nshell.run_line_magic('load_ext', 'sso_magic')") == set()


def test_completion_and_status_import_nothing_heavy(center):
    code = f"{SHELL}\nshell.run_line_magic('load_ext', 'sso_magic')\nshell.run_line_magic('sso_status', '')\n"
    assert imported_by(code + "shell.Completer.completions('%sso_use pay', 12)") == set()


def test_using_cached_credentials_imports_and_sends_nothing(shell, signed_in):
    shell.run_line_magic("sso_inventory", "")  # else the first %sso_use fetches it in the background
    shell.run_line_magic("sso_use", "payments-prod ReadOnly")
    signed_in.requests.clear()
    code = f"{SHELL}\nshell.run_line_magic('load_ext', 'sso_magic')\n"
    # what was cached for this process serves the next kernel
    assert imported_by(code + "shell.run_line_magic('sso_use', 'payments-prod ReadOnly')") == set()
    assert signed_in.requests.total() == 0


def test_every_public_name_is_there_and_listed():
    import sso_magic

    assert sorted(sso_magic.__all__) == sorted(set(sso_magic.__all__))
    for name in sso_magic.__all__:
        assert getattr(sso_magic, name) is not None
    assert set(dir(sso_magic)) == {*sso_magic.__all__, "__version__"}
    assert sso_magic.__version__


def test_loading_makes_no_parser_and_imports_only_what_every_kernel_needs():
    code = f"""{SHELL}
import sys
before = set(sys.modules)
shell.run_line_magic('load_ext', 'sso_magic')
from sso_magic.magics.options import LazyParser
parsers = [magic.parser for kind in shell.magics_manager.magics.values() for name, magic in kind.items()
           if name.startswith('sso_')]
assert len(parsers) > 10
assert all(type(parser) is LazyParser and parser._parser is None for parser in parsers), parsers
print(' '.join(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    # The parsers, or OpenSSL, would cost as much as all of these together.
    assert loaded & {"_hashlib", "difflib", "hmac"} == set()
    assert {name for name in loaded if name.partition(".")[0] == "sso_magic"} == {
        "sso_magic",
        "sso_magic.common",
        "sso_magic.common.defaults",
        "sso_magic.common.redaction",
        "sso_magic.common.secret",
        "sso_magic.magics",
        "sso_magic.magics.each",
        "sso_magic.magics.line",
        "sso_magic.magics.lists",
        "sso_magic.magics.load",
        "sso_magic.magics.magics",
        "sso_magic.magics.options",
        "sso_magic.magics.settings",
    }
