"""The command a newcomer types: everything on this machine, and nothing left behind."""

from __future__ import annotations

import os
import platform
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import nbformat
import psutil
import pytest

from sso_magic.__main__ import main
from sso_magic.demo import PRESS, fonts, prepare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Where the demo puts its directory."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def demo(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sso_magic", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ,
        start_new_session=os.name == "posix",
    )


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    text = ""
    for line in process.stdout:
        text += line
        found = re.search(pattern, text)
        if found:
            return found
    pytest.fail(f"the demo ended:\n{text}")


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended
        return ""


def processes_with(text: str) -> list[str]:
    return [command for command in map(command_of, psutil.process_iter()) if text in command]


def test_the_run_without_a_browser_does_the_whole_job(temporary, clean_environment):
    process = demo("--run")
    out, _ = process.communicate(timeout=180)
    assert process.returncode == 0, out
    assert "(a person opens the page and approves)" in out
    assert "Signed in to corp until" in out
    assert "PRODUCTION Using payments-prod (731659028443) / ReadOnly in eu-west-1" in out
    assert "assumed-role/AWSReservedSSO_ReadOnly_" in out
    assert "cost_usd" in out
    assert out.rstrip().endswith("The quickstart ran from beginning to end.")
    assert list(temporary.iterdir()) == []
    assert list(clean_environment.iterdir()) == [], "it wrote into the real HOME"


def test_a_quickstart_that_fails_is_a_failure(temporary, monkeypatch):
    """A cell that fails must not be passed over."""
    code = (
        "import nbformat, sys\n"
        "from sso_magic import demo\n"
        "from sso_magic.__main__ import main\n"
        "whole = demo.prepare\n"
        "def broken(root, center):\n"
        "    environment = whole(root, center)\n"
        "    path = root / 'notebooks' / 'quickstart.ipynb'\n"
        "    notebook = nbformat.read(path, 4)\n"
        "    notebook.cells = [nbformat.v4.new_code_cell(sys.argv[1])]\n"
        "    nbformat.write(notebook, path)\n"
        "    return environment\n"
        "demo.prepare = broken\n"
        "sys.exit(main(['demo', '--run']))\n"
    )
    for cell in ("1 / 0", "import sys\n!{sys.executable} -c '1 / 0'"):
        done = subprocess.run([sys.executable, "-c", code, cell], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "ZeroDivisionError" in done.stdout + done.stderr
        assert "sso-magic: " in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_lab_opens_and_a_stop_leaves_nothing(temporary, number):
    process = demo()
    url = read_until(process, r"(http://127\.0\.0\.1:\d+/lab/tree/quickstart\.ipynb\?token=\w+)")[1]
    root = next(temporary.iterdir())
    assert urllib.request.urlopen(url, timeout=60).status == 200
    base, token = url.split("/lab/tree/")[0], url.split("token=")[1]
    request = urllib.request.Request(f"{base}/api/kernels?token={token}", data=b"{}", method="POST")
    assert urllib.request.urlopen(request, timeout=60).status == 201
    assert token not in " ".join(processes_with("jupyterlab")), "the token is open to everybody on the machine"
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.rstrip().endswith("Stopped; nothing is left behind.")
    assert not root.exists()
    deadline = time.monotonic() + 10
    while processes_with(str(root)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_with(str(root)) == []


@pytest.mark.parametrize(("option", "said"), [("--lab-port", "--lab-port"), ("--port", "--port")])
def test_a_port_in_use_is_one_clear_line(temporary, option, said):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = demo(option, str(taken.getsockname()[1]), *(["--run"] if option == "--port" else []))
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    *before, line = out.strip().splitlines()
    assert [one.split()[0] for one in before] in ([], ["Starting"])
    assert line.startswith("sso-magic: ")
    assert "in use" in line
    assert said in line
    assert list(temporary.iterdir()) == []


@pytest.fixture
def broken_lab(tmp_path_factory, monkeypatch):
    """Puts a program in the place of JupyterLab."""
    folder = tmp_path_factory.mktemp("lab")

    def put(program: str) -> None:
        (folder / "jupyterlab.py").write_text(program)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))

    return put


