"""Whether the kernel runs on the person's own machine, where a browser can call back to it.

The callback of the browser sign-in is on loopback: it reaches the kernel only if the browser shares the kernel's
loopback interface. The rules below are tried in order; the first that applies decides, and gives the reason that the
prompt and ``%sso_doctor`` show. When in doubt the browser counts as elsewhere: the device code works everywhere.

WSL, toolbox and distrobox share loopback with the desktop that they run on, so they are no remote machines.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sso_magic.signin.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVICES = {
    "JUPYTERHUB_API_URL": "JupyterHub",
    "JUPYTERHUB_USER": "JupyterHub",
    "JUPYTERHUB_SERVICE_PREFIX": "JupyterHub",
    "BINDER_SERVICE_HOST": "Binder",
    "SAGEMAKER_APP_TYPE": "SageMaker",
    "SM_CURRENT_HOST": "SageMaker",
    "AWS_SAGEMAKER_S3_DEFAULT_PREFIX": "SageMaker",
    "AWS_LAMBDA_FUNCTION_NAME": "AWS Lambda",
    "ECS_CONTAINER_METADATA_URI_V4": "Amazon ECS",
    "AWS_BATCH_JOB_ID": "AWS Batch",
    "C9_PROJECT": "Cloud9",
    "COLAB_RELEASE_TAG": "Colab",
    "GOOGLE_CLOUD_SHELL": "Google Cloud Shell",
    "VERTEX_PRODUCT": "Vertex AI",
    "AZUREML_RUN_ID": "Azure ML",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
    "DATABRICKS_RUNTIME_VERSION": "Databricks",
    "DEEPNOTE_PROJECT_ID": "Deepnote",
    "DOMINO_PROJECT_NAME": "Domino",
    "RS_SERVER_URL": "Posit Workbench",
    "CODESPACES": "GitHub Codespaces",
    "GITPOD_WORKSPACE_ID": "Gitpod",
    "CODER": "Coder",
    "CODER_AGENT_URL": "Coder",
    "CODER_WORKSPACE_NAME": "Coder",
    "KUBERNETES_SERVICE_HOST": "Kubernetes",
    "SLURM_JOB_ID": "a Slurm job",
    "REMOTE_CONTAINERS": "a VS Code dev container",
    "CHROME_REMOTE_DESKTOP_SESSION": "Chrome Remote Desktop",
    "XRDP_SESSION": "a remote desktop (xrdp)",
    "VNCDESKTOP": "a remote desktop (VNC)",
    "X2GO_SESSION": "a remote desktop (X2Go)",
    "NXSESSIONID": "a remote desktop (NX)",
}
# The server side of VS Code sets these: behind Remote-SSH, a tunnel and a dev container, and in WSL.
_VSCODE = ("VSCODE_AGENT_FOLDER", "VSCODE_IPC_HOOK_CLI")
_SSH = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_MULTIPLEXERS = {"TMUX": "tmux", "STY": "screen", "ZELLIJ": "zellij"}
_CONTAINERS = frozenset({"docker", "oci", "podman", "systemd-nspawn", "kube"})  # values of the variable `container`
_DESKTOP_CONTAINERS = {  # they share the network and the screen of the desktop
    "TOOLBOX_PATH": "toolbox",
    "DISTROBOX_ENTER_PATH": "distrobox",
}
_WITHOUT_X = ("darwin", "win32", "cygwin")  # a browser opens there without DISPLAY


class Placement(NamedTuple):
    """Where the kernel runs, seen from the person's browser.

    Attributes:
        is_remote: True if the browser is on another machine, or may be.
        reason: What shows it, as part of a sentence: ``JupyterHub (JUPYTERHUB_USER is set)``.
    """

    is_remote: bool
    reason: str


def placement(environ: Mapping[str, str] | None = None, machine: Machine | None = None) -> Placement:
    """Return whether the kernel runs beside the person's browser, and what shows it.

    Args:
        environ: The environment variables; those of this process by default.
        machine: What else is looked at; this machine by default.
    """
    environ = os.environ if environ is None else environ
    machine = Machine() if machine is None else machine
    return (
        _service(environ, machine)
        or _ssh(environ, machine)
        or _wsl(environ, machine)
        or _vscode(environ)
        or _container(environ, machine)
        or _jupyter_server(machine)
        or _screen(environ, machine)
    )


def remote_signal() -> str | None:
    """Return what shows that the browser is on another machine; None if the kernel seems to run beside it."""
    found = placement()
    return found.reason if found.is_remote else None


def _elsewhere(reason: str) -> Placement:
    return Placement(is_remote=True, reason=reason)


def _here(reason: str) -> Placement:
    return Placement(is_remote=False, reason=reason)


def _service(environ: Mapping[str, str], machine: Machine) -> Placement | None:
    for name, service in _SERVICES.items():
        if environ.get(name):
            return _elsewhere(f"{service} ({name} is set)")
    path = "/opt/ml/metadata/resource-metadata.json"
    return _elsewhere(f"SageMaker ({path} exists)") if machine.has(path) else None


def _ssh(environ: Mapping[str, str], machine: Machine) -> Placement | None:
    name = next((name for name in _SSH if environ.get(name)), None)
    if name is None:
        return None
    multiplexer = next((program for variable, program in _MULTIPLEXERS.items() if environ.get(variable)), None)
    # A server that tmux or screen keeps running has the variables of the connection that started it.
    if multiplexer is not None and not machine.has_ssh_session():
        return None
    return _elsewhere(f"SSH ({name} is set)")


def _wsl(environ: Mapping[str, str], machine: Machine) -> Placement | None:
    if machine.platform != "linux" or _in_container(environ, machine):
        return None
    for name in ("WSL_DISTRO_NAME", "WSL_INTEROP"):
        if environ.get(name):
            return _here(f"WSL, whose loopback Windows reaches ({name} is set)")
    if "microsoft" in machine.kernel_release().lower():
        return _here("WSL, whose loopback Windows reaches (by the name of its kernel)")
    return None


def _vscode(environ: Mapping[str, str]) -> Placement | None:
    name = next((name for name in _VSCODE if environ.get(name)), None)
    return _elsewhere(f"a VS Code remote ({name} is set)") if name else None


def _container(environ: Mapping[str, str], machine: Machine) -> Placement | None:
    shown = _in_container(environ, machine)
    return _elsewhere(f"a container ({shown})") if shown else None


def _in_container(environ: Mapping[str, str], machine: Machine) -> str | None:
    """Return what shows a container with a loopback interface of its own."""
    if any(environ.get(name) for name in _DESKTOP_CONTAINERS) or machine.has("/run/.toolboxenv"):
        return None
    for path in ("/.dockerenv", "/run/.containerenv"):
        if machine.has(path):
            return f"{path} exists"
    kind = environ.get("container", "")
    return f"container is {kind}" if kind in _CONTAINERS else None


def _jupyter_server(machine: Machine) -> Placement | None:
    user = machine.jupyter_client()
    return _elsewhere(f"a Jupyter server {user}") if user else None


def _screen(environ: Mapping[str, str], machine: Machine) -> Placement:
    if machine.platform in _WITHOUT_X:
        system = {"darwin": "macOS"}.get(machine.platform, "Windows")
        return _here(f"{system}, without a sign of a remote connection")
    display, wayland = environ.get("DISPLAY", ""), environ.get("WAYLAND_DISPLAY", "")
    if not display and not wayland:
        return _elsewhere("a machine without a screen (neither DISPLAY nor WAYLAND_DISPLAY is set)")
    if wayland:
        return _here("a machine with a screen (WAYLAND_DISPLAY is set)")
    host, _, number = display.rpartition(":")
    if host not in ("", "unix") and not host.startswith("/"):
        return _elsewhere(f"a machine whose screen is elsewhere (DISPLAY is {display})")
    server = machine.virtual_display(number.partition(".")[0], environ.get("XAUTHORITY", ""))
    if server:
        return _elsewhere(f"a machine with a virtual screen ({server} is display {display})")
    return _here(f"a machine with a screen (DISPLAY is {display})")
