"""Where the kernel runs, seen from the person's browser: one table of set-ups, and what a machine can show."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess

import psutil
import pytest

from sso_magic.signin import machine, where

SSH = {"SSH_CONNECTION": "192.0.2.7 50022 192.0.2.1 22", "SSH_TTY": "/dev/pts/3"}
SCREEN = {"DISPLAY": ":0"}
REMOTE, HERE = True, False


class Fake(machine.Machine):
    """A machine that shows what a row of the table says."""

    def __init__(self, *, platform="linux", files=(), kernel="6.8.0-generic", ssh=False, virtual=None, client=None):
        self.platform, self._files, self._kernel, self._ssh = platform, files, kernel, ssh
        self._virtual, self._client = virtual or {}, client

    def has(self, path):
        return path in self._files

    def kernel_release(self):
        return self._kernel

    def has_ssh_session(self):
        return self._ssh

    def virtual_display(self, number, authority):
        return "Xvfb" if "xvfb-run." in authority else self._virtual.get(number)

    def jupyter_client(self):
        return self._client


@pytest.mark.parametrize(
    ("environ", "shown", "is_remote", "reason"),
    [
        pytest.param(environ, shown, is_remote, reason, id=name)
        for name, environ, shown, is_remote, reason in [
            # services
            ("hub", {"JUPYTERHUB_USER": "ann"}, {}, REMOTE, "JupyterHub (JUPYTERHUB_USER is set)"),
            ("hub with a screen", {"JUPYTERHUB_API_URL": "http://h", **SCREEN}, {}, REMOTE, "JupyterHub"),
            ("hub on a Mac", {"JUPYTERHUB_USER": "ann"}, {"platform": "darwin"}, REMOTE, "JupyterHub"),
            ("Binder", {"BINDER_SERVICE_HOST": "mybinder.org"}, {}, REMOTE, "Binder"),
            ("SageMaker Studio", {"SAGEMAKER_APP_TYPE": "JupyterLab"}, {}, REMOTE, "SageMaker"),
            (
                "SageMaker notebook",
                SCREEN,
                {"files": ["/opt/ml/metadata/resource-metadata.json"]},
                REMOTE,
                "SageMaker (/opt/ml/metadata/resource-metadata.json exists)",
            ),
            ("Colab", {"COLAB_RELEASE_TAG": "1"}, {}, REMOTE, "Colab"),
            ("Kaggle", {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, {}, REMOTE, "Kaggle"),
            ("Databricks", {"DATABRICKS_RUNTIME_VERSION": "15"}, {}, REMOTE, "Databricks"),
            ("Codespaces", {"CODESPACES": "true"}, {}, REMOTE, "GitHub Codespaces"),
            ("Gitpod", {"GITPOD_WORKSPACE_ID": "x"}, {}, REMOTE, "Gitpod"),
            ("Coder desktop", {"CODER_WORKSPACE_NAME": "w", "DISPLAY": ":1"}, {}, REMOTE, "Coder"),
            ("Kubernetes", {"KUBERNETES_SERVICE_HOST": "10.0.0.1", **SCREEN}, {}, REMOTE, "Kubernetes"),
            ("ECS", {"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4"}, {}, REMOTE, "Amazon ECS"),
            ("Slurm with a screen", {"SLURM_JOB_ID": "7", "DISPLAY": ":0"}, {}, REMOTE, "a Slurm job"),
            ("Posit Workbench", {"RS_SERVER_URL": "https://p/"}, {}, REMOTE, "Posit Workbench"),
            # VS Code
            (
                "Remote-SSH by its socket alone",
                {"VSCODE_IPC_HOOK_CLI": "/run/user/1000/vscode-ipc-1.sock", **SCREEN},
                {},
                REMOTE,
                "a VS Code remote (VSCODE_IPC_HOOK_CLI is set)",
            ),
            ("tunnel to a Mac", {"VSCODE_IPC_HOOK_CLI": "/tmp/v"}, {"platform": "darwin"}, REMOTE, "a VS Code remote"),
            ("remote folder", {"VSCODE_AGENT_FOLDER": "/root/.v", **SCREEN}, {}, REMOTE, "VSCODE_AGENT_FOLDER"),
            ("dev container", {"REMOTE_CONTAINERS": "true", **SCREEN}, {}, REMOTE, "a VS Code dev container"),
            ("VS Code at home", {"VSCODE_PID": "4", "VSCODE_IPC_HOOK": "/s", **SCREEN}, {}, HERE, "DISPLAY is :0"),
            (
                "Remote-WSL",
                {"VSCODE_AGENT_FOLDER": "/home/a/.vscode-server", "WSL_DISTRO_NAME": "Ubuntu"},
                {},
                HERE,
                "WSL, whose loopback Windows reaches (WSL_DISTRO_NAME is set)",
            ),
            (
                "Remote-WSL by socket",
                {"VSCODE_IPC_HOOK_CLI": "/mnt/wslg/v.sock", "WSL_INTEROP": "/run/WSL/1_interop"},
                {},
                HERE,
                "WSL",
            ),
            # WSL
            ("WSL without a screen", {"WSL_DISTRO_NAME": "Debian"}, {}, HERE, "WSL"),
            ("WSL by WSL_INTEROP only", {"WSL_INTEROP": "/run/WSL/8_interop"}, {}, HERE, "WSL_INTEROP is set"),
            (
                "WSL by its kernel only",
                {},
                {"kernel": "5.15.153.1-microsoft-standard-WSL2"},
                HERE,
                "WSL, whose loopback Windows reaches (by the name of its kernel)",
            ),
            ("WSL with an X server", {"WSL_DISTRO_NAME": "D", "DISPLAY": "172.20.0.1:0"}, {}, HERE, "WSL"),
            ("SSH into WSL", {"WSL_DISTRO_NAME": "Debian", **SSH}, {}, REMOTE, "SSH"),
            (
                "Docker Desktop over WSL",
                {},
                {"files": ["/.dockerenv"], "kernel": "5.15-microsoft-standard-WSL2"},
                REMOTE,
                "a container (/.dockerenv exists)",
            ),
            # SSH
            ("SSH", SSH, {}, REMOTE, "SSH (SSH_CONNECTION is set)"),
            ("ssh -X", {**SSH, "DISPLAY": "localhost:10.0"}, {}, REMOTE, "SSH"),
            ("SSH to a Mac", SSH, {"platform": "darwin"}, REMOTE, "SSH"),
            ("SSH to Windows", SSH, {"platform": "win32"}, REMOTE, "SSH"),
            (
                "ssh -X without its variables",
                {"DISPLAY": "localhost:10.0"},
                {},
                REMOTE,
                "a machine whose screen is elsewhere (DISPLAY is localhost:10.0)",
            ),
            ("another machine's screen", {"DISPLAY": "ws7.example.com:0"}, {}, REMOTE, "ws7.example.com:0"),
            ("stale in screen", {**SSH, "STY": "8.pts-1.ws", **SCREEN}, {}, HERE, "DISPLAY is :0"),
            ("stale in tmux", {**SSH, "TMUX": "/tmp/tmux-1000/default,9,0", **SCREEN}, {}, HERE, "DISPLAY is :0"),
            (
                "stale in tmux on a Mac",
                {**SSH, "TMUX": "/tmp/t,9,0"},
                {"platform": "darwin"},
                HERE,
                "without a sign",
            ),
            ("alive in tmux", {**SSH, "TMUX": "/tmp/tmux", **SCREEN}, {"ssh": True}, REMOTE, "SSH"),
            ("stale in tmux without a screen", {**SSH, "TMUX": "/tmp/tmux"}, {}, REMOTE, "without a screen"),
            # containers
            ("Docker", SCREEN, {"files": ["/.dockerenv"]}, REMOTE, "a container (/.dockerenv exists)"),
            ("Podman", SCREEN, {"files": ["/run/.containerenv"]}, REMOTE, "a container (/run/.containerenv exists)"),
            ("nspawn", {"container": "systemd-nspawn", **SCREEN}, {}, REMOTE, "container is systemd-nspawn"),
            (
                "toolbox",
                {"TOOLBOX_PATH": "/usr/bin/toolbox", **SCREEN},
                {"files": ["/run/.containerenv", "/run/.toolboxenv"]},
                HERE,
                "DISPLAY is :0",
            ),
            (
                "toolbox by its file",
                {"WAYLAND_DISPLAY": "wayland-0"},
                {"files": ["/run/.containerenv", "/run/.toolboxenv"]},
                HERE,
                "WAYLAND_DISPLAY is set",
            ),
            (
                "distrobox on Docker",
                {"DISTROBOX_ENTER_PATH": "/usr/bin/distrobox-enter", **SCREEN},
                {"files": ["/.dockerenv"]},
                HERE,
                "DISPLAY is :0",
            ),
            (
                "toolbox on a server",
                {"TOOLBOX_PATH": "/usr/bin/toolbox"},
                {"files": ["/run/.toolboxenv"]},
                REMOTE,
                "without a screen",
            ),
            ("Flatpak", {"container": "flatpak", "FLATPAK_ID": "com.visualstudio.code", **SCREEN}, {}, HERE, ":0"),
            # a Jupyter server that is reached over the network
            (
                "server on a Mac",
                {},
                {"platform": "darwin", "client": "used from 192.0.2.9"},
                REMOTE,
                "a Jupyter server used from 192.0.2.9",
            ),
            ("server on Windows", {}, {"platform": "win32", "client": "used from 192.0.2.9"}, REMOTE, "192.0.2.9"),
            ("server on a desktop", SCREEN, {"client": "reached through sshd"}, REMOTE, "reached through sshd"),
            # screens
            ("Linux desktop", SCREEN, {}, HERE, "a machine with a screen (DISPLAY is :0)"),
            ("Wayland", {"WAYLAND_DISPLAY": "wayland-0"}, {}, HERE, "WAYLAND_DISPLAY is set"),
            ("Wayland and X", {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, {}, HERE, "WAYLAND_DISPLAY"),
            ("DISPLAY with unix", {"DISPLAY": "unix:0.0"}, {}, HERE, "DISPLAY is unix:0.0"),
            (
                "XQuartz",
                {"DISPLAY": "/private/tmp/org.xquartz:0"},
                {"platform": "darwin"},
                HERE,
                "without a sign",
            ),
            ("Mac", {}, {"platform": "darwin"}, HERE, "without a sign"),
            ("Windows", {}, {"platform": "win32"}, HERE, "without a sign"),
            ("Linux server", {}, {}, REMOTE, "a machine without a screen (neither DISPLAY nor WAYLAND_DISPLAY is set)"),
            ("FreeBSD server", {}, {"platform": "freebsd14"}, REMOTE, "without a screen"),
            ("FreeBSD desktop", SCREEN, {"platform": "freebsd14"}, HERE, "DISPLAY is :0"),
            ("Pyodide", {}, {"platform": "emscripten"}, REMOTE, "without a screen"),
            (
                "Xvfb",
                {"DISPLAY": ":99.0"},
                {"virtual": {"99": "Xvfb"}},
                REMOTE,
                "a machine with a virtual screen (Xvfb is display :99.0)",
            ),
            ("xvfb-run", {"DISPLAY": ":99", "XAUTHORITY": "/tmp/xvfb-run.Lb1/Xauthority"}, {}, REMOTE, "Xvfb"),
            ("desktop beside an Xvfb", SCREEN, {"virtual": {"99": "Xvfb"}}, HERE, "DISPLAY is :0"),
            ("VNC", {"DISPLAY": ":1"}, {"virtual": {"1": "Xtigervnc"}}, REMOTE, "Xtigervnc is display :1"),
            ("xrdp", {"XRDP_SESSION": "1", "DISPLAY": ":10.0"}, {}, REMOTE, "a remote desktop (xrdp)"),
            ("an empty variable", {"JUPYTERHUB_USER": "", **SCREEN}, {}, HERE, "DISPLAY is :0"),
        ]
    ],
)
def test_where_the_kernel_runs(environ, shown, is_remote, reason):
    found = where.placement(environ, Fake(**shown))
    assert (found.is_remote, reason in found.reason) == (is_remote, True), found


def test_this_machine_is_looked_at_without_an_error():
    assert where.placement().reason


@pytest.fixture
def server_file(tmp_path, monkeypatch):
    """Writes the file of a Jupyter server that is this process and listens on this address and port."""

    def write(hostname, port):
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
        monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
        content = {"hostname": hostname, "port": port, "pid": os.getpid()}
        (tmp_path / f"jpserver-{os.getpid()}.json").write_text(json.dumps(content))

    return write


@pytest.fixture
def connected():
    """A connection to a port of this process, as a front end holds one; the port."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            yield server.getsockname()[1], client.getsockname()[1]


