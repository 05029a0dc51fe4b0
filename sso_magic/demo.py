"""``sso-magic demo``: the whole product on this machine, without an AWS account.

An Identity Center with AWS accounts behind it, a HOME of its own and a JupyterLab with a copy of the notebooks; all of
it under one temporary directory, and gone when it ends. ``--run`` executes the quickstart instead, approves the sign-in
without a person, and prints what a person would see.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sso_magic.common.process_groups import kill_group, own_group
from sso_magic.local.errors import LocalError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from sso_magic.local import LocalIdentityCenter

QUICKSTART = "quickstart.ipynb"
LAB_STARTS_WITHIN = 60  # seconds
LAB_STOPS_WITHIN = 15  # seconds
PRESS = "**Press Shift+Enter to run a cell and go on to the next one.**"  # in each notebook, as its second cell


class DemoError(LocalError):
    """The demo cannot run.

    Do what the message says.
    """


def add_command(commands: Any) -> None:
    """Adds ``demo`` to the command line."""
    parser = commands.add_parser("demo", help="try everything in JupyterLab, without an AWS account")
    parser.add_argument(
        "--run", dest="quickstart", action="store_true", help="no browser: run the quickstart, print what it shows"
    )
    parser.add_argument("--port", type=int, default=0, help="port of the local Identity Center (default: a free one)")
    parser.add_argument("--lab-port", type=int, default=0, help="port of JupyterLab (default: a free one)")
    parser.set_defaults(run=main)


def main(args: argparse.Namespace) -> int:
    """Runs the demo; the exit code."""
    if not args.quickstart:
        _check_port(args.lab_port, "--lab-port")
    what = "to run the quickstart" if args.quickstart else "and JupyterLab"
    print(f"Starting an Identity Center on this machine {what}; this takes about 10 seconds...", flush=True)  # noqa: T201
    # What follows imports for seconds.
    from sso_magic.local import LocalIdentityCenter
    from sso_magic.local.cli import stop_signals_as_ctrl_c

    try:
        with (
            stop_signals_as_ctrl_c(),
            tempfile.TemporaryDirectory(prefix="sso-magic-demo-", ignore_cleanup_errors=True) as folder,
        ):
            root = Path(folder)
            with LocalIdentityCenter(port=args.port) as center:
                environment = prepare(root, center)
                os.environ["IPYTHONDIR"] = environment["IPYTHONDIR"]  # what starts a kernel makes it, too
                if args.quickstart:
                    return run_quickstart(root, center, environment)
                with fonts(environment):
                    return run_lab(root, center, environment, args.lab_port)
    except KeyboardInterrupt:
        print("\nStopped; nothing is left behind.")  # noqa: T201
        return 0


def _check_port(port: int, option: str) -> None:
    if not port:
        return
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DemoError(f"port {port} is in use: choose another one by {option}, or leave it out.") from None


def prepare(root: Path, center: LocalIdentityCenter) -> dict[str, str]:
    """Lays out HOME and notebooks under the root; the environment in which everything is to run."""
    home = root / "home"
    aws = home / ".aws"
    aws.mkdir(parents=True, mode=0o700)
    session = center.config_text(start_url=center.portal_url, profiles=0)  # links to the console open on this machine
    config = f"[default]\nregion = {center.region}\n\n{session}"
    (aws / "config").write_text(config, encoding="utf-8")
    shutil.copytree(notebooks(), root / "notebooks", ignore=shutil.ignore_patterns(".*", "site"))
    for notebook in (root / "notebooks").glob("*.ipynb"):
        make_new(notebook)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "IPYTHONDIR": str(root / "ipython")}
    environment["MPLCONFIGDIR"] = str(root / "matplotlib")
    environment |= {f"JUPYTER_{name}_DIR": str(root / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment |= {f"JUPYTERLAB_{name}_DIR": str(root / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    return environment | center.environment()


def make_new(path: Path) -> None:
    """Remove a notebook's outputs, and say in it what to press.

    JupyterLab marks a notebook as changed when the kernel's description differs from the one in the file.
    """
    import json

    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "press", "metadata": {}, "source": [PRESS]})
    with contextlib.suppress(ImportError):  # `lab` says what is missing
        from ipykernel.ipkernel import IPythonKernel

        notebook["metadata"]["language_info"] = IPythonKernel.language_info
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def notebooks() -> Path:
    """The notebooks: beside the package in a checkout, in it where it is installed."""
    package = Path(__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / QUICKSTART).is_file():
            return folder
    raise DemoError("the notebooks are missing: install sso-magic again, or run from a checkout of it.")


def run_lab(root: Path, center: LocalIdentityCenter, environment: dict[str, str], port: int) -> int:
    """JupyterLab until Ctrl-C."""
    with lab(root, environment, port) as (url, process):
        print(  # noqa: T201
            f"\nThe demo is ready. Open in your browser:\n\n    {url}\n\n"
            f"Identity Center of this machine: {center.portal_url}\n"
            "Ctrl-C stops everything.",
            flush=True,
        )
        process.wait()
    raise DemoError(f"JupyterLab ended unexpectedly. Start the demo again. It said:\n{_tail(root / 'lab.log')}")


@contextlib.contextmanager
def fonts(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Build Matplotlib's font cache meanwhile: the first plot would take seconds and print a warning in red."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import matplotlib.font_manager"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **own_group(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def lab(root: Path, environment: dict[str, str], port: int = 0) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A JupyterLab on loopback with everything it writes under the root; its address, and the process."""
    if shutil.which("jupyter-lab", path=str(Path(sys.executable).parent)) is None and not _installed("jupyterlab"):
        raise DemoError('JupyterLab is not installed: pip install "sso-magic[demo]"')
    port = port or _free_port()
    token = secrets.token_hex(16)
    config = root / "config" / "labconfig"
    config.mkdir(parents=True, exist_ok=True)
    (config / "page_config.json").write_text(
        '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}', encoding="utf-8"
    )
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={root / 'notebooks'}"]
    command += ["--LabApp.extension_manager=readonly", "--ServerApp.answer_yes=True"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    # The token goes by the environment: a command line is open to everybody on the machine.
    environment = environment | {"JUPYTER_TOKEN": token}
    with (root / "lab.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            command,
            env=environment,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **own_group(),
        )
        try:
            _wait_for(process, port, root / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/{QUICKSTART}?token={token}", process
        finally:
            _stop(process)


def _installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + LAB_STARTS_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoError(f"JupyterLab did not start. Try it alone: python -m jupyterlab. It said:\n{_tail(log)}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise DemoError(
        f"JupyterLab did not answer within {LAB_STARTS_WITHIN} s. Start the demo again when this machine is less busy. "
        f"It said:\n{_tail(log)}"
    )


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]).strip()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends Lab, which ends its kernels; if it does not, the whole group."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(LAB_STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    kill_group(process)  # kernels that were left; on Windows they watch their parent and end with it


