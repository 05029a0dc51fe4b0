"""moto's Organizations, Identity Store and SSO Admin backends, made equal to the organization, and read again.

The organization is the source of truth for users, groups, accounts, permission sets and assignments. What only moto
has (tags, customer managed policies, organizational units) is left as it is.
"""

from __future__ import annotations

import copy
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.identitystore.models import Group, IdentityStoreData, Name, User, identitystore_backends
from moto.organizations.models import organizations_backends
from moto.ssoadmin.models import AccountAssignment, ManagedPolicy, PermissionSet, ssoadmin_backends

from sso_magic.local import directory as local
from sso_magic.local.organization_edits import Snapshot
from sso_magic.local.policies import managed_policies

if TYPE_CHECKING:
    from sso_magic.local.organization import Organization

_PARTITION = "aws"
_MARK = "sso_magic_state"  # an attribute of each backend, which moto's own reset removes


def digits(text: str, number: int) -> str:
    """Return as many hexadecimal digits, the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:number]


class MotoOrganization:
    """The backends of one management account.

    Args:
        management: The management account.
        region: The Identity Center's region.
    """

    def __init__(self, management: local.Account, region: str) -> None:
        self.management = management
        self.region = region
        self.instance_arn = f"arn:aws:sso:::instance/ssoins-{digits(management.id, 16)}"
        self.identity_store_id = f"d-{digits(management.id, 10)}"
        # Any: the types that moto declares are narrower than what it takes
        self.admin: Any = ssoadmin_backends[management.id][region]
        self.organizations: Any = organizations_backends[management.id][_PARTITION]
        self._store_backend: Any = identitystore_backends[management.id][region]

    @property
    def store(self) -> IdentityStoreData:
        """Users, groups and memberships."""
        store: IdentityStoreData = self._store_backend.identity_stores.setdefault(
            self.identity_store_id, IdentityStoreData()
        )
        return store

    def permission_set_arn(self, text: str) -> str:
        """Return an ARN of a permission set, the same for the same text."""
        return f"{self.instance_arn.replace(':instance/', ':permissionSet/')}/ps-{digits(text, 16)}"

    def is_at(self, state: tuple[int, int]) -> bool:
        """Return True if the backends were made equal to this state of the organization, and not reset since."""
        return all(vars(backend).get(_MARK) == state for backend in self._backends())

    def push(self, organization: Organization, state: tuple[int, int]) -> None:
        """Make the backends equal to the organization."""
        wanted = Snapshot.of(organization)
        instance = self.admin.instances[0]
        instance.instance_arn, instance.identity_store_id = self.instance_arn, self.identity_store_id
        # moto looks for "path" where its data has "Path": without this it refuses every policy with a path
        self.admin.aws_managed_policies = {
            name: {"path": policy["Path"]} for name, policy in managed_policies().items()
        }
        self._push_accounts(wanted)
        self._push_users(organization, wanted)
        self._push_groups(organization, wanted)
        self._push_permission_sets(organization, wanted)
        self._push_assignments(wanted)
        for backend in self._backends():
            setattr(backend, _MARK, state)

    def prune(self) -> None:
        """Remove what AWS removes with a user or group: memberships and assignments, which moto leaves."""
        store = self.store
        store.group_memberships = {
            key: one
            for key, one in store.group_memberships.items()
            if one["GroupId"] in store.groups and one["MemberId"]["UserId"] in store.users
        }
        principals = {*store.users, *store.groups}
        self.admin.account_assignments = [
            one for one in self.admin.account_assignments if one.principal_id in principals
        ]

    def pull(self) -> Snapshot:
        """Return what the backends have."""
        store = self.store
        names = {key: user.UserName for key, user in store.users.items()}
        groups = {key: group.DisplayName for key, group in store.groups.items()}
        found = Snapshot()
        for key, user in store.users.items():
            found.users[user.UserName] = local.User(user.UserName, user.DisplayName or user.UserName, _email(user))
            found.ids["user", user.UserName] = key
        members: dict[str, list[str]] = {name: [] for name in groups.values()}
        for key, one in store.group_memberships.items():
            group, user_name = groups[one["GroupId"]], names[one["MemberId"]["UserId"]]
            members[group].append(user_name)
            found.ids["membership", group, user_name] = key
        found.groups = {name: tuple(dict.fromkeys(found_members)) for name, found_members in members.items()}
        found.ids.update({("group", name): key for key, name in groups.items()})
        found.accounts = {
            one.id: local.Account(one.id, one.name or None, one.email or None)
            for one in self.organizations.accounts
            if one.status == "ACTIVE"
        }
        roles = {}
        for one in self.admin.permission_sets:
            policies = tuple(policy.arn for policy in one.managed_policies)
            found.permission_sets[one.name] = local.PermissionSet(
                one.name, policies, one.description or "", one.inline_policy
            )
            found.ids["permission set", one.name] = one.permission_set_arn
            roles[one.permission_set_arn] = one.name
        for one in self.admin.account_assignments:
            if one.target_id in found.accounts:
                principal = (names if one.principal_type == "USER" else groups)[one.principal_id]
                role = roles[one.permission_set_arn]
                found.assignments[local.Assignment(one.principal_type, principal, one.target_id, role)] = None
        return found

    def _backends(self) -> tuple[Any, ...]:
        return self.admin, self.organizations, self._store_backend

    # ---- the organization's parts, each made equal ----

    def _push_accounts(self, wanted: Snapshot) -> None:
        backend = self.organizations
        if backend.org is None:
            backend.create_organization(self.region, FeatureSet="ALL")
            self._name_organization()
        pattern = backend.accounts[0]
        known = {one.id: one for one in backend.accounts if one.status == "ACTIVE"}
        latest = max(one.create_time for one in backend.accounts)
        kept = [one for one in backend.accounts if one.status != "ACTIVE" and one.id not in wanted.accounts]
        for account_id, account in wanted.accounts.items():
            one = known.get(account_id)
            if one is None:
                one = copy.copy(pattern)  # a new one would come with a role in an account of moto's own invention
                one.id, one.parent_id = account_id, backend.org.root_id
                latest += timedelta(microseconds=1)  # moto's pages need a time for each
                one.create_time = latest
                one.create_account_status_id = f"car-{digits(account_id, 32)}"
                one.tags, one.attached_policies = {}, []
                for policy in backend.policies:
                    if policy.aws_managed:
                        policy.attachments.append(one)
                        one.attached_policies.append(policy)
            one.name, one.email = account.name or "", account.email or ""
            kept.append(one)
        left = {id(one) for one in kept}
        for policy in backend.policies:
            policy.attachments = [
                one for one in policy.attachments if one.type != "ACCOUNT" or id(one) in left
            ]  # a removed account
        backend.accounts = kept
        backend.org.master_account_email = self.management.email or ""
        masters = organizations_backends.master_accounts
        for account_id in [key for key, (owner, _) in masters.items() if owner == self.management.id]:
            del masters[account_id]
        masters.update({one.id: (self.management.id, _PARTITION) for one in kept if one.id != self.management.id})

    def _name_organization(self) -> None:
        """Give the new organization identifiers that are the same after a restart."""
        backend, number = self.organizations, self.management.id
        backend.org.id, backend.org.root_id = f"o-{digits(number, 10)}", f"r-{digits(number, 4)}"
        for one in (*backend.ou, *backend.accounts, *backend.policies):
            one.organization_id = backend.org.id
        for one in backend.ou:
            one.id = backend.org.root_id
        for one in backend.accounts:
            one.parent_id = backend.org.root_id

    def _push_users(self, organization: Organization, wanted: Snapshot) -> None:
        store = self.store
        known = {user.UserName: user for user in store.users.values()}
        users = {}
        for name, user in wanted.users.items():
            key = known[name].UserId if name in known else organization.identifier("user", name)
            users[key] = self._user(key, user, known.get(name))
        store.users = users

    def _user(self, key: str, user: local.User, known: Any) -> Any:
        emails = [{"Value": user.email, "Type": "work", "Primary": True}] if user.email else []
        if known is None:
            given, _, family = user.display_name.partition(" ")
            name = Name(user.display_name, family or given, given, None, None, None)
            none: Any = (None,) * (len(User._fields) - 8)
            make: Any = User
            return make(key, self.identity_store_id, user.name, name, user.display_name, None, None, emails, *none)
        if (known.DisplayName, _email(known)) == (user.display_name, user.email):
            return known
        return known._replace(DisplayName=user.display_name, Emails=emails)

    def _push_groups(self, organization: Organization, wanted: Snapshot) -> None:
        store = self.store
        known = {group.DisplayName: group for group in store.groups.values()}
        groups: dict[str, Any] = {}
        make: Any = Group
        for name in wanted.groups:
            group = known.get(name)
            if group is None:
                group = make(organization.identifier("group", name), name, [], None, self.identity_store_id)
            groups[group.GroupId] = group
        store.groups = groups
        users = {user.UserName: key for key, user in store.users.items()}
        pairs = {(one["GroupId"], one["MemberId"]["UserId"]): key for key, one in store.group_memberships.items()}
        store.group_memberships = {}
        for group_id, group in groups.items():
            for member in wanted.groups[group.DisplayName]:
                if member in users:
                    derived = organization.identifier("membership", group.DisplayName, member)
                    key = pairs.get((group_id, users[member]), derived)
                    store.group_memberships[key] = {
                        "IdentityStoreId": self.identity_store_id,
                        "MembershipId": key,
                        "GroupId": group_id,
                        "MemberId": {"UserId": users[member]},
                    }

    def _push_permission_sets(self, organization: Organization, wanted: Snapshot) -> None:
        known = {one.name: one for one in self.admin.permission_sets}
        make: Any = PermissionSet
        sets = []
        for name, permission_set in wanted.permission_sets.items():
            one = known.get(name)
            if one is None:
                one = make(name, permission_set.description, self.instance_arn, "PT1H", None, [])
                known_arn = organization.ids.get(("permission set", name))
                one.permission_set_arn = known_arn or self.permission_set_arn(self.management.id + name)
            one.inline_policy = permission_set.inline_policy
            if (one.description or "") != permission_set.description:
                one.description = permission_set.description
            arns = [policy.arn for policy in one.managed_policies]
            if arns != list(permission_set.managed_policies):
                one.managed_policies = [
                    ManagedPolicy(arn, arn.rpartition("/")[2]) for arn in permission_set.managed_policies
                ]
                one.total_managed_policies_attached = len(one.managed_policies) + len(one.customer_managed_policies)
            sets.append(one)
        self.admin.permission_sets = sets

    def _push_assignments(self, wanted: Snapshot) -> None:
        arns = {one.name: one.permission_set_arn for one in self.admin.permission_sets}
        users = {user.UserName: key for key, user in self.store.users.items()}
        groups = {group.DisplayName: key for key, group in self.store.groups.items()}
        known = {
            (one.principal_type, one.principal_id, one.target_id, one.permission_set_arn): one
            for one in self.admin.account_assignments
        }
        assignments = []
        for one in wanted.assignments:
            principal_id = (users if one.kind == "USER" else groups).get(one.principal)
            arn = arns[one.role]
            if principal_id is not None:
                assignments.append(
                    known.get((one.kind, principal_id, one.account_id, arn))
                    or AccountAssignment(self.instance_arn, one.account_id, "AWS_ACCOUNT", arn, one.kind, principal_id)
                )
        self.admin.account_assignments = assignments


def _email(user: User) -> str:
    """Return the primary e-mail address, the first if none is marked."""
    emails = sorted(user.Emails or [], key=lambda email: not email.get("Primary"))
    return emails[0].get("Value", "") if emails else ""
