"""What every test gets: an environment of its own, a HOME of its own, nothing left in the process."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from sso_magic.client.service_clock import SERVICE_CLOCK
from sso_magic.common.c_environment import make_room
from sso_magic.common.hints import use_style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.local import LocalIdentityCenter


# Made-up input: the same in each run of the tests, and other input, much more of it, in each `make fuzz`.
settings.register_profile("short", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("long", deadline=None, max_examples=5_000)
settings.load_profile("short")

SETTINGS_OF_THE_MACHINE = {
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "requests_ca_bundle",
    "curl_ca_bundle",
    "ssl_cert_file",
}


def pytest_configure(config: pytest.Config) -> None:
    """Lets an interrupt be one, and what ipywidgets 7 does be no news.

    What a shell starts in its background is deaf to Ctrl-C, and so are its children: tests of it would never end.
    A widget of ipywidgets 7 closes its channel once more when it is collected, and may find it gone.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if int(version("ipywidgets").partition(".")[0]) < 8:
        config.addinivalue_line(
            "filterwarnings",
            r"ignore:Exception ignored in. <function Widget\.__del__:pytest.PytestUnraisableExceptionWarning",
        )
    share_files_of_botocore()
    make_room_for_each_variable()


def make_room_for_each_variable() -> None:
    """Let tests set variables while threads of C and Rust code read the environment.

    Such threads (of DuckDB, c-ares and Tokio) outlive the test that started them, and the next test's variables crashed
    the process: glibc frees the array that they read.
    """
    put = os.putenv

    def putenv(name: bytes | str, value: bytes | str, /) -> None:
        make_room([os.fsdecode(name)])
        put(name, value)

    os.putenv = putenv


def share_files_of_botocore() -> None:
    """Read each data file of boto3 and botocore once in this process.

    Each session parses them again: 60 ms for each of the thousands of sessions and clients that the tests make.
    """
    from botocore.loaders import JSONFileLoader, Loader

    load, list_services = JSONFileLoader.load_file, Loader.list_available_services
    files: dict[str, object] = {}
    services: dict[tuple[str, ...], list[str]] = {}

    def load_file(self: JSONFileLoader, file_path: str) -> object:
        if file_path not in files and (found := load(self, file_path)) is not None:
            files[file_path] = found
        return files.get(file_path)

    def list_available_services(self: Loader, type_name: str) -> list[str]:
        key = (type_name, *self.search_paths)
        if key not in services:
            services[key] = list_services(self, type_name)
        return list(services[key])

    JSONFileLoader.load_file, Loader.list_available_services = load_file, list_available_services


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Run each test in a generator of its own.

    Where a trace function raises inside ``except: pass``, CPython 3.11 goes on with the handled exception as the
    thread's current one: later errors would have it as their context, and its frames would stay alive. What a
    generator handles ends with the generator.
    """
    test = pyfuncitem.obj

    def steps(arguments: dict[str, object]) -> Iterator[object]:
        yield test(**arguments)

    def run(**arguments: object) -> object:
        return next(steps(arguments))

    pyfuncitem.obj = run


@pytest.fixture(autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty HOME and no AWS setting of the machine; afterwards all as it was, for this package writes there."""
    before = dict(os.environ)
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower() in SETTINGS_OF_THE_MACHINE:
            del os.environ[name]
    os.environ["HOME"] = os.environ["USERPROFILE"] = str(home)
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"  # nothing may look for an instance's credentials
    yield home
    # Only what has changed: native threads read the variables meanwhile, and C lets nobody change them then.
    for name in [name for name in os.environ if name not in before]:
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


@pytest.fixture(scope="session")
def center_without_aws() -> Iterator[LocalIdentityCenter]:
    """The one Identity Center without AWS accounts, which starts at once. Who uses it resets it before each test.

    `center` is the one with AWS accounts; see `sso_magic.local.pytest_plugin`.
    """
    from sso_magic.local import LocalIdentityCenter

    with LocalIdentityCenter(aws=False) as running:
        yield running


@pytest.fixture(autouse=True)
def messages_name_magics() -> Iterator[None]:
    """Messages are tested as a notebook shows them, also where no shell runs; see `sso_magic.common.hints`."""
    use_style("magics")
    yield
    use_style(None)


