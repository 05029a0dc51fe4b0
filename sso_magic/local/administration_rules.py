"""What AWS's administrator APIs refuse and moto takes, and operations that moto lacks and Terraform needs.

Sources: the API references of IAM Identity Center, Identity Store and Organizations.
"""

from __future__ import annotations

import re
import time
import unicodedata
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from sso_magic.local.policies import is_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.local.moto_organization import MotoOrganization

_ATTRIBUTES = {  # of UpdateUser and UpdateGroup, by lower case: moto's fields
    "displayname": "DisplayName", "username": "UserName", "nickname": "NickName", "profileurl": "ProfileUrl",
    "emails": "Emails", "addresses": "Addresses", "phonenumbers": "PhoneNumbers", "usertype": "UserType",
    "title": "Title", "preferredlanguage": "PreferredLanguage", "locale": "Locale", "timezone": "Timezone",
    "description": "Description", "name": "Name",
}  # fmt: skip
_NAME_PARTS = ("Formatted", "FamilyName", "GivenName", "MiddleName", "HonorificPrefix", "HonorificSuffix")
_MISSING = "ResourceNotFoundException"


class Refused(Exception):
    """A request that AWS refuses with this error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Rules:
    """The rules for one request.

    Args:
        backends: moto's backends, equal to the organization.
        region: The region that the request is for.
    """

    def __init__(self, backends: MotoOrganization, region: str) -> None:
        self._backends = backends
        self._is_home = region == backends.region
        self._services: dict[str, Callable[[str, dict[str, Any]], Any]] = {
            "sso": self._admin,
            "identitystore": self._store,
            "organizations": self._organizations,
        }

    def apply(self, service: str, operation: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer, or None if moto is to answer; add to the body what AWS takes for what is missing.

        Raises:
            Refused: AWS refuses the request.
        """
        self._check_types(service, operation, body)
        answer: dict[str, Any] | None = self._services[service](operation, body)
        return answer

    @staticmethod
    def _check_types(service: str, operation: str, body: dict[str, Any]) -> None:
        """Refuse a body that lacks what the operation's model requires, or has other types in it."""
        from botocore.validate import ParamValidator

        shape = _input_shapes(service).get(operation)
        if shape is not None:
            known = {name: value for name, value in body.items() if name in shape.members and value is not None}
            report = ParamValidator().validate(known, shape)
            if report.has_errors():
                code = "InvalidInputException" if service == "organizations" else "ValidationException"
                raise Refused(code, report.generate_report().replace("\n", "; "))

    # ---- sso-admin ----

    def _admin(self, operation: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if operation == "ListInstances":
            return None if self._is_home else {"Instances": []}
        arn = body.get("InstanceArn")
        if arn is not None and (arn != self._backends.instance_arn or not self._is_home):
            raise Refused(_MISSING, f"Could not find Instance with ARN {arn}")
        action: Callable[[dict[str, Any]], dict[str, Any] | None] | None = {
            "DescribeInstance": lambda _: self._backends.admin.instances[0].to_json(),
            "CreatePermissionSet": self._create_permission_set,
            "UpdatePermissionSet": self._update_permission_set,
            "PutInlinePolicyToPermissionSet": self._check_policy,
            "DeletePermissionSet": self._delete_permission_set,
            "CreateAccountAssignment": self._create_assignment,
            "ProvisionPermissionSet": self._provision,
            "DescribePermissionSetProvisioningStatus": self._provisioned,
            "ListPermissionSetsProvisionedToAccount": self._permission_sets_in,
            "ListAccountsForProvisionedPermissionSet": self._accounts_with,
            "ListTagsForResource": lambda fields: {"Tags": self._permission_set(fields, "ResourceArn").tags or []},
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }.get(operation)
        return action(body) if action is not None else None

    def _permission_set(self, body: dict[str, Any], name: str = "PermissionSetArn") -> Any:
        arn = body.get(name)
        for one in self._backends.admin.permission_sets:
            if one.permission_set_arn == arn:
                return one
        raise Refused(_MISSING, f"Could not find PermissionSet with id {str(arn).rpartition('/')[2]}")

    def _create_permission_set(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body.get("Name")
        if not isinstance(name, str) or not re.fullmatch(r"[\w+=,.@-]{1,32}", name, re.ASCII):
            raise Refused("ValidationException", "Name: 1 to 32 of [\\w+=,.@-]+ are required")
        if any(one.name == name for one in self._backends.admin.permission_sets):
            raise Refused("ConflictException", f"PermissionSet with name {name} already exists.")
        admin = self._backends.admin
        admin.create_permission_set(
            name,
            body.get("Description"),
            body["InstanceArn"],
            body.get("SessionDuration") or "PT1H",
            body.get("RelayState"),
            body.get("Tags") or [],
        )
        made = admin.permission_sets[-1]  # moto gives it the ARN of an instance
        made.permission_set_arn = self._backends.permission_set_arn(str(uuid.uuid4()))
        return {"PermissionSet": made.to_json(include_creation_date=True)}

    def _update_permission_set(self, body: dict[str, Any]) -> None:
        """Keep what the request does not name."""
        one = self._permission_set(body)
        for name, value in (
            ("Description", one.description),
            ("SessionDuration", one.session_duration),
            ("RelayState", one.relay_state),
        ):
            if body.get(name) is None and value is not None:
                body[name] = value

    def _check_policy(self, body: dict[str, Any]) -> None:
        if not is_policy(body["InlinePolicy"]):
            raise Refused("ValidationException", "The inline policy is not a valid policy document.")

    def _delete_permission_set(self, body: dict[str, Any]) -> None:
        arn = self._permission_set(body).permission_set_arn
        if any(one.permission_set_arn == arn for one in self._backends.admin.account_assignments):
            raise Refused("ConflictException", "PermissionSet has ApplicationProfile associated with it.")

    def _create_assignment(self, body: dict[str, Any]) -> dict[str, Any] | None:
        kind, target = str(body.get("PrincipalType")), body.get("TargetId")
        principals: dict[str, dict[str, Any]] = {
            "USER": self._backends.store.users,
            "GROUP": self._backends.store.groups,
        }
        if kind not in principals or body.get("TargetType") != "AWS_ACCOUNT":
            raise Refused("ValidationException", "PrincipalType is USER or GROUP, and TargetType is AWS_ACCOUNT")
        arn = self._permission_set(body).permission_set_arn
        if body.get("PrincipalId") not in principals[kind]:
            raise Refused(_MISSING, f"{kind} not found: {body.get('PrincipalId')}")
        self._account(target)
        wanted = (target, arn, kind, body.get("PrincipalId"))
        for one in self._backends.admin.account_assignments:
            if wanted == (one.target_id, one.permission_set_arn, one.principal_type, one.principal_id):
                status = one.to_json(include_creation_date=True, include_request_id=True)
                return {"AccountAssignmentCreationStatus": {**status, "Status": "SUCCEEDED"}}
        return None

    def _account(self, account_id: Any) -> None:
        accounts = self._backends.organizations.accounts
        if not any(one.id == account_id and one.status == "ACTIVE" for one in accounts):
            raise Refused(_MISSING, f"Account not found: {account_id}")

    def _provision(self, body: dict[str, Any]) -> dict[str, Any]:
        one = self._permission_set(body)
        status = {"PermissionSetArn": one.permission_set_arn, "RequestId": str(uuid.uuid4()), "Status": "SUCCEEDED"}
        if body.get("TargetType") == "AWS_ACCOUNT":
            self._account(body.get("TargetId"))
            status["AccountId"] = body["TargetId"]
        return {"PermissionSetProvisioningStatus": {**status, "CreatedDate": time.time()}}

    def _provisioned(self, body: dict[str, Any]) -> dict[str, Any]:
        """Everything is provisioned at once, so every request has succeeded."""
        return {
            "PermissionSetProvisioningStatus": {
                "RequestId": body.get("ProvisionPermissionSetRequestId"),
                "Status": "SUCCEEDED",
                "CreatedDate": time.time(),
            }
        }

    def _permission_sets_in(self, body: dict[str, Any]) -> dict[str, Any]:
        self._account(body.get("AccountId"))
        assignments = self._backends.admin.account_assignments
        found = [one.permission_set_arn for one in assignments if one.target_id == body["AccountId"]]
        return {"PermissionSets": list(dict.fromkeys(found))}

    def _accounts_with(self, body: dict[str, Any]) -> dict[str, Any]:
        arn = self._permission_set(body).permission_set_arn
        assignments = self._backends.admin.account_assignments
        found = [one.target_id for one in assignments if one.permission_set_arn == arn]
        return {"AccountIds": list(dict.fromkeys(found))}

    def _tag(self, body: dict[str, Any]) -> dict[str, Any]:
        one = self._permission_set(body, "ResourceArn")
        tags = {tag["Key"]: tag["Value"] for tag in [*(one.tags or []), *body.get("Tags", [])]}
        one.tags = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {}

    def _untag(self, body: dict[str, Any]) -> dict[str, Any]:
        one = self._permission_set(body, "ResourceArn")
        one.tags = [tag for tag in one.tags or [] if tag["Key"] not in body.get("TagKeys", [])]
        return {}

    # ---- identitystore ----

    def _store(self, operation: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if body.get("IdentityStoreId") != self._backends.identity_store_id or not self._is_home:
            raise Refused(_MISSING, f"IdentityStore not found: {body.get('IdentityStoreId')}")
        store = self._backends.store
        if operation == "CreateUser":
            _check_user_name(body.get("UserName"))
        elif operation == "CreateGroup" and not body.get("DisplayName"):
            raise Refused("ValidationException", "displayName is a required attribute")
        elif operation == "CreateGroupMembership":
            pair = (body.get("GroupId"), (body.get("MemberId") or {}).get("UserId"))
            if any((one["GroupId"], one["MemberId"]["UserId"]) == pair for one in store.group_memberships.values()):
                raise Refused("ConflictException", "Member and Group relationship already exists")
        elif operation in {"UpdateUser", "UpdateGroup"}:
            key, found = ("UserId", store.users) if operation == "UpdateUser" else ("GroupId", store.groups)
            return self._update(found, key, body)
        return None

    def _update(self, found: dict[str, Any], key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Set attributes of a user or group, all or none."""
        one: Any = found.get(body.get(key, ""))
        if one is None:
            raise Refused(_MISSING, f"{key.removesuffix('Id').upper()} not found.")
        changed = one
        for operation in body.get("Operations", []):
            path, value = str(operation.get("AttributePath", "")), operation.get("AttributeValue")
            name, _, part = path.partition(".")
            attribute = _ATTRIBUTES.get(name.lower(), "")
            if attribute not in one._fields:
                raise Refused("ValidationException", f"The attribute {path} is not supported")
            if attribute == "Name":
                value = _renamed(changed.Name, part, value)
            changed = changed._replace(**{attribute: value})
        unique = "UserName" if key == "UserId" else "DisplayName"
        _check_user_name(getattr(changed, unique), spaces=key == "GroupId")
        if any(getattr(other, unique) == getattr(changed, unique) for other in found.values() if other is not one):
            raise Refused("ConflictException", f"Duplicate {unique}")
        found[body[key]] = changed
        return {}

    # ---- organizations ----

    def _organizations(self, operation: str, body: dict[str, Any]) -> None:
        if body.get("AccountId") == self._backends.management.id:
            if operation == "CloseAccount":
                raise Refused("ConstraintViolationException", "You cannot close the management account.")
            if operation == "RemoveAccountFromOrganization":
                raise Refused(
                    "MasterCannotLeaveOrganizationException", "The management account cannot leave its organization."
                )


@cache
def _input_shapes(service: str) -> dict[str, Any]:
    """Return the model of each operation's input."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("sso-admin" if service == "sso" else service)
    return {name: shape for name in model.operation_names if (shape := model.operation_model(name).input_shape)}


def _check_user_name(name: Any, *, spaces: bool = False) -> None:
    """AWS takes letters, marks, symbols, numbers and punctuation; in the name of a group spaces too."""

    def fits(letter: str) -> bool:
        return unicodedata.category(letter)[0] in "LMSNP" or (spaces and letter == " ")

    if not isinstance(name, str) or not 0 < len(name) <= 1024 or not all(map(fits, name)):
        raise Refused("ValidationException", "The name has to consist of letters, numbers, symbols and punctuation")


def _renamed(name: Any, part: str, value: Any) -> Any:
    """Return a user's name with one part, or all of it, replaced."""
    from moto.identitystore.models import Name

    if not part:
        return Name.from_dict(value if isinstance(value, dict) else {})
    by_lower_case = {one.lower(): one for one in _NAME_PARTS}
    if part.lower() not in by_lower_case:
        raise Refused("ValidationException", f"The attribute name.{part} is not supported")
    return (name or Name(*[None] * 6))._replace(**{by_lower_case[part.lower()]: value})
