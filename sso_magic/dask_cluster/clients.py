"""Clients of a Dask cluster: which one is meant, whether it is connected, and whether its way there is encrypted."""

from __future__ import annotations

import contextlib
import ipaddress
import warnings
from typing import Any

import distributed
from distributed.comm.addressing import get_address_host, parse_address

from sso_magic.errors import UsageError

_SAFE = {"inproc", "tls", "wss", "gateway"}  # a Dask Gateway is always reached by TLS
_PLAIN = {"tcp", "ws"}


class InsecureSchedulerWarning(UserWarning):
    """Credentials are about to go to a scheduler or worker over a network, without TLS."""


def current_client() -> Any:
    """The client that this kernel uses.

    Raises:
        UsageError: There is none.
    """
    try:
        return distributed.Client.current()  # type: ignore[no-untyped-call]
    except ValueError:
        raise UsageError(
            "There is no Dask client in this kernel. Make one first: client = distributed.Client(address)"
        ) from None


def check(client: Any) -> None:
    """Refuses what is no connected client.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(client, distributed.Client):
        raise UsageError(f"A distributed.Client is needed, not {type(client).__name__}.")
    if client.asynchronous:
        raise UsageError("The Dask client is asynchronous: make one with Client(address), without asynchronous=True.")
    if client.status != "running":
        raise UsageError("The Dask client is not connected. Make a new one: client = distributed.Client(address)")


def warn_if_open(client: Any) -> None:
    """Warns if somebody on a network could read what goes to the cluster.

    Warns:
        InsecureSchedulerWarning: Scheduler or workers are reached without TLS, and not on loopback.
    """
    info = client.scheduler_info()
    for address in (client.scheduler.address, info.get("address"), *info["workers"]):
        if address and not is_private(address):
            warnings.warn(
                f"The Dask cluster is reached at {address} without TLS: role credentials can be read on the way. "
                "Give scheduler, workers and client certificates (distributed.Security), or work on loopback.",
                InsecureSchedulerWarning,
                stacklevel=3,
            )
            return


def is_private(address: str) -> bool:
    """Whether what goes to this address of Dask's is encrypted, or stays on this machine."""
    scheme, _ = parse_address(address)
    if scheme in _SAFE:
        return True
    if scheme not in _PLAIN:
        return False
    host = get_address_host(address)
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
