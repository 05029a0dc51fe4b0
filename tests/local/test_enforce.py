"""Roles that restrict: what the managed policies of a permission set allow, in AWS's own words where they do not."""

from __future__ import annotations

import re

import boto3
import pytest
from botocore.exceptions import ClientError

from sso_magic.local.actions import action_of

PROD, DEV = "731659028443", "220947583614"


@pytest.fixture
def client(local_identity_center):
    center = local_identity_center
    center.enforce = True

    def client(service, role="ReadOnly", account=DEV):
        sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=center.url)
        answer = sso.get_role_credentials(accessToken=center.access_token(), accountId=account, roleName=role)
        keys = answer["roleCredentials"]
        return boto3.client(
            service,
            region_name="eu-west-1",
            endpoint_url=center.aws_url,
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
            aws_session_token=keys["sessionToken"],
        )

    return client


READS = [
    ("s3", "list_buckets", {}),
    ("s3", "list_objects_v2", {"Bucket": "payments-dev-data"}),
    ("s3", "get_object", {"Bucket": "payments-dev-reports", "Key": "2026/costs.csv"}),
    ("s3", "get_bucket_location", {"Bucket": "payments-dev-data"}),
    ("dynamodb", "list_tables", {}),
    ("ec2", "describe_instances", {}),
    ("iam", "list_roles", {}),
    ("lambda", "list_functions", {}),
    ("cloudwatch", "list_metrics", {}),
    ("sts", "get_caller_identity", {}),
]
IRELAND = {"LocationConstraint": "eu-west-1"}
WRITES = [
    ("s3", "put_object", {"Bucket": "payments-dev-data", "Key": "x", "Body": b""}, "s3:PutObject", 403),
    ("s3", "delete_object", {"Bucket": "payments-dev-data", "Key": "x"}, "s3:DeleteObject", 403),
    (
        "s3",
        "delete_objects",
        {"Bucket": "payments-dev-data", "Delete": {"Objects": [{"Key": "x"}]}},
        "s3:DeleteObject",
        403,
    ),
    ("s3", "create_bucket", {"Bucket": "brand-new", "CreateBucketConfiguration": IRELAND}, "s3:CreateBucket", 403),
    ("s3", "put_bucket_policy", {"Bucket": "payments-dev-data", "Policy": "{}"}, "s3:PutBucketPolicy", 403),
    ("dynamodb", "delete_table", {"TableName": "abc"}, "dynamodb:DeleteTable", 400),
    ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, "ec2:CreateVpc", 403),
    ("iam", "create_user", {"UserName": "x"}, "iam:CreateUser", 403),
    ("lambda", "delete_function", {"FunctionName": "x"}, "lambda:DeleteFunction", 403),
    ("cloudwatch", "delete_alarms", {"AlarmNames": ["x"]}, "cloudwatch:DeleteAlarms", None),
    ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{PROD}:role/x", "RoleSessionName": "xx"}, "sts:AssumeRole", 403),
]  # fmt: skip


def query_or_json(service) -> int:
    """The status of a refusal in the protocol that this botocore speaks with the service."""
    model = service.meta.service_model
    return 403 if getattr(model, "resolved_protocol", model.metadata["protocol"]) == "query" else 400


def test_read_only_reads(client):
    for service, operation, fields in READS:
        getattr(client(service), operation)(**fields)


def test_read_only_does_not_write_in_any_protocol(client):
    for service, operation, fields, action, status in WRITES:
        with pytest.raises(ClientError) as caught:
            getattr(client(service), operation)(**fields)
        answer = caught.value.response
        assert answer["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}, operation
        assert re.fullmatch(
            rf"User: arn:aws:sts::{DEV}:assumed-role/AWSReservedSSO_ReadOnly_\w+/alex is not authorized to perform: "
            rf"{action} because no identity-based policy allows the {action} action",
            answer["Error"]["Message"],
        ), answer["Error"]["Message"]
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == (status or query_or_json(client(service))), operation


def test_a_power_user_writes_but_makes_no_users(client):
    client("s3", "PowerUserAccess").put_object(Bucket="payments-dev-data", Key="x", Body=b"")
    with pytest.raises(ClientError, match="iam:CreateUser"):
        client("iam", "PowerUserAccess").create_user(UserName="x")
    client("iam", "AdministratorAccess").create_user(UserName="x")


def test_a_role_that_does_not_exist_cannot_be_assumed(client):
    fields = {"RoleArn": f"arn:aws:iam::{DEV}:role/deploy", "RoleSessionName": "chained"}
    sts = client("sts", "AdministratorAccess")
    with pytest.raises(ClientError, match=f"perform: sts:AssumeRole on resource: {fields['RoleArn']}"):
        sts.assume_role(**fields)
    client("iam", "AdministratorAccess").create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")
    assert sts.assume_role(**fields)["AssumedRoleUser"]["Arn"].endswith("assumed-role/deploy/chained")


def test_without_it_a_role_restricts_nothing(client, local_identity_center):
    local_identity_center.enforce = False
    client("s3").put_object(Bucket="payments-dev-data", Key="x", Body=b"")


def test_a_permission_set_without_policies_allows_its_identity_alone(client, local_identity_center):
    local_identity_center.organization.assign("alex", DEV, "Nothing")
    assert client("sts", "Nothing").get_caller_identity()["Account"] == DEV
    with pytest.raises(ClientError, match="s3:ListAllMyBuckets"):
        client("s3", "Nothing").list_buckets()
    local_identity_center.organization.add_permission_set("Nothing", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert client("s3", "Nothing").list_buckets()["Buckets"]


@pytest.mark.parametrize(
    ("method", "path", "query", "action"),
    [
        ("GET", "/", "", "s3:ListAllMyBuckets"),
        ("HEAD", "/b", "", "s3:ListBucket"),
        ("GET", "/b", "list-type=2&prefix=x", "s3:ListBucket"),
        ("GET", "/b", "uploads", "s3:ListBucketMultipartUploads"),
        ("GET", "/b", "versioning", "s3:GetBucketVersioning"),
        ("PUT", "/b", "versioning", "s3:PutBucketVersioning"),
        ("DELETE", "/b", "policy", "s3:DeleteBucketPolicy"),
        ("DELETE", "/b", "", "s3:DeleteBucket"),
        ("GET", "/b/k", "acl", "s3:GetObjectAcl"),
        ("GET", "/b/k", "uploadId=1", "s3:ListMultipartUploadParts"),
        ("DELETE", "/b/k", "uploadId=1", "s3:AbortMultipartUpload"),
        ("POST", "/b/k", "uploads", "s3:PutObject"),
        ("PUT", "/b/k", "partNumber=1&uploadId=1", "s3:PutObject"),
        ("DELETE", "/b/k", "tagging", "s3:DeleteObjectTagging"),
        ("HEAD", "/b/k", "", "s3:GetObject"),
        ("PATCH", "/b/k", "acl", "s3:PutObjectAcl"),
    ],
)
def test_the_action_of_a_request_to_s3(method, path, query, action):
    assert action_of({"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}, "s3") == action