@pytest.fixture(autouse=True)
def nothing_left_in_the_process() -> Iterator[None]:
    """The role, the sessions and the clients of one test are not the next one's."""
    yield
    SERVICE_CLOCK.forget()
    if "sso_magic.center.identity_center" in sys.modules:
        from sso_magic.center.identity_center import SHARED
        from sso_magic.kernel.kernel_role import KERNEL
        from sso_magic.signin import store

        KERNEL.forget()
        SHARED.clear()
        store.choose("file")
    if "sso_magic.kernel.libraries.boto" in sys.modules:
        from sso_magic.kernel.libraries.boto import _clients

        _clients.clear()  # IPython keeps the last error, and with it what a failed cell has made


@pytest.fixture
def no_new_threads() -> Iterator[None]:
    """Fails a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    assert left == []


@pytest.fixture
def center(clean_environment: Path, local_identity_center: LocalIdentityCenter) -> LocalIdentityCenter:
    """The Identity Center of this machine as new, with [sso-session corp] in HOME and the SDKs pointed at it."""
    os.environ.update(local_identity_center.environment())
    config = clean_environment / ".aws" / "config"
    config.parent.mkdir(mode=0o700, exist_ok=True)
    config.write_text(local_identity_center.config_text(), encoding="utf-8")
    return local_identity_center


@pytest.fixture
def portal_gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """No request to the portal or the sign-in service is sent until this event is set."""
    from sso_magic.client.http import RequestsHandler

    gate = threading.Event()
    handle = RequestsHandler.handle

    def wait_and_handle(self: RequestsHandler, *arguments: Any, **more: Any) -> Any:
        assert gate.wait(60)
        return handle(self, *arguments, **more)

    monkeypatch.setattr(RequestsHandler, "handle", wait_and_handle)
    yield gate
    gate.set()


@pytest.fixture(scope="module")
def heap_of_this_module() -> Iterator[None]:
    """Leave the objects of earlier tests out of the searches for keys: a process that has run thousands has millions.

    A search does not see what refers to an object from there: `gc.unfreeze()` first, where that counts.
    """
    from sso_magic.kernel.kernel_role import KERNEL

    KERNEL.shutdown()  # hooks are put in and taken out with the same objects in sight
    gc.collect()
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sso_magic.kernel.tracked.frozen_objects", lambda objects, pause: [])
        yield
        KERNEL.shutdown()
    gc.unfreeze()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """An IPython in a terminal, a person before it, the extension loaded."""
    import IPython
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor" if IPython.version_info >= (9,) else "NoColor"
    InteractiveShell.clear_instance()
    running = InteractiveShell.instance(config=config)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    running.run_line_magic("load_ext", "sso_magic")
    yield running
    running.run_line_magic("unload_ext", "sso_magic")
    InteractiveShell.clear_instance()


@pytest.fixture
def person(center: LocalIdentityCenter) -> Iterator[Person]:
    """Somebody who decides on the sign-ins that come up."""
    somebody = Person(center)
    yield somebody
    somebody.leave()


class Person:
    """Approves or denies, on a thread of their own, as soon as a sign-in waits."""

    def __init__(self, center: LocalIdentityCenter) -> None:
        self._center = center
        self._gone = threading.Event()
        self._threads: list[threading.Thread] = []

    def approves(self) -> None:
        """Allows the next sign-in."""
        self._decide(self._center.approve)

    def denies(self) -> None:
        """Refuses the next sign-in."""
        self._decide(self._center.deny)

    def _decide(self, decide: Callable[[str], object]) -> None:
        def wait() -> None:
            while not self._gone.wait(0.02):
                for request in self._center.pending():
                    self._gone.wait(0.2)  # to read the prompt, which is not shown where the first poll has its answer
                    decide(request.user_code)
                    return

        thread = threading.Thread(target=wait, name="person")
        thread.start()
        self._threads.append(thread)

    def leave(self) -> None:
        """Decides on nothing more."""
        self._gone.set()
        for thread in self._threads:
            thread.join()


class Recorder:
    """A prompt that remembers what it was asked to show."""

    def __init__(self):
        self.devices, self.browsers, self.lines = [], [], []

    def device(self, request):
        self.devices.append(request)

    def browser(self, request, *, opened, device):
        self.browsers.append((request, opened, device))

    def close(self, line):
        self.lines.append(line)


@pytest.fixture
def prompt() -> Recorder:
    """A prompt that shows nothing and remembers what it was asked to show."""
    return Recorder()


@pytest.fixture
def signed_in(center: LocalIdentityCenter) -> LocalIdentityCenter:
    """The Identity Center with corp signed in already, as another kernel would have left it."""
    from datetime import datetime, timedelta, timezone

    from sso_magic.common.secret import Secret
    from sso_magic.signin import tokens
    from sso_magic.signin.sessions import find_session

    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    tokens.save(find_session("corp"), tokens.Token(Secret(center.access_token()), soon))
    return center
