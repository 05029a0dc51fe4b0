"""What loading costs: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "requests",
    "pandas",
    "ipywidgets",
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
