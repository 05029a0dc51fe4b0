"""The sample organization, and generated ones of any size."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from sso_magic.local.errors import KnobError

if TYPE_CHECKING:
    from sso_magic.local.directory import Directory

D = TypeVar("D", bound="Directory")

# One name that contains another, accounts with one role and with several, ids that start with 0, a name that is not
# ASCII: what every client has to cope with. What trips some up is in `tricky`.
_SAMPLE = [
    ("402618935571", "management", "aws-root@example.com", ["Billing", "ReadOnly"]),
    ("034817265590", "log-archive", "aws-logs@example.com", ["ReadOnly"]),
    ("518204739966", "security-audit", "aws-security@example.com", ["SecurityAudit", "ReadOnly"]),
    (
        "220947583614",
        "payments-dev",
        "aws-payments-dev@example.com",
        ["AdministratorAccess", "PowerUserAccess", "DataScientist", "ReadOnly"],
    ),
    ("731659028443", "payments-prod", "aws-payments@example.com", ["PowerUserAccess", "DataScientist", "ReadOnly"]),
    ("731659031207", "payments-prod-eu", "aws-payments-eu@example.com", ["DataScientist", "ReadOnly"]),
    ("645098217733", "data-lake", "aws-data@example.com", ["DataEngineer", "DataScientist", "ReadOnly"]),
    ("096431857720", "analytics", "aws-analytics@example.com", ["DataScientist", "ReadOnly"]),
    ("873320164592", "ml-sandbox", "aws-ml@example.com", ["PowerUserAccess"]),
    ("359172046885", "web-shop-prod", "aws-shop@example.com", ["ReleaseManager", "ReadOnly"]),
    ("184650937218", "web-shop-staging", "aws-shop-staging@example.com", ["PowerUserAccess", "ReadOnly"]),
    ("560283419977", "old-intranet", "old-intranet@example.com", ["ReadOnly"]),
    ("907364152280", "Büro Zürich", "aws-zurich@example.com", ["PowerUserAccess", "ReadOnly"]),
    ("268814057399", "corporate-it", "aws-it@example.com", ["Billing"]),
]

_TRICKY: list[tuple[str, str | None, str | None, list[str]]] = [
    ("560283419977", None, "old-intranet@example.com", ["ReadOnly"]),
    ("000000000042", "shared", "shared-one@example.com", ["ReadOnly"]),
    ("990000000042", "shared", "shared-two@example.com", ["ReadOnly"]),
    ("613094827715", 'R&D ["lab"] <b>; # $HOME', "lab@example.com", ["ReadOnly"]),
    ("731659028444", "731659028443", "digits@example.com", ["ReadOnly"]),
    ("482005917366", "  padded  ", None, ["ReadOnly"]),
    ("275918460031", "long-" + "x" * 45, "long@example.com", ["Role_with.every+char=a,b@c-d", "x" * 32, "0"]),
    ("158840273669", "東京 🗼", "tokyo@example.com", ["ReadOnly"]),
]

_TEAMS = """
payments checkout search catalog identity billing fraud shipping orders pricing inventory marketing
analytics data-lake ml-platform recommendations messaging notifications mobile web-shop partner-api
reporting finance hr legal security network observability build-tools sandbox support returns loyalty media
maps warehouse forecasting experiments archive backup
"""
_STAGES = ["prod", "staging", "dev", "test", "qa", "sandbox"]
_REGIONS = ["", "eu", "us", "apac", "uk", "de", "fr", "ca", "br", "jp", "in", "au"]
_ROLES = """
ReadOnly PowerUserAccess AdministratorAccess DataScientist Billing DataEngineer SecurityAudit NetworkAdmin
ReleaseManager SupportUser DatabaseAdmin Developer
"""


_POLICIES = {  # the managed policies of each permission set
    "AdministratorAccess": ["AdministratorAccess"],
    "Billing": ["job-function/Billing"],
    "DataEngineer": ["PowerUserAccess"],
    "DataScientist": ["job-function/DataScientist", "AmazonS3FullAccess"],
    "DatabaseAdmin": ["job-function/DatabaseAdministrator"],
    "Developer": ["PowerUserAccess"],
    "NetworkAdmin": ["job-function/NetworkAdministrator"],
    "PowerUserAccess": ["PowerUserAccess"],
    "ReadOnly": ["ReadOnlyAccess"],
    "ReleaseManager": ["PowerUserAccess"],
    "SecurityAudit": ["SecurityAudit"],
    "SupportUser": ["job-function/SupportUser"],
}


def _with_permission_sets(organization: D) -> D:
    """Add what the roles that are assigned may do: to read, if they are of no known kind."""
    names = {
        role
        for user in organization.users
        for account in organization.accounts_of(user.name)
        for role in organization.roles_of(user.name, account.id)
    }
    for name in sorted(names):
        policies = _POLICIES.get(name, ["ReadOnlyAccess"])
        organization.add_permission_set(name, *(f"arn:aws:iam::aws:policy/{policy}" for policy in policies))
    return organization


def sample(organization: D) -> D:
    """Fill an empty organization with a company's accounts.

    Alex Taylor sees all, Sam Okafor two, Robin Meyer has only just started.
    """
    organization.add_user("alex", "Alex Taylor", "alex.taylor@example.com")
    organization.add_user("sam", "Sam Okafor", "sam.okafor@example.com")
    organization.add_user("robin", "Robin Meyer", "robin.meyer@example.com")
    for account_id, name, email, roles in _SAMPLE:
        organization.add_account(account_id, name, email)
        organization.assign("alex", account_id, *roles)
    organization.assign("sam", "220947583614", "PowerUserAccess")
    organization.assign("sam", "731659028443", "ReadOnly")
    return _with_permission_sets(organization)


def tricky(organization: D) -> D:
    """Fill it with the sample, and accounts that trip some clients up: what AWS allows and few expect.

    An account without a name, two of one name, names with characters that shells, INI files and HTML interpret, a very
    long name, a name that is another account's id, an account without an e-mail address, and role names of every
    character that AWS allows.
    """
    sample(organization)
    for account_id, name, email, roles in _TRICKY:
        organization.add_account(account_id, name, email)
        organization.assign("alex", account_id, *roles)
    return _with_permission_sets(organization)


def generated(organization: D, accounts: int, roles: int = 3, seed: int = 0) -> D:
    """Fill it with as many accounts with as many roles each, for one user; equal arguments make equal organizations.

    Raises:
        KnobError: a number is below 0, or above what 12 digits and AWS's own limit of 500 roles an account allow.
    """
    if not 0 <= accounts <= 1_000_000 or not 0 <= roles <= 500:
        raise KnobError(f"0 to 1,000,000 accounts with 0 to 500 roles can be generated, not {accounts} with {roles}.")
    draw = random.Random(seed)  # noqa: S311 - a made-up company, not a secret
    names = [
        "-".join(part for part in (team, stage, region) if part)
        for region in _REGIONS
        for team in _TEAMS.split()
        for stage in _STAGES
    ]
    draw.shuffle(names)
    common = _ROLES.split()
    role_names = [*common, *(f"Team{number:03}Access" for number in range(1, roles - len(common) + 1))]
    organization.add_user("alex", "Alex Taylor", "alex.taylor@example.com")
    for index, account_id in enumerate(draw.sample(range(10_000_000_000, 1_000_000_000_000), accounts)):
        round_, position = divmod(index, len(names))
        name = names[position] + (f"-{round_ + 1}" if round_ else "")
        digits = f"{account_id:012}"
        organization.add_account(digits, name, f"aws-{name}@example.com")
        if roles:
            organization.assign("alex", digits, *draw.sample(role_names, min(roles, len(role_names))))
    return _with_permission_sets(organization)
