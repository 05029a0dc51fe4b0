"""The regions of AWS, so that a mistyped one is refused with the one that was probably meant.

The codes and names are those of botocore 1.43's ``partitions.json``, which AWS generates. A newer region than these is
accepted if botocore is imported and knows it, or if it continues a series of this list, as eu-west-4 does.
"""

from __future__ import annotations

import difflib
import re
import sys
import unicodedata

from sso_magic.common.text import printable
from sso_magic.errors import UsageError

REGIONS = {
    "af-south-1": "Cape Town",
    "ap-east-1": "Hong Kong",
    "ap-east-2": "Taipei",
    "ap-northeast-1": "Tokyo",
    "ap-northeast-2": "Seoul",
    "ap-northeast-3": "Osaka",
    "ap-south-1": "Mumbai",
    "ap-south-2": "Hyderabad",
    "ap-southeast-1": "Singapore",
    "ap-southeast-2": "Sydney",
    "ap-southeast-3": "Jakarta",
    "ap-southeast-4": "Melbourne",
    "ap-southeast-5": "Malaysia",
    "ap-southeast-6": "New Zealand",
    "ap-southeast-7": "Thailand",
    "ca-central-1": "Canada Central",
    "ca-west-1": "Calgary",
    "cn-north-1": "Beijing",
    "cn-northwest-1": "Ningxia",
    "eu-central-1": "Frankfurt",
    "eu-central-2": "Zurich",
    "eu-isoe-west-1": "EU ISOE West",
    "eu-north-1": "Stockholm",
    "eu-south-1": "Milan",
    "eu-south-2": "Spain",
    "eu-west-1": "Ireland",
    "eu-west-2": "London",
    "eu-west-3": "Paris",
    "eusc-de-east-1": "European Sovereign Cloud",
    "il-central-1": "Tel Aviv",
    "me-central-1": "UAE",
    "me-south-1": "Bahrain",
    "mx-central-1": "Mexico Central",
    "sa-east-1": "Sao Paulo",
    "us-east-1": "N. Virginia",
    "us-east-2": "Ohio",
    "us-gov-east-1": "GovCloud US-East",
    "us-gov-west-1": "GovCloud US-West",
    "us-iso-east-1": "US ISO East",
    "us-iso-west-1": "US ISO West",
    "us-isob-east-1": "US ISOB East",
    "us-isob-west-1": "US ISOB West",
    "us-isof-east-1": "US ISOF East",
    "us-isof-south-1": "US ISOF South",
    "us-west-1": "N. California",
    "us-west-2": "Oregon",
}

# Enabled in an account only after somebody has opted in; the `optInStatus` of EC2's DescribeRegions.
OPT_IN = frozenset(
    {
        "af-south-1",
        "ap-east-1",
        "ap-east-2",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "eu-central-2",
        "eu-south-1",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "mx-central-1",
    }
)

_SERIES = re.compile(r"([a-z]+(?:-[a-z]+)+)-([1-9][0-9]?)")
_ZONE = re.compile(r"([a-z]+(?:-[a-z]+)+-[0-9]+)[a-z]")
_NEAR = 0.6  # how alike a code or a name must be to be suggested (difflib's ratio)


def region_name(text: str) -> str:
    """Return the region that an option names.

    Args:
        text: The code of a region, such as ``eu-west-1``.

    Raises:
        UsageError: It is no region; the message names the nearest.
    """
    text = text.strip()
    if text in REGIONS or _continues_a_series(text) or _botocore_knows(text):
        return text
    near = nearest_region(text)
    if near is not None:
        raise UsageError(f"Unknown region '{printable(text)}'. Did you mean {near} ({REGIONS[near]})?")
    raise UsageError(
        f"Unknown region '{printable(text)}'. Type a code such as eu-west-1; TAB after --region lists them, and "
        "AWS_REGION accepts any."
    )


def is_region(text: str) -> bool:
    """Return True if the text is the code of a region."""
    return text in REGIONS or _continues_a_series(text) or _botocore_knows(text)


def needs_opt_in(region: str) -> bool:
    """Return True if an account has this region only after somebody has opted in, as for every region since 2019."""
    return region in OPT_IN or region not in REGIONS


def _continues_a_series(text: str) -> bool:
    """True for the next number after the last known one, as eu-west-4 is."""
    match = _SERIES.fullmatch(text)
    return match is not None and f"{match[1]}-{int(match[2]) - 1}" in REGIONS


def _botocore_knows(text: str) -> bool:
    if "botocore.loaders" not in sys.modules:  # importing it to refuse a line takes longer than the rest of the magic
        return False
    from botocore.exceptions import BotoCoreError
    from botocore.loaders import Loader

    try:
        partitions = Loader().load_data("partitions")["partitions"]
    except (BotoCoreError, KeyError, OSError):
        return False
    return any(text in partition.get("regions", ()) for partition in partitions)


def nearest_region(text: str) -> str | None:
    """Return the region that a mistyped code, a zone or a place such as Frankfurt probably means; None if none."""
    folded = _plain(text)
    zone = _ZONE.fullmatch(folded)
    if zone and zone[1] in REGIONS:
        return zone[1]
    codes = {**{_plain(place): code for code, place in REGIONS.items()}, **{code: code for code in REGIONS}}
    if folded in codes:
        return codes[folded]
    parts = [code for known, code in codes.items() if len(folded) > 2 and folded in known]
    if parts:
        return min(parts, key=lambda code: re.match(r"..-(iso|gov)", code) is not None)
    # Hyphens left out, or other signs in their place, are the most likely mistakes.
    squeezed = re.sub(r"[^a-z0-9]", "", folded)
    for spelled, code in codes.items():
        if squeezed and re.sub(r"[^a-z0-9]", "", spelled) == squeezed:
            return code
    near = difflib.get_close_matches(folded, codes, 1, _NEAR)
    return codes[near[0]] if near else None


def _plain(text: str) -> str:
    """The text in lower case and without accents."""
    composed = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(character for character in composed if not unicodedata.combining(character))