def test_a_server_that_is_used_from_this_machine_shows_nothing(server_file, connected):
    server_file("0.0.0.0", connected[0])
    assert machine.Machine().jupyter_client() is None


def test_a_server_that_is_used_from_another_machine_is_recognized(server_file, connected, monkeypatch):
    server_file("0.0.0.0", connected[0])
    monkeypatch.setattr(machine, "_is_own", lambda address, own: False)  # the test has one machine
    assert machine.Machine().jupyter_client() == "used from 127.0.0.1"


def test_a_server_that_is_reached_through_a_tunnel_is_recognized(server_file, connected, monkeypatch):
    server_file("localhost", connected[0])
    monkeypatch.setattr(machine, "_FORWARDERS", (psutil.Process().name().lower(),))
    assert machine.Machine().jupyter_client() == f"reached through {psutil.Process().name()}"


@pytest.mark.parametrize(("hostname", "shown"), [("localhost", None), ("0.0.0.0", "that listens on 0.0.0.0")])
def test_a_server_whose_connections_may_not_be_read_is_judged_by_its_address(server_file, monkeypatch, hostname, shown):
    server_file(hostname, 8888)
    monkeypatch.setattr(psutil, "Process", lambda *_: (_ for _ in ()).throw(psutil.AccessDenied()))
    assert machine.Machine().jupyter_client() == shown


