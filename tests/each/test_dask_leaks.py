"""What a Dask cluster shows and keeps of a role's keys: nothing on its pages and in logs, nothing after a release."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from distributed import Client, LocalCluster

from sso_magic.dask_cluster import cluster_role as dask
from sso_magic.kernel.kernel_role import KERNEL

PAGES = (
    "/health",
    "/info/main/workers.html",
    "/info/main/logs.html",
    "/json/identity.json",
    "/json/counts.json",
    "/metrics",
    "/sitemap.json",
)


@pytest.fixture
def client():
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as made,
    ):
        yield made


@pytest.fixture
def secrets(signed_in, monkeypatch, client):
    """The keys of a role that is in use on the cluster."""
    from sso_magic.center.shared import shared_center

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    center = shared_center()
    center.role("payments-prod", "ReadOnly").use()
    dask.use(client)
    keys = center.role("payments-prod", "ReadOnly").credentials()
    yield [key.reveal() for key in (keys.access_key_id, keys.secret_access_key, keys.session_token)]
    KERNEL.forget()


def test_no_page_and_no_log_of_a_cluster_shows_a_key(client, secrets):
    assert client.submit(lambda: 1).result() == 1
    base = f"http://127.0.0.1:{client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.http_server.port)}"
    shown = {}
    for page in PAGES:
        shown[page] = _shown(base + page)
    shown["logs"] = str((client.get_scheduler_logs(), client.get_worker_logs(), client.get_events()))
    shown["about"] = str((client.scheduler_info(), client.get_versions(), client.get_metadata([], default=None)))
    found = [(name, number) for name, text in shown.items() for number, key in enumerate(secrets) if key in text]
    assert found == []


def _shown(address: str) -> str:
    """Return what a page shows, an error as well: old Dasks fail at identity.json once a worker has sent measures."""
    try:
        answer = urllib.request.urlopen(address, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.read().decode("utf-8", "replace")


def test_after_a_release_a_scheduler_keeps_no_key(client, secrets):
    def keys(dask_scheduler) -> list[bool]:
        return [any(key.encode() in plugin for plugin in dask_scheduler.worker_plugins.values()) for key in secrets]

    assert client.run_on_scheduler(keys) == [True, True, True]  # workers that join later get them there
    KERNEL.release()
    assert client.run_on_scheduler(keys) == [False, False, False]
