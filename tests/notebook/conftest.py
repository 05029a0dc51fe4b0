"""Notebooks run in a kernel of their own, as JupyterLab runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def run_cells(center, tmp_path, monkeypatch) -> Iterator[Callable[..., nbformat.NotebookNode]]:
    """Runs cells in a new kernel; with a person, the sign-in that shows up is approved. Gives the notebook as saved."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))

    def run(*cells: str, person: bool = True, allow_errors: bool = False, seen: list[str] | None = None):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}

        class Client(NotebookClient):
            async def async_start_new_kernel_client(self):
                client = await super().async_start_new_kernel_client()
                client.allow_stdin = person
                return client

            def process_message(self, msg, cell, cell_index):
                if seen is not None:
                    seen.append(str(msg["content"]))
                for request in center.pending() if person else []:
                    center.approve(request.user_code)
                return super().process_message(msg, cell, cell_index)

        with (tmp_path / "kernel.log").open("wb") as log:
            client = Client(notebook, timeout=60, allow_errors=allow_errors, kernel_name="python3")
            client.execute(env=dict(os.environ), stderr=log)
        return nbformat.v4.reads(nbformat.writes(notebook))

    return run


@pytest.fixture(scope="session")
def font_cache(request, tmp_path_factory) -> str:
    """A directory for Matplotlib in which its font cache is built: the first plot of a machine reports the building."""
    cache = getattr(request.config, "cache", None)
    directory = cache.mkdir("matplotlib") if cache is not None else tmp_path_factory.mktemp("matplotlib")
    environment = os.environ | {"MPLCONFIGDIR": str(directory)}
    subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], env=environment, check=True)
    return str(directory)


def text_of(notebook) -> str:
    """All that the saved notebook holds."""
    return nbformat.writes(notebook)


assert sys.version_info >= (3, 10)