def run_quickstart(root: Path, center: LocalIdentityCenter, environment: dict[str, str]) -> int:
    """Executes the quickstart as somebody would who approves the sign-in when asked; 0 if every cell went well."""
    import nbformat
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(root / "notebooks" / QUICKSTART, as_version=4)  # type: ignore[no-untyped-call]
    client = _client(notebook, root, center)
    with (root / "kernel.log").open("wb") as log:
        try:
            client.execute(env=environment, stderr=log)
        except CellExecutionError as error:
            raise DemoError(f"the quickstart failed:\n{error}") from None
    shown = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    if "Traceback (most recent call last)" in shown:  # a child process that failed
        raise DemoError("a program that the quickstart started failed; see above.")
    print("\nThe quickstart ran from beginning to end.")  # noqa: T201
    return 0


def _client(notebook: Any, root: Path, center: LocalIdentityCenter) -> Any:
    from nbclient import NotebookClient

    class Person(NotebookClient):
        """Looks at every cell, prints what it shows, and approves the sign-in that it sees."""

        async def async_start_new_kernel_client(self) -> Any:
            kernel_client = await super().async_start_new_kernel_client()
            kernel_client.allow_stdin = True  # a person is there, as far as the kernel can tell
            return kernel_client

        async def async_execute_cell(self, cell: Any, cell_index: int, *args: Any, **kwargs: Any) -> Any:
            if cell.cell_type == "code":
                print("\n".join(f"  >>> {line}" for line in cell.source.splitlines()), flush=True)  # noqa: T201
            return await super().async_execute_cell(cell, cell_index, *args, **kwargs)

        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            content = msg["content"]
            shown = content.get("text") or content.get("data", {}).get("text/plain")
            if shown and msg["msg_type"] != "execute_input":
                print(shown.rstrip("\n"), flush=True)  # noqa: T201
                for request in center.pending():
                    center.approve(request.user_code)
                    print("  (a person opens the page and approves)", flush=True)  # noqa: T201
            return super().process_message(msg, cell, cell_index)

    return Person(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(root / "notebooks")}},
    )