def run_with(setting: str) -> tuple[int, str]:
    """The demo with something else in place of one of its own: exit status and what it says."""
    code = f"import sys\nfrom sso_magic import demo\nfrom sso_magic.__main__ import main\n{setting}\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}sys.exit(main(['demo']))"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    first, _, rest = done.stdout.partition("\n")
    assert first == "Starting an Identity Center on this machine and JupyterLab; this takes about 10 seconds..."
    return done.returncode, rest


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "demo.QUICKSTART = 'gone.ipynb'",
            "the notebooks are missing: install sso-magic again, or run from a checkout of it.",
        ),
        (
            "demo.shutil.which = lambda *_, **__: None\nsys.modules['jupyterlab'] = None",
            'JupyterLab is not installed: pip install "sso-magic[demo]"',
        ),
    ],
)
def test_what_is_missing_is_one_line_that_says_how_to_get_it(temporary, setting, said):
    assert run_with(setting) == (1, f"sso-magic: {said}\n")
    assert list(temporary.iterdir()) == []


def test_a_lab_that_does_not_start_shows_the_end_of_its_log(temporary, broken_lab):
    broken_lab("import sys\nprint(*range(100), sep='\\n', flush=True)\nsys.exit('no such thing')\n")
    end = "\n".join([*map(str, range(86, 100)), "no such thing"])
    assert run_with("") == (
        1,
        f"sso-magic: JupyterLab did not start. Try it alone: python -m jupyterlab. It said:\n{end}\n",
    )
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no signal that a process could ignore")
def test_a_lab_that_neither_answers_nor_stops_is_killed(temporary, broken_lab):
    broken_lab(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('I take my time', flush=True)\ntime.sleep(200)\n"
    )
    assert run_with("demo.LAB_STARTS_WITHIN, demo.LAB_STOPS_WITHIN = 5, 0.1") == (
        1,
        (
            "sso-magic: JupyterLab did not answer within 5 s. Start the demo again when this machine is less busy. "
            "It said:\nI take my time\n"
        ),
    )
    assert list(temporary.iterdir()) == []
    assert processes_with(str(temporary)) == []


def test_a_lab_that_ends_by_itself_shows_the_end_of_its_log(temporary):
    process = demo()
    read_until(process, r"Ctrl-C stops everything")
    [lab] = [child for child in psutil.Process(process.pid).children() if "jupyterlab" in command_of(child)]
    lab.terminate()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.search(
        r"^sso-magic: JupyterLab ended unexpectedly\. Start the demo again\. It said:\n.", out, re.MULTILINE
    )
    assert list(temporary.iterdir()) == []


def test_the_font_cache_of_the_demos_plots_is_built_beforehand(tmp_path):
    environment = dict(os.environ) | {"MPLCONFIGDIR": str(tmp_path)}
    with fonts(environment) as process:
        assert process.wait(120) == 0
    assert list(tmp_path.glob("fontlist-*.json"))


def test_the_notebooks_are_without_outputs_and_say_what_to_press(tmp_path, center):
    prepare(tmp_path, center)
    folder = tmp_path / "notebooks"
    paths = sorted(folder.glob("*.ipynb"))
    assert "quickstart.ipynb" in [path.name for path in paths]
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.cells[1].source == PRESS
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert code
        assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)
        assert notebook.metadata.language_info.version == platform.python_version()
    assert [one for one in folder.rglob("*") if one.is_dir() and not any(one.iterdir())] == []


def test_the_terminal_says_at_once_that_it_starts(monkeypatch, capsys):
    """Before anything is imported that takes time."""
    monkeypatch.setitem(sys.modules, "sso_magic.local", None)
    with pytest.raises(ImportError):
        main(["demo"])
    assert capsys.readouterr().out.startswith("Starting an Identity Center on this machine and JupyterLab; this takes")
