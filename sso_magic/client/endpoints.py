"""From region, FIPS, dual-stack and a custom endpoint to the URL of a service (PROTOCOL.md 3)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sso_magic.errors import ConfigError, EndpointError


@dataclass(frozen=True, slots=True)
class Partition:
    """A group of regions with DNS suffixes of its own (PROTOCOL.md 3.2)."""

    name: str
    regions: str
    dns_suffix: str
    dual_stack_dns_suffix: str
    global_region: str


_PARTITIONS = (
    Partition("aws", r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+", "amazonaws.com", "api.aws", "aws-global"),
    Partition("aws-cn", r"cn-\w+-\d+", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "aws-cn-global"),
    Partition("aws-eusc", r"eusc-(de)-\w+-\d+", "amazonaws.eu", "api.amazonwebservices.eu", ""),
    Partition("aws-iso", r"us-iso-\w+-\d+", "c2s.ic.gov", "api.aws.ic.gov", "aws-iso-global"),
    Partition("aws-iso-b", r"us-isob-\w+-\d+", "sc2s.sgov.gov", "api.aws.scloud", "aws-iso-b-global"),
    Partition("aws-iso-e", r"eu-isoe-\w+-\d+", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "aws-iso-e-global"),
    Partition("aws-iso-f", r"us-isof-\w+-\d+", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "aws-iso-f-global"),
    Partition("aws-us-gov", r"us-gov-\w+-\d+", "amazonaws.com", "api.aws", "aws-us-gov-global"),
)

_HOST_LABEL = re.compile(r"(?![0-9]+\Z)(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")
_FIPS_REGION_MARKS = ("fips-dkr-", "fips-prod-", "fips-", "-fips")


def partition_of(region: str) -> Partition:
    """The partition that has the region; ``aws`` where no partition knows it (PROTOCOL.md 3.2)."""
    for partition in _PARTITIONS:
        if region == partition.global_region or re.fullmatch(partition.regions, region):
            return partition
    return _PARTITIONS[0]


def without_fips_mark(region: str) -> tuple[str, bool]:
    """The real region of a pseudo region such as ``fips-us-east-1``, and whether it was one (PROTOCOL.md 3.3)."""
    if region in ("fips-aws-global", "aws-fips"):
        return "us-east-1", True
    if not any(mark in region for mark in _FIPS_REGION_MARKS):
        return region, False
    for mark in _FIPS_REGION_MARKS:
        region = region.replace(mark, "")
    return region, True


def check_region(region: str, source: str) -> str:
    """The region, if a host name can hold it.

    Raises:
        ConfigError: it cannot; the message names where it came from.
    """
    if not _HOST_LABEL.match(region):
        raise ConfigError(
            f"region from {source} is {region!r}, which no host name can hold; give one such as 'eu-west-1'."
        )
    return region


def check_endpoint(url: str, source: str) -> str:
    """The custom endpoint, if requests can be sent there.

    Raises:
        ConfigError: it is no http or https URL with a host; the message names where it came from.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise ConfigError(
            f"endpoint from {source} is not a URL of the form https://host[:port][/path]; correct it or take it out."
        )
    return url.rstrip("/")


def resolve_endpoint(
    *,
    prefix: str,
    region: str | None,
    use_fips: bool = False,
    use_dual_stack: bool = False,
    endpoint: str | None = None,
) -> str:
    """The base URL, by the rule set that both services share (PROTOCOL.md 3.1).

    Args:
        prefix: The service's first label: ``portal.sso`` or ``oidc``.
        region: The region that hosts the Identity Center instance.
        use_fips: Whether the endpoint has to be FIPS 140 validated.
        use_dual_stack: Whether it has to answer over IPv6 too.
        endpoint: A custom URL, which takes the place of the rules.

    Raises:
        EndpointError: the rules give no URL for these.
    """
    if endpoint is not None:
        for wanted, what in ((use_fips, "FIPS"), (use_dual_stack, "dual-stack")):
            if wanted:
                raise EndpointError(
                    f"{what} is asked for and so is the endpoint {endpoint}; only one of them can be had. "
                    "Take one out, or set ignore_configured_endpoint_urls."
                )
        return endpoint
    if not region:
        raise EndpointError(
            "No region: pass region=, set AWS_REGION, or give the profile a region "
            "(the one that hosts your Identity Center, sso_region)."
        )
    partition = partition_of(region)
    suffix = partition.dual_stack_dns_suffix if use_dual_stack else partition.dns_suffix
    # GovCloud's ordinary hosts are the FIPS ones, but not its dual-stack hosts
    marked = use_fips and (use_dual_stack or partition.name != "aws-us-gov")
    return f"https://{prefix}{'-fips' if marked else ''}.{region}.{suffix}"


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host stays on this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
