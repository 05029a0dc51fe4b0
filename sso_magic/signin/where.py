"""Whether the kernel runs on the person's own machine, where a browser can call back to it.

The callback of the browser sign-in is on loopback: it reaches the kernel only if the browser runs beside it. Each
signal below is set by an environment whose browser is elsewhere. When in doubt it is elsewhere: the device code works
everywhere.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = {
    "JUPYTERHUB_API_URL": "JupyterHub",
    "JUPYTERHUB_USER": "JupyterHub",
    "BINDER_SERVICE_HOST": "Binder",
    "SAGEMAKER_APP_TYPE": "SageMaker",
    "SM_CURRENT_HOST": "SageMaker",
    "AWS_SAGEMAKER_S3_DEFAULT_PREFIX": "SageMaker",
    "COLAB_RELEASE_TAG": "Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
    "DATABRICKS_RUNTIME_VERSION": "Databricks",
    "CODESPACES": "GitHub Codespaces",
    "GITPOD_WORKSPACE_ID": "Gitpod",
    "REMOTE_CONTAINERS": "a VS Code dev container",
    "VSCODE_AGENT_FOLDER": "a VS Code remote",
    "KUBERNETES_SERVICE_HOST": "Kubernetes",
    "SSH_CONNECTION": "SSH",
    "SSH_CLIENT": "SSH",
    "SSH_TTY": "SSH",
}
_FILES = {
    "/.dockerenv": "a container",
    "/run/.containerenv": "a container",
    "/opt/ml/metadata/resource-metadata.json": "SageMaker",
}


def remote_signal(environ: Mapping[str, str] | None = None) -> str | None:
    """What says that the browser is on another machine, in words; None if the kernel seems to be beside it."""
    environ = os.environ if environ is None else environ
    for name, where in _VARIABLES.items():
        if environ.get(name):
            return f"{where} ({name} is set)"
    for path, where in _FILES.items():
        if Path(path).exists():
            return f"{where} ({path} exists)"
    if sys.platform.startswith("linux") and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        if environ.get("WSL_DISTRO_NAME"):  # Windows' own browser, which reaches loopback here
            return None
        return "a machine without a screen (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    return None
