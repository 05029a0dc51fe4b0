"""What this machine and its processes show about where the person is; `where` draws the conclusions.

Every method answers from what the kernel's own user may read, and answers "nothing" where it may not.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Programs that draw on no screen, or on one that is sent elsewhere.
_VIRTUAL_DISPLAYS = ("xvfb", "xvnc", "xtigervnc", "xtightvnc", "xkasmvnc", "xvnc4", "xdummy", "xpra", "xorgxrdp")
# Programs that forward connections from other machines to loopback.
_FORWARDERS = (
    "sshd", "caddy", "cloudflared", "code-tunnel", "frpc", "haproxy", "nginx", "ngrok", "tailscaled", "traefik",
)  # fmt: skip


class Machine:
    """This machine, as far as its signs are looked at."""

    platform = sys.platform

    def has(self, path: str) -> bool:
        """Return True if the file exists."""
        return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for some errors

    def kernel_release(self) -> str:
        """Return the release of the operating system's kernel; empty where it cannot be read."""
        with contextlib.suppress(OSError, UnicodeError):
            return Path("/proc/sys/kernel/osrelease").read_text(encoding="utf-8")
        return ""

    def has_ssh_session(self) -> bool:
        """Return True if an SSH session of this user is open."""
        return any(_is_ssh_session(process) for process in _own_processes())

    def virtual_display(self, number: str, authority: str) -> str | None:
        """Return the program that serves an X display without a screen; None if nothing shows one.

        Args:
            number: The display's number, as text.
            authority: The path in XAUTHORITY.
        """
        if "xvfb-run." in authority:
            return "Xvfb"
        for process in _processes():
            name = _name(process)
            if name.lower().startswith(_VIRTUAL_DISPLAYS) and f":{number}" in _command(process):
                return name
        return None

    def jupyter_client(self) -> str | None:
        """Return how the Jupyter server of this kernel is used from another machine; None if nothing shows it.

        The kernel's front end holds a connection to the server while a cell runs.
        """
        server = _jupyter_server()
        if server is None:
            return None
        pid, info = server
        port = info.get("port")
        own, listens_beyond = _own_addresses(), not _is_own(str(info.get("hostname", "")), frozenset())
        peers = _peers(pid, port)
        if peers is None:
            return f"that listens on {_shown(info)}" if listens_beyond else None
        for address, peer_port in peers:
            if not _is_own(address, own):
                return f"used from {address}"
            forwarder = _forwarder(peer_port, port)
            if forwarder:
                return f"reached through {forwarder}"
        return None


def _shown(info: dict[str, Any]) -> str:
    return str(info.get("hostname")) or "every interface"


def _processes() -> Iterator[Any]:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        yield from psutil.process_iter()


def _own_processes() -> Iterator[Any]:
    import getpass

    try:
        me: object = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    except (KeyError, OSError, ImportError):
        return
    for process in _processes():
        if _owner(process) == me:
            yield process


def _is_ssh_session(process: Any) -> bool:
    """Return True for the process of a connection, not for the one that listens."""
    import psutil

    name = _name(process)
    if name.startswith("sshd-session"):
        return True
    try:
        return name == "sshd" and _name(process.parent()) == "sshd"
    except (psutil.Error, OSError):
        return False


def _owner(process: Any) -> object:
    import psutil

    try:
        if hasattr(process, "uids"):
            return process.uids().real
        return str(process.username()).rpartition("\\")[2]
    except (psutil.Error, OSError):
        return None


def _name(process: Any) -> str:
    """Return the name of a process; empty for None, and where it cannot be read."""
    import psutil

    try:
        return "" if process is None else str(process.name())
    except (psutil.Error, OSError):
        return ""


def _command(process: Any) -> list[str]:
    import psutil

    try:
        return list(process.cmdline())
    except (psutil.Error, OSError):
        return []


def _jupyter_server() -> tuple[int, dict[str, Any]] | None:
    """Return the process id of the Jupyter server that started this kernel, and what its file says."""
    given = os.environ.get("JPY_PARENT_PID", "")
    pid = int(given) if given.isdigit() else os.getppid()
    for directory in _runtime_directories():
        for kind in ("jpserver", "nbserver"):
            with contextlib.suppress(OSError, ValueError):
                info = json.loads((directory / f"{kind}-{pid}.json").read_bytes())
                if isinstance(info, dict):
                    return pid, info
    return None


def _runtime_directories() -> Iterator[Path]:
    if "ipykernel" in sys.modules:
        with contextlib.suppress(Exception):  # no kernel runs, or one that has no file
            from ipykernel.connect import get_connection_file

            yield Path(get_connection_file()).parent
    with contextlib.suppress(Exception):  # jupyter_core is not installed, or has no directory to name
        from jupyter_core.paths import jupyter_runtime_dir

        yield Path(jupyter_runtime_dir())


def _peers(pid: int, port: object) -> list[tuple[str, int]] | None:
    """Return addresses and ports that are connected to a process's port; None if that may not be read."""
    import psutil

    try:
        process = psutil.Process(pid)
        connections = getattr(process, "net_connections", None) or process.connections
        found = connections(kind="tcp")
    except (psutil.Error, OSError, NotImplementedError):
        return None
    return [
        (str(one.raddr[0]), int(one.raddr[1]))
        for one in found
        if one.raddr and one.laddr and one.laddr[1] == port and one.status == psutil.CONN_ESTABLISHED
    ]


def _forwarder(peer_port: int, port: object) -> str | None:
    """Return the program of this user that holds the other end of a connection on loopback, if it forwards."""
    for process in _own_processes():
        name = _name(process)
        if name.lower().startswith(_FORWARDERS):
            peers = _connected_from(process, peer_port, port)
            if peers:
                return name
    return None


def _connected_from(process: Any, local_port: int, remote_port: object) -> bool:
    import psutil

    try:
        connections = getattr(process, "net_connections", None) or process.connections
        return any(
            one.raddr and one.laddr[1] == local_port and one.raddr[1] == remote_port for one in connections(kind="tcp")
        )
    except (psutil.Error, OSError):
        return False


def _own_addresses() -> frozenset[str]:
    import psutil

    try:
        return frozenset(
            address.address.partition("%")[0] for found in psutil.net_if_addrs().values() for address in found
        )
    except (psutil.Error, OSError):
        return frozenset()


def _is_own(address: str, own: frozenset[str]) -> bool:
    """Return True if the address is this machine's: loopback, or that of an interface."""
    if address == "localhost" or address.partition("%")[0] in own:
        return True
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return parsed.is_loopback or (mapped is not None and (mapped.is_loopback or str(mapped) in own))
