"""The administrator's APIs see the Identity Center's organization, and what is made there can be signed in to."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from sso_magic.local import LocalIdentityCenter, Organization
from sso_magic.local.errors import KnobError

MANAGEMENT, PROD, DEV = "402618935571", "731659028443", "220947583614"
READ_S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture(scope="module")
def in_process():
    with LocalIdentityCenter(aws="in-process") as center:
        center.wait_until_ready()
        yield center


@pytest.fixture
def center(request):
    if getattr(request, "param", True) == "in-process":
        center = request.getfixturevalue("in_process")
        center.reset()
        return center
    return request.getfixturevalue("local_identity_center")


both = pytest.mark.parametrize("center", [True, "in-process"], indirect=True, ids=["process", "in-process"])


def client_of(center, service, user=None, account=MANAGEMENT, role="ReadOnly", region="eu-west-1", config=None):
    sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=center.url)
    answer = sso.get_role_credentials(accessToken=center.access_token(user), accountId=account, roleName=role)
    keys = answer["roleCredentials"]
    return boto3.client(
        service,
        region_name=region,
        config=config,
        endpoint_url=center.aws_url,
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )


def administrator_of(center):
    """Return clients of the three services, and the arguments that each of their calls has."""
    clients = {name: client_of(center, name) for name in ("sso-admin", "identitystore", "organizations")}
    [instance] = clients["sso-admin"].list_instances()["Instances"]
    return SimpleNamespace(
        admin=clients["sso-admin"],
        store=clients["identitystore"],
        organizations=clients["organizations"],
        instance={"InstanceArn": instance["InstanceArn"]},
        store_id={"IdentityStoreId": instance["IdentityStoreId"]},
        owner=instance["OwnerAccountId"],
    )


@pytest.fixture
def administrator(center):
    return administrator_of(center)


def make_user(administrator, name="kim", **more):
    return administrator.store.create_user(
        **administrator.store_id,
        UserName=name,
        DisplayName="Kim Park",
        Name={"GivenName": "Kim", "FamilyName": "Park"},
        Emails=[{"Value": "kim@example.org", "Primary": True}],
        **more,
    )["UserId"]


def make_permission_set(administrator, name="Auditor", *policies):
    made = administrator.admin.create_permission_set(**administrator.instance, Name=name, Description="audits")
    arn = made["PermissionSet"]["PermissionSetArn"]
    for policy in policies:
        administrator.admin.attach_managed_policy_to_permission_set(
            **administrator.instance, PermissionSetArn=arn, ManagedPolicyArn=policy
        )
    return arn


def assignment(administrator, arn, principal, account=PROD, kind="USER"):
    return {
        **administrator.instance,
        "PermissionSetArn": arn,
        "PrincipalType": kind,
        "PrincipalId": principal,
        "TargetId": account,
        "TargetType": "AWS_ACCOUNT",
    }


def ids_of_users(administrator):
    users = administrator.store.list_users(**administrator.store_id)["Users"]
    return {user["UserName"]: user["UserId"] for user in users}


def refused(call, **fields):
    with pytest.raises(ClientError) as caught:
        call(**fields)
    return caught.value.response["Error"]["Code"]


# ---- what there is ----


@both
def test_they_list_the_organization(center, administrator):
    organization = center.organization
    assert administrator.owner == MANAGEMENT
    users = administrator.store.get_paginator("list_users").paginate(**administrator.store_id).search("Users[]")
    assert [(user["UserName"], user["DisplayName"], user["Emails"][0]["Value"]) for user in users] == [
        (user.name, user.display_name, user.email) for user in organization.users
    ]
    pages = administrator.organizations.get_paginator("list_accounts").paginate()
    accounts = {one["Id"]: (one["Name"], one["Email"]) for one in pages.search("Accounts[]")}
    assert accounts == {one.id: (one.name, one.email) for one in organization.accounts}
    arns = list(
        administrator.admin.get_paginator("list_permission_sets")
        .paginate(**administrator.instance, PaginationConfig={"PageSize": 3})
        .search("PermissionSets[]")
    )
    described = [
        administrator.admin.describe_permission_set(**administrator.instance, PermissionSetArn=arn)["PermissionSet"]
        for arn in arns
    ]
    assert [one["Name"] for one in described] == [one.name for one in organization.permission_sets]
    names = {one["PermissionSetArn"]: one["Name"] for one in described}
    ids = {
        user["UserName"]: user["UserId"] for user in administrator.store.list_users(**administrator.store_id)["Users"]
    }
    of_sam = administrator.admin.list_account_assignments_for_principal(
        **administrator.instance, PrincipalId=ids["sam"], PrincipalType="USER"
    )["AccountAssignments"]
    assert {(one["AccountId"], names[one["PermissionSetArn"]]) for one in of_sam} == {
        (DEV, "PowerUserAccess"),
        (PROD, "ReadOnly"),
    }
    in_dev = administrator.admin.list_permission_sets_provisioned_to_account(**administrator.instance, AccountId=DEV)
    assert {names[arn] for arn in in_dev["PermissionSets"]} == set(organization.roles_of("alex", DEV))
    assert administrator.organizations.describe_organization()["Organization"]["MasterAccountId"] == MANAGEMENT


def test_a_large_organization_and_one_of_names_that_trip_clients_up_are_listed_whole(center):
    for organization in (Organization.generated(150, 2), Organization.tricky()):
        center.organization = organization
        first = organization.accounts[0]
        role = organization.roles_of("alex", first.id)[0]
        client = client_of(center, "organizations", account=first.id, role=role)
        found = [one["Id"] for one in client.get_paginator("list_accounts").paginate().search("Accounts[]")]
        assert sorted(found) == sorted(account.id for account in organization.accounts)


@both
def test_what_changes_in_python_is_seen_at_the_next_call_and_identifiers_stay(center, administrator):
    before = ids_of_users(administrator)
    center.organization.add_user("kim")
    center.organization.remove_user("robin")
    after = ids_of_users(administrator)
    assert set(after) == {"alex", "sam", "kim"}
    assert {name: after[name] for name in ("alex", "sam")} == {name: before[name] for name in ("alex", "sam")}
    center.organization.remove_account(PROD)
    accounts = administrator.organizations.list_accounts()["Accounts"]
    assert PROD not in {one["Id"] for one in accounts}
    center.organization.add_account(PROD, "again", "again@example.com")
    assert administrator.organizations.describe_account(AccountId=PROD)["Account"]["Name"] == "again"


# ---- what is made ----


@both
def test_a_user_a_permission_set_and_an_assignment_can_be_signed_in_to_and_used(center, administrator):
    user_id = make_user(administrator)
    arn = make_permission_set(administrator, "Auditor", READ_S3)
    wanted = assignment(administrator, arn, user_id)
    request = administrator.admin.create_account_assignment(**wanted)["AccountAssignmentCreationStatus"]
    status = administrator.admin.describe_account_assignment_creation_status(
        **administrator.instance, AccountAssignmentCreationRequestId=request["RequestId"]
    )
    assert status["AccountAssignmentCreationStatus"]["Status"] == "SUCCEEDED"
    user = center.organization.user("kim")
    assert (user.display_name, user.email) == ("Kim Park", "kim@example.org")
    assert center.organization.roles_of("kim", PROD) == ("Auditor",)
    assert center.organization.permission_set("Auditor").managed_policies == (READ_S3,)
    center.enforce = True
    s3 = client_of(center, "s3", "kim", PROD, "Auditor")
    assert s3.get_object(Bucket="payments-prod-reports", Key="2026/costs.csv")["ContentLength"] > 0
    assert refused(s3.put_object, Bucket="payments-prod-data", Key="x", Body=b"") == "AccessDenied"


@both
def test_members_of_a_group_have_its_roles(center, administrator):
    group_id = administrator.store.create_group(**administrator.store_id, DisplayName="on call")["GroupId"]
    user_id = make_user(administrator)
    membership = {**administrator.store_id, "GroupId": group_id, "MemberId": {"UserId": user_id}}
    membership_id = administrator.store.create_group_membership(**membership)["MembershipId"]
    arn = make_permission_set(administrator)
    administrator.admin.create_account_assignment(**assignment(administrator, arn, group_id, kind="GROUP"))
    assert center.organization.roles_of("kim", PROD) == ("Auditor",)
    administrator.store.delete_group_membership(**administrator.store_id, MembershipId=membership_id)
    assert center.organization.roles_of("kim", PROD) == ()
    assert center.organization.groups == {"on call": ()}
    again = administrator.store.create_group_membership(**membership)["MembershipId"]
    center.organization.add_user("another")  # the next call makes moto equal to the organization again
    listed = administrator.store.list_group_memberships(**administrator.store_id, GroupId=group_id)
    assert [one["MembershipId"] for one in listed["GroupMemberships"]] == [again]


def test_a_new_account_has_no_buckets_and_can_be_signed_in_to(center, administrator):
    made = administrator.organizations.create_account(AccountName="brand new", Email="new@example.com")
    account_id = made["CreateAccountStatus"]["AccountId"]
    status = administrator.organizations.describe_create_account_status(
        CreateAccountRequestId=made["CreateAccountStatus"]["Id"]
    )
    assert status["CreateAccountStatus"]["State"] == "SUCCEEDED"
    user_id = make_user(administrator)
    arn = make_permission_set(administrator)
    administrator.admin.create_account_assignment(**assignment(administrator, arn, user_id, account_id))
    s3 = client_of(center, "s3", "kim", account_id, "Auditor")
    assert s3.list_buckets()["Buckets"] == []
    assert center.organization.account(account_id).name == "brand new"
    administrator.organizations.close_account(AccountId=account_id)
    assert center.organization.account(account_id) is None
    assert administrator.organizations.describe_account(AccountId=account_id)["Account"]["Status"] == "SUSPENDED"


def test_what_is_deleted_is_gone_with_all_that_depends_on_it(center, administrator):
    user_id = make_user(administrator)
    group_id = administrator.store.create_group(**administrator.store_id, DisplayName="on call")["GroupId"]
    administrator.store.create_group_membership(
        **administrator.store_id, GroupId=group_id, MemberId={"UserId": user_id}
    )
    arn = make_permission_set(administrator)
    for principal, kind in ((user_id, "USER"), (group_id, "GROUP")):
        administrator.admin.create_account_assignment(**assignment(administrator, arn, principal, kind=kind))
    named = {**administrator.instance, "PermissionSetArn": arn}
    assert refused(administrator.admin.delete_permission_set, **named) == "ConflictException"
    administrator.store.delete_user(**administrator.store_id, UserId=user_id)
    assert "kim" not in [user.name for user in center.organization.users]
    assert center.organization.groups == {"on call": ()}
    left = administrator.admin.list_account_assignments(**named, AccountId=PROD)["AccountAssignments"]
    assert [one["PrincipalType"] for one in left] == ["GROUP"]
    administrator.admin.delete_account_assignment(**assignment(administrator, arn, group_id, kind="GROUP"))
    administrator.store.delete_group(**administrator.store_id, GroupId=group_id)
    administrator.admin.delete_permission_set(**named)
    assert center.organization.groups == {}
    assert center.organization.assignments == Organization.sample().assignments
    assert [one.name for one in center.organization.permission_sets] == [
        one.name for one in Organization.sample().permission_sets
    ]


def test_an_inline_policy_restricts_where_roles_do(center, administrator):
    arn = make_permission_set(administrator)
    named = {**administrator.instance, "PermissionSetArn": arn}
    administrator.admin.create_account_assignment(**assignment(administrator, arn, make_user(administrator)))
    center.enforce = True
    center.organization.assign("alex", MANAGEMENT, "AdministratorAccess")
    s3 = client_of(center, "s3", "kim", PROD, "Auditor")
    assert refused(s3.list_buckets) == "AccessDenied"
    admin = client_of(center, "sso-admin", role="AdministratorAccess")
    statement = {"Effect": "Allow", "Action": ["s3:List*"], "Resource": "*"}
    admin.put_inline_policy_to_permission_set(**named, InlinePolicy=json.dumps({"Statement": statement}))
    assert s3.list_buckets()["Buckets"]
    assert refused(s3.get_object, Bucket="payments-prod-reports", Key="2026/costs.csv") == "AccessDenied"
    for wrong in ("{", "[]", '{"Statement": {"Effect": "Allow"}}', '{"Statement": [{"Effect": "No", "Action": "*"}]}'):
        put = admin.put_inline_policy_to_permission_set
        assert refused(put, **named, InlinePolicy=wrong) == "ValidationException", wrong
        with pytest.raises(KnobError, match=r"^The inline policy of Auditor is not a valid policy document\.$"):
            center.organization.add_permission_set("Auditor", inline_policy=wrong)
    admin.delete_inline_policy_from_permission_set(**named)
    assert refused(s3.list_buckets) == "AccessDenied"


def test_what_terraform_calls_for_a_permission_set_and_a_user(center, administrator):
    """The calls of aws_ssoadmin_permission_set, ..._managed_policy_attachment and aws_identitystore_user."""
    made = administrator.admin.create_permission_set(
        **administrator.instance, Name="Tagged", Tags=[{"Key": "team", "Value": "one"}]
    )["PermissionSet"]
    assert made["SessionDuration"] == "PT1H"
    assert made["PermissionSetArn"].startswith("arn:aws:sso:::permissionSet/ssoins-")
    named = {**administrator.instance, "PermissionSetArn": made["PermissionSetArn"]}
    resource = {**administrator.instance, "ResourceArn": made["PermissionSetArn"]}
    administrator.admin.tag_resource(**resource, Tags=[{"Key": "stage", "Value": "two"}])
    administrator.admin.untag_resource(**resource, TagKeys=["team"])
    assert administrator.admin.list_tags_for_resource(**resource)["Tags"] == [{"Key": "stage", "Value": "two"}]
    administrator.admin.update_permission_set(**named, Description="changed")
    billing = "arn:aws:iam::aws:policy/job-function/Billing"
    administrator.admin.attach_managed_policy_to_permission_set(**named, ManagedPolicyArn=billing)
    request = administrator.admin.provision_permission_set(**named, TargetType="ALL_PROVISIONED_ACCOUNTS")
    status = administrator.admin.describe_permission_set_provisioning_status(
        **administrator.instance,
        ProvisionPermissionSetRequestId=request["PermissionSetProvisioningStatus"]["RequestId"],
    )
    assert status["PermissionSetProvisioningStatus"]["Status"] == "SUCCEEDED"
    described = administrator.admin.describe_permission_set(**named)["PermissionSet"]
    assert (described["Description"], described["SessionDuration"]) == ("changed", "PT1H")
    known = center.organization.permission_set("Tagged")
    assert (known.description, known.managed_policies) == ("changed", (billing,))
    user_id = make_user(administrator)
    administrator.store.update_user(
        **administrator.store_id,
        UserId=user_id,
        Operations=[
            {"AttributePath": "displayName", "AttributeValue": "Kim Lee"},
            {"AttributePath": "name.familyName", "AttributeValue": "Lee"},
        ],
    )
    assert center.organization.user("kim").display_name == "Kim Lee"
    user = administrator.store.describe_user(**administrator.store_id, UserId=user_id)
    assert user["Name"]["FamilyName"] == "Lee"


def test_a_user_renamed_keeps_their_roles(center, administrator):
    user_id = make_user(administrator)
    arn = make_permission_set(administrator)
    administrator.admin.create_account_assignment(**assignment(administrator, arn, user_id))
    renames = [{"AttributePath": "userName", "AttributeValue": "kim.lee"}]
    administrator.store.update_user(**administrator.store_id, UserId=user_id, Operations=renames)
    assert center.organization.roles_of("kim.lee", PROD) == ("Auditor",)
    assert administrator.store.describe_user(**administrator.store_id, UserId=user_id)["UserName"] == "kim.lee"


@pytest.mark.parametrize("name", ["zoë", "a;b=c,d", 'q"uote', "東京", "back\\slash"])
def test_users_of_every_name_that_aws_takes_sign_in_and_are_who_they_are(center, administrator, wire_to, name):
    user_id = make_user(administrator, name)
    arn = make_permission_set(administrator)
    administrator.admin.create_account_assignment(**assignment(administrator, arn, user_id))
    identity = client_of(center, "sts", name, PROD, "Auditor").get_caller_identity()
    assert identity["Arn"].endswith(f"/{name}")
    wire = wire_to(center.url)
    form = re.search(r'name="form" value="([^"]+)"', wire.get("/start").text)[1]
    picked = wire.form("/user", {"form": form, "user": name, "next": "/start"})
    cookie = picked.headers["set-cookie"].partition(";")[0]
    assert PROD in wire.call("GET", "/start", headers={"Cookie": cookie}).text
    assert PROD not in wire.call("GET", "/start", headers={"Cookie": "local_identity_center_user=robin"}).text


def test_without_users_the_pages_say_so_and_nobody_is_approved(center, administrator, wire_to):
    center.auto_approve = "sam"
    wire = wire_to(center.url)
    client = wire.register()
    device = wire.start_device(client, center.start_url)
    for user_id in ids_of_users(administrator).values():
        administrator.store.delete_user(**administrator.store_id, UserId=user_id)
    answer = wire.get("/start")
    assert (answer.status, answer.text) == (
        404,
        "This organization has no users. Add one, as with add_user or CreateUser.",
    )
    assert wire.poll(client, device).error == "AuthorizationPendingException"
    make_user(administrator)
    assert wire.get("/start").status == 200


# ---- what is refused ----


def test_mistakes_are_errors_that_aws_has_and_change_nothing(center, administrator):
    user_id, arn = make_user(administrator), make_permission_set(administrator)
    version = center.organization.state
    admin, store, organizations = administrator.admin, administrator.store, administrator.organizations
    instance, store_id = administrator.instance, administrator.store_id
    good = assignment(administrator, arn, user_id)
    calls = [
        (admin.create_permission_set, {**instance, "Name": "Auditor"}, "ConflictException"),
        (admin.create_permission_set, {**instance, "Name": "a b/c"}, "ValidationException"),
        (admin.list_permission_sets, {"InstanceArn": "arn:aws:sso:::instance/other"}, "ResourceNotFoundException"),
        (admin.create_account_assignment, {**good, "PrincipalId": "x" * 36}, "ResourceNotFoundException"),
        (admin.create_account_assignment, {**good, "PrincipalType": "GROUP"}, "ResourceNotFoundException"),
        (admin.create_account_assignment, {**good, "TargetId": "111111111111"}, "ResourceNotFoundException"),
        (admin.create_account_assignment, {**good, "PermissionSetArn": arn + "x"}, "ResourceNotFoundException"),
        (store.list_users, {"IdentityStoreId": "d-1234567890"}, "ResourceNotFoundException"),
        (store.create_user, {**store_id, "UserName": "no name"}, "ValidationException"),
        (store.create_group, {**store_id}, "ValidationException"),
        (organizations.close_account, {"AccountId": MANAGEMENT}, "ConstraintViolationException"),
        (
            organizations.remove_account_from_organization,
            {"AccountId": MANAGEMENT},
            "MasterCannotLeaveOrganizationException",
        ),
    ]  # fmt: skip
    for call, fields, code in calls:
        assert refused(call, **fields) == code, (call, fields)
    assert refused(lambda: make_user(administrator)) == "ConflictException"
    assert center.organization.state == version


def test_a_body_of_other_types_is_a_validation_error_in_every_service(center, administrator):
    """Clients check types before they send: this one does not."""
    calls = [
        ("sso-admin", "list_permission_sets", {"InstanceArn": ["x"]}, "ValidationException"),
        ("sso-admin", "create_account_assignment", {}, "ValidationException"),
        ("identitystore", "delete_user", {**administrator.store_id, "UserId": {"a": 1}}, "ValidationException"),
        ("organizations", "close_account", {"AccountId": 1}, "InvalidInputException"),
    ]
    for service, call, fields, code in calls:
        unchecked = client_of(center, service, config=Config(parameter_validation=False))
        assert refused(getattr(unchecked, call), **fields) == code, call
    assert len(administrator.store.list_users(**administrator.store_id)["Users"]) == 3


def test_an_assignment_made_twice_is_there_once(center, administrator):
    wanted = assignment(administrator, make_permission_set(administrator), make_user(administrator))
    for _ in range(2):
        status = administrator.admin.create_account_assignment(**wanted)["AccountAssignmentCreationStatus"]
        assert status["Status"] == "SUCCEEDED"
    named = {name: wanted[name] for name in ("InstanceArn", "PermissionSetArn")}
    listed = administrator.admin.list_account_assignments(**named, AccountId=PROD)
    assert len(listed["AccountAssignments"]) == 1


def test_only_roles_in_the_management_account_administer(center):
    for service, call in (("sso-admin", "list_instances"), ("organizations", "list_accounts")):
        client = client_of(center, service, account=DEV)
        with pytest.raises(ClientError, match=f"is not the organization's management account .{MANAGEMENT}.") as caught:
            getattr(client, call)()
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    described = client_of(center, "organizations", account=DEV).describe_organization()
    assert described["Organization"]["MasterAccountId"] == MANAGEMENT


def test_where_roles_restrict_the_administrator_s_role_must_allow_it(center):
    center.enforce = True
    admin = client_of(center, "sso-admin")
    [instance] = admin.list_instances()["Instances"]
    fields = {"InstanceArn": instance["InstanceArn"], "Name": "Auditor"}
    assert refused(admin.create_permission_set, **fields) == "AccessDeniedException"
    center.organization.assign("alex", MANAGEMENT, "AdministratorAccess")
    client_of(center, "sso-admin", role="AdministratorAccess").create_permission_set(**fields)
    assert "Auditor" in [one.name for one in center.organization.permission_sets]


def test_another_region_has_no_identity_center(center, administrator):
    elsewhere = client_of(center, "sso-admin", region="us-east-1")
    assert elsewhere.list_instances()["Instances"] == []
    assert refused(elsewhere.list_permission_sets, **administrator.instance) == "ResourceNotFoundException"


def test_what_moto_does_not_have_is_a_named_error(center, administrator):
    with pytest.raises(ClientError) as caught:
        administrator.admin.list_applications(**administrator.instance)
    assert caught.value.response["Error"]["Message"] == "The local AWS (moto) does not have ListApplications of sso."
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


# ---- who else changes it ----


@both
def test_a_reset_takes_it_all_back(center, administrator):
    make_user(administrator)
    center.reset()
    again = administrator_of(center)
    names = [user["UserName"] for user in again.store.list_users(**again.store_id)["Users"]]
    assert names == ["alex", "sam", "robin"]
    assert [user.name for user in center.organization.users] == names


def test_a_mock_aws_test_in_the_same_process_loses_nothing(in_process):
    in_process.reset()
    administrator = administrator_of(in_process)
    user_id = make_user(administrator)
    with mock_aws():
        pass
    make_permission_set(administrator)
    assert in_process.organization.user("kim").display_name == "Kim Park"
    assert administrator.store.describe_user(**administrator.store_id, UserId=user_id)["UserName"] == "kim"


def test_two_in_one_process_keep_their_organizations_apart(in_process):
    in_process.reset()
    with LocalIdentityCenter(aws="in-process") as other:
        first, second = administrator_of(in_process), administrator_of(other)
        make_user(first, "kim")
        make_user(second, "lee")
        make_user(first, "max")
        assert [user.name for user in in_process.organization.users] == ["alex", "sam", "robin", "kim", "max"]
        assert [user.name for user in other.organization.users] == ["alex", "sam", "robin", "lee"]


def test_the_copy_of_an_organization_has_its_identifiers(center, administrator):
    user_id = make_user(administrator)
    center.organization = center.organization.copy()
    again = administrator_of(center)
    assert ids_of_users(again)["kim"] == user_id
