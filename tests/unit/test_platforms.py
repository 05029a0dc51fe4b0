"""Every use of what only POSIX has is listed here, with its counterpart on Windows and the test of that counterpart."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import sso_magic
from sso_magic.common import process_groups
from sso_magic.kernel.canary import forks

PACKAGE = Path(sso_magic.__file__).parent
TESTS = Path(__file__).parents[1]

# What Windows does not have, or has with another meaning, of the modules os, signal, socket and of path objects.
NAMES = {
    *("AF_UNIX", "SO_PEERCRED", "SCM_RIGHTS", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NOCTTY", "O_NONBLOCK"),
    *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGTERM", "SIGTSTP"),
    *("SIGUSR1", "SIGUSR2", "WNOHANG", "alarm", "chmod", "chown", "chroot", "fchmod", "fchown", "fork", "forkpty"),
    *("getegid", "geteuid", "getgid", "getgroups", "getloadavg", "getpgid", "getpgrp", "getuid", "killpg", "lchmod"),
    *("lchown", "mkfifo", "mknod", "nice", "openpty", "posix_spawn", "pthread_kill", "pthread_sigmask", "setitimer"),
    *("register_at_fork", "sched_getaffinity", "setpgid", "setsid", "sigwait", "st_gid", "st_mode", "st_uid"),
    *("umask", "uname", "wait4", "waitid", "waitpid"),
}
MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
KEYWORDS = {"dir_fd", "pass_fds", "preexec_fn", "start_new_session"}
FOLDERS = ("/dev/", "/etc/", "/opt/", "/proc", "/run/", "/sys/", "/tmp", "/var/")

# What happens on Windows, and the test of it; None where nothing needs to be done, for the reason given.
USES = {
    **dict.fromkeys(
        (f"common/whole_file.py: {name}" for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "fcntl", "st_mode")),
        ("no lock: an open file cannot be removed", None),
    ),
    "common/whole_file.py: chmod": ("the profile directory is the user's", "profiles/test_writer_file.py"),
    "display/address_input.py: termios": ("msvcrt reads key by key", None),
    "common/cache.py: O_CLOEXEC": ("files are not inherited there", None),
    "common/cache.py: O_NONBLOCK": ("no pipes among files", None),
    "common/cache.py: st_mode": ("tells a regular file there, too", "unit/test_cache_scan.py"),
    "kernel/canary/forks.py: register_at_fork": ("no fork", "unit/test_platforms.py"),
    "client/user_agent.py: uname": ("platform.uname is everywhere", None),
    "config/stored.py: st_mode": ("the mode that is kept", "profiles/test_writer_file.py"),
    "demo.py: geteuid": ("no root", "demo/test_demo.py"),
    "doctor/directories.py: st_mode": ("the profile directory is the user's", "magics/test_doctor.py"),
    "common/file_lock.py: /proc/": (
        "ps on macOS; a suspended process on Windows is waited for 20 s",
        "signin/test_held_lock.py",
    ),
    "each/places/socket.py: /tmp": ("no limit on a path, as there is no Unix socket", "each/test_line.py"),
    "each/places/socket.py: AF_UNIX": ("a port on loopback", "each/test_line.py"),
    "local/locks.py: register_at_fork": ("no fork", None),
    "kernel/kernel_role.py: register_at_fork": ("no fork", None),
    "kernel/libraries/forget.py: WNOHANG": ("no fork server", None),
    "kernel/libraries/forget.py: waitpid": ("no fork server", None),
    "local/aws_process.py: pass_fds": ("socket.share hands the socket over", None),
    "local/aws_process.py: start_new_session": ("CREATE_NEW_PROCESS_GROUP", None),
    "local/cli.py: SIGHUP": ("taken if the platform has it", "local/test_cli.py"),
    "local/cli.py: SIGTERM": ("terminating is killing; Ctrl-Break is taken", "local/test_cli.py"),
    "common/jitter.py: register_at_fork": ("no fork", None),
    "common/locks.py: register_at_fork": ("no fork", None),
    "common/process_groups.py: SIGKILL": ("descendants are killed one by one", "unit/test_platforms.py"),
    "common/process_groups.py: killpg": ("descendants are killed one by one", "unit/test_platforms.py"),
    "common/process_groups.py: start_new_session": ("CREATE_NEW_PROCESS_GROUP", "unit/test_platforms.py"),
    "common/runtime_directory.py: SIGTERM": (
        "terminating is killing: the next kernel removes what is left",
        "kernel/test_runtime_directory.py",
    ),
    "common/runtime_directory.py: getuid": (
        "the temporary directory is the user's",
        "kernel/test_runtime_directory.py",
    ),
    "common/runtime_directory.py: register_at_fork": ("no fork", None),
    "common/runtime_directory.py: st_uid": (
        "the temporary directory is the user's",
        "kernel/test_runtime_directory.py",
    ),
    "signin/where.py: /opt/ml/metadata/resource-metadata.json": ("SageMaker runs on Linux alone", None),
    "signin/machine.py: /proc/sys/kernel/osrelease": (
        "WSL alone has it; it is empty elsewhere",
        "signin/test_where.py",
    ),
    "signin/machine.py: getuid": ("the user's name", "signin/test_where.py"),
    "signin/where.py: /run/.toolboxenv": ("Toolbox's containers are Linux", None),
    "signin/where.py: /run/.containerenv": ("Podman's containers are Linux", None),
    "signin/opener.py: start_new_session": ("CREATE_NO_WINDOW: no console, no Ctrl-C", None),
}


def uses_in(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) | ast.Constant(value=str(name)) if name in NAMES | KEYWORDS:
                found.add(name)
            case ast.Constant(value=str(path)) if path.startswith(FOLDERS):
                found.add(path)
            case ast.keyword(arg=name) if name in KEYWORDS:
                found.add(name)
            case ast.Import(names=modules):
                found |= {module.name for module in modules} & MODULES
            case ast.ImportFrom(module=module, names=names):
                found |= ({module} & MODULES) | ({name.name for name in names} & NAMES)
    return found


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import os\nos.fork()", "fork"),
        ("from os import killpg as end", "killpg"),
        ("import fcntl", "fcntl"),
        ("from fcntl import flock", "fcntl"),
        ("def f():\n    Popen([], preexec_fn=f)", "preexec_fn"),
        ("getattr(os, 'setsid')()", "setsid"),
        ("open('/proc/self/status')", "/proc/self/status"),
    ],
)
def test_a_use_is_found_in_each_way_to_write_it(source, name):
    assert uses_in(source) == {name}


def test_every_use_of_what_only_posix_has_is_listed_with_its_counterpart():
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}: {name}"
        for path in PACKAGE.rglob("*.py")
        for name in uses_in(path.read_text(encoding="utf-8"))
    }
    assert found - set(USES) == set(), "say in USES what happens on Windows, and name the test"
    assert set(USES) - found == set(), "these are gone from the package: remove them from USES"
    assert [test for _, test in USES.values() if test and not (TESTS / test).exists()] == []


TWO_GENERATIONS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print(child.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("kill", [process_groups.kill_group, process_groups.kill_descendants])
def test_a_group_is_killed_as_a_whole_by_either_way(kill):
    process = subprocess.Popen(
        [sys.executable, "-c", TWO_GENERATIONS], stdout=subprocess.PIPE, **process_groups.own_group()
    )
    grandchild = psutil.Process(int(process.stdout.readline()))
    kill(process)
    process.wait(20)
    process.stdout.close()
    assert not has_not_ended(grandchild)
    kill(process)  # once more: nothing is left to kill, and no error


def has_not_ended(process: psutil.Process) -> bool:
    """Wait for the end; a process that nobody has collected yet has ended, too."""
    try:
        process.wait(20)
    except psutil.TimeoutExpired:
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_own_group_is_one_that_this_platform_knows():
    [name] = process_groups.own_group()
    assert name == ("creationflags" if sys.platform == "win32" else "start_new_session")


def test_the_canary_of_forks_does_nothing_where_nothing_forks(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    monkeypatch.setattr(forks, "_log", None)
    forks.enter(("111111111111", "ReadOnly"))
    assert forks.role_at_fork(os.getpid()) is None