def test_a_kernel_without_a_server_shows_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert machine.Machine().jupyter_client() is None


@pytest.mark.parametrize("content", ["[]", "{", "\xff"])
def test_a_broken_server_file_shows_nothing(monkeypatch, tmp_path, content):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_PARENT_PID", "7")
    (tmp_path / "jpserver-7.json").write_text(content)
    assert machine.Machine().jupyter_client() is None


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("127.0.0.1", True),
        ("127.0.0.53", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.1", True),
        ("localhost", True),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("*", False),
    ],
)
def test_an_address_is_this_machines_if_it_is_loopback_or_an_interfaces(address, is_own):
    assert machine._is_own(address, frozenset({"192.0.2.1"})) is is_own


def test_a_virtual_display_is_found_by_its_process(tmp_path):
    program = tmp_path / "Xvfb"
    program.symlink_to(shutil.which("sh"))
    with subprocess.Popen([program, "-c", "echo up; read line", ":77"], stdin=-1, stdout=-1) as process:
        process.stdout.readline()
        shown = [machine.Machine().virtual_display(number, "") for number in ("77", "7", "0")]
        process.stdin.close()
    assert shown == ["Xvfb", None, None]


def test_a_listening_ssh_server_is_no_session(tmp_path):
    """The daemon of a machine whose user is root has that user, too."""
    program = tmp_path / "sshd"
    program.symlink_to(shutil.which("sh"))
    inner = tmp_path / "inner" / "sshd"
    inner.parent.mkdir()
    inner.symlink_to(shutil.which("sh"))
    before = machine.Machine().has_ssh_session()
    with subprocess.Popen([program, "-c", "echo up; read line"], stdin=-1, stdout=-1) as process:
        process.stdout.readline()
        listening = machine.Machine().has_ssh_session()
        process.stdin.close()
    with subprocess.Popen([program, "-c", f"{inner} -c 'echo up; read line'; :"], stdin=-1, stdout=-1) as process:
        process.stdout.readline()
        connected = machine.Machine().has_ssh_session()
        process.stdin.close()
    assert (listening, connected) == (before, True)
