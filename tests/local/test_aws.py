"""The AWS accounts behind it: who they say one is, whose buckets they show, and whom they refuse."""

from __future__ import annotations

import csv
import io
import re
import sys

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sso_magic.local import LocalIdentityCenter

PROD, DEV = "731659028443", "220947583614"
ODD_KEY = "a b+c=d&e/ü~*'(x)%.txt"


@pytest.fixture
def place():
    """The Identity Center that a test has chosen instead of the one of the test run."""
    return []


@pytest.fixture
def in_process(place):
    """AWS accounts in this process, of which a test can change the modules."""
    with LocalIdentityCenter(aws="in-process") as center:
        center.wait_until_ready()
        place.append(center)
        yield center


@pytest.fixture
def keys(local_identity_center, wire_to, place):
    """Role credentials, as the portal answers them."""

    def keys(account=PROD, role="ReadOnly", user=None):
        center = (place or [local_identity_center])[-1]
        answer = wire_to(center.url).get(
            "/federation/credentials", center.access_token(user), role_name=role, account_id=account
        )
        assert answer.status == 200, answer.text
        return answer.json["roleCredentials"]

    return keys


@pytest.fixture
def client(local_identity_center, place):
    def client(service, keys, **config):
        return boto3.client(
            service,
            region_name="eu-west-1",
            endpoint_url=(place or [local_identity_center])[-1].aws_url,
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
            aws_session_token=keys["sessionToken"],
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    return client


def refused(call, *arguments, **fields):
    """The code and status with which the call is refused."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **fields)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


# ---- who one is ----


def test_the_caller_is_the_reserved_role_in_that_account(keys, client):
    identity = client("sts", keys(PROD, "ReadOnly")).get_caller_identity()
    assert identity["Account"] == PROD
    assert re.fullmatch(
        rf"arn:aws:sts::{PROD}:assumed-role/AWSReservedSSO_ReadOnly_[0-9a-f]{{16}}/alex", identity["Arn"]
    )
    assert re.fullmatch(r"AROA[A-Z0-9]{17}:alex", identity["UserId"])


def test_the_session_has_the_users_name(keys, client):
    assert client("sts", keys(DEV, "PowerUserAccess", "sam")).get_caller_identity()["Arn"].endswith("/sam")


def test_the_roles_name_is_the_same_every_time_and_differs_by_account_and_role(keys, client):
    def arn(account, role):
        return client("sts", keys(account, role)).get_caller_identity()["Arn"]

    assert arn(PROD, "ReadOnly") == arn(PROD, "ReadOnly")
    assert len({arn(PROD, "ReadOnly"), arn(PROD, "DataScientist"), arn(DEV, "ReadOnly")}) == 3


def test_the_role_is_in_iam_at_its_path(keys, client):
    roles = client("iam", keys()).list_roles()["Roles"]
    assert [role["Path"] for role in roles] == ["/aws-reserved/sso.amazonaws.com/"]


# ---- buckets ----


def test_each_account_has_buckets_of_its_own(keys, client):
    def buckets(account):
        return [bucket["Name"] for bucket in client("s3", keys(account)).list_buckets()["Buckets"]]

    assert buckets(PROD) == ["payments-prod-reports", "payments-prod-data"]
    assert buckets(DEV) == ["payments-dev-reports", "payments-dev-data"]


@pytest.mark.parametrize(
    ("account", "bucket"), [("560283419977", "old-intranet-data"), ("907364152280", "buro-zurich-data")]
)
def test_accounts_with_odd_names_have_buckets_too(keys, client, account, bucket):
    assert client("s3", keys(account)).list_objects_v2(Bucket=bucket)["KeyCount"] == 4


def test_there_is_a_table_to_read_as_csv_and_as_parquet(keys, client):
    s3 = client("s3", keys())
    found = s3.get_object(Bucket="payments-prod-reports", Key="2026/costs.csv")
    assert found["ContentType"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(found["Body"].read().decode())))
    assert len(rows) == 55
    assert list(rows[0]) == ["month", "account_id", "service", "region", "cost_usd"]
    assert {row["account_id"] for row in rows} == {PROD}
    parquet = s3.get_object(Bucket="payments-prod-reports", Key="2026/costs.parquet")["Body"].read()
    assert (parquet[:4], parquet[-4:]) == (b"PAR1", b"PAR1")


def test_without_pyarrow_there_are_tables_as_csv_alone(in_process, keys, client, monkeypatch):
    monkeypatch.setattr("sso_magic.local.content.find_spec", lambda _: None)
    found = client("s3", keys()).list_objects_v2(Bucket="payments-prod-data")["Contents"]
    assert [entry["Key"] for entry in found] == ["transactions/2026-10.csv", "transactions/2026-11.csv"]


def test_a_service_whose_packages_are_missing_says_what_to_install(in_process, keys, client, monkeypatch):
    monkeypatch.setitem(sys.modules, "moto.mediastore", None)
    with pytest.raises(ClientError) as caught:
        client("mediastore", keys()).list_containers()
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert answer["Error"]["Message"] == (
        "The local AWS lacks moto.mediastore for this service: pip install 'moto[all]'."
    )


def test_an_account_can_write_and_read_keys_with_any_character(keys, client):
    s3 = client("s3", keys())
    s3.put_object(Bucket="payments-prod-data", Key=ODD_KEY, Body=b"hello", Metadata={"my-key": "value"})
    found = s3.get_object(Bucket="payments-prod-data", Key=ODD_KEY)
    assert (found["Body"].read(), found["Metadata"]) == (b"hello", {"my-key": "value"})


def test_a_large_object_survives_upload_and_download(keys, client, tmp_path):
    s3 = client("s3", keys())
    (tmp_path / "large").write_bytes(bytes(range(256)) * 40_000)
    s3.upload_file(str(tmp_path / "large"), "payments-prod-data", "large")
    s3.download_file("payments-prod-data", "large", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == (tmp_path / "large").read_bytes()


def test_a_new_bucket_is_its_makers(keys, client):
    where = {"LocationConstraint": "eu-west-1"}
    client("s3", keys(DEV)).create_bucket(Bucket="brand-new", CreateBucketConfiguration=where)
    assert refused(client("s3", keys(PROD)).list_objects_v2, Bucket="brand-new") == ("AccessDenied", 403)


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("get_object", {"Key": "2026/costs.csv"}),
        ("list_objects_v2", {}),
        ("list_objects", {}),
        ("put_object", {"Key": "x", "Body": b""}),
        ("delete_object", {"Key": "2026/costs.csv"}),
        ("get_bucket_location", {}),
        ("delete_bucket", {}),
        ("get_bucket_policy", {}),
        ("put_bucket_policy", {"Policy": "{}"}),
    ],
)
def test_another_accounts_bucket_is_access_denied(keys, client, operation, fields):
    call = getattr(client("s3", keys(PROD, "ReadOnly")), operation)
    assert refused(call, Bucket="payments-dev-reports", **fields) == ("AccessDenied", 403)


def test_another_accounts_bucket_is_denied_to_head_as_well(keys, client):
    assert refused(client("s3", keys()).head_bucket, Bucket="payments-dev-reports") == ("403", 403)


def test_nothing_can_be_copied_out_of_another_accounts_bucket(keys, client):
    copy = client("s3", keys()).copy_object
    source = {"Bucket": "payments-dev-reports", "Key": "2026/costs.csv"}
    assert refused(copy, Bucket="payments-prod-data", Key="x", CopySource=source) == ("AccessDenied", 403)


def test_another_accounts_bucket_cannot_be_made_again(keys, client):
    where = {"LocationConstraint": "eu-west-1"}
    make = client("s3", keys()).create_bucket
    assert refused(make, Bucket="payments-dev-reports", CreateBucketConfiguration=where) == ("BucketAlreadyExists", 409)


def test_a_bucket_that_nobody_has_is_not_found(keys, client):
    assert refused(client("s3", keys()).list_objects_v2, Bucket="nobody-has-this") == ("NoSuchBucket", 404)
    assert refused(client("s3", keys()).list_objects_v2, Bucket="moto-api") == ("NoSuchBucket", 404)


def test_no_header_of_the_client_changes_the_account(keys, client):
    s3 = client("s3", keys())
    s3.meta.events.register("before-sign.s3", lambda request, **_: request.headers.add_header("x-moto-account-id", DEV))
    assert s3.list_buckets()["Buckets"][0]["Name"] == "payments-prod-reports"


# ---- whom it refuses ----


@pytest.mark.parametrize(
    ("wrong", "sts", "s3"),
    [
        ({"accessKeyId": "ASIAAAAAAAAAAAAAAAAA"}, ("InvalidClientTokenId", 403), ("InvalidAccessKeyId", 403)),
        ({"sessionToken": "another"}, ("InvalidClientTokenId", 403), ("InvalidToken", 400)),
        ({"sessionToken": None}, ("InvalidClientTokenId", 403), ("InvalidAccessKeyId", 403)),
        ({"secretAccessKey": "another"}, ("SignatureDoesNotMatch", 403), ("SignatureDoesNotMatch", 403)),
    ],
)
def test_keys_that_were_not_minted_are_refused_as_aws_does(keys, client, wrong, sts, s3):
    broken = {**keys(), **wrong}
    assert refused(client("sts", broken).get_caller_identity) == sts
    assert refused(client("s3", broken).list_buckets) == s3


@pytest.mark.parametrize("part", ["accessKeyId", "secretAccessKey", "sessionToken"])
def test_a_mixture_of_two_roles_keys_is_never_accepted(keys, client, part):
    mixed = {**keys(PROD), part: keys(DEV)[part]}
    assert refused(client("sts", mixed).get_caller_identity)[1] == 403


def test_expired_keys_are_refused_as_aws_does(local_identity_center, keys, client):
    known = keys()
    local_identity_center.advance(3602)
    assert refused(client("sts", known).get_caller_identity) == ("ExpiredToken", 403)
    assert refused(client("s3", known).list_buckets) == ("ExpiredToken", 400)
    assert refused(client("dynamodb", known).list_tables) == ("ExpiredTokenException", 400)
    assert client("sts", keys()).get_caller_identity()["Account"] == PROD


def test_a_role_can_last_seconds(local_identity_center, keys, client):
    local_identity_center.role_lifetime = 2
    known = keys()
    assert client("sts", known).get_caller_identity()["Account"] == PROD
    local_identity_center.advance(3)
    assert refused(client("sts", known).get_caller_identity) == ("ExpiredToken", 403)


def test_keys_outlive_the_session_they_came_from(local_identity_center, keys, client):
    known = keys()
    local_identity_center.end_session()
    local_identity_center.organization.withdraw("alex", PROD)
    assert client("sts", known).get_caller_identity()["Account"] == PROD


def test_keys_of_the_time_before_a_reset_are_unknown(local_identity_center, keys, client):
    known = keys()
    client("s3", known).put_object(Bucket="payments-prod-data", Key="left over", Body=b"")
    local_identity_center.reset()
    assert refused(client("sts", known).get_caller_identity) == ("InvalidClientTokenId", 403)
    found = client("s3", keys()).list_objects_v2(Bucket="payments-prod-data")["Contents"]
    assert "left over" not in [entry["Key"] for entry in found]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "expected"),
    [
        ("GET", "/", None, {}, (403, "AccessDenied")),
        ("GET", "/payments-prod-reports/2026/costs.csv", None, {}, (403, "AccessDenied")),
        ("GET", "/moto-api/data.json", None, {}, (403, "AccessDenied")),
        ("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", {}, (403, "MissingAuthenticationToken")),
        ("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", None, {}, (403, "MissingAuthenticationToken")),
        ("POST", "/", "{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, (400, "MissingAuthenticationTokenExc")),
        ("GET", "/", None, {"Authorization": "AWS ASIAX:signature"}, (400, "InvalidRequest")),
        ("GET", "/", None, {"Authorization": "AWS4-HMAC-SHA256 nonsense"}, (403, "AccessDenied")),
        ("GET", "/", None, {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b, Signature=x"}, (403, "AccessDenied")),
    ],
)
def test_who_does_not_sign_is_refused(local_identity_center, wire_to, method, path, body, headers, expected):
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if body and body.startswith("Action") else {}
    answer = wire_to(local_identity_center.aws_url).call(method, path, body=body, headers={**kind, **headers})
    assert answer.status == expected[0]
    assert expected[1] in answer.text


@pytest.mark.parametrize("action", ["get_session_token", "get_federation_token"])
def test_session_credentials_cannot_make_other_sessions(keys, client, action):
    fields = {"Name": "somebody"} if action == "get_federation_token" else {}
    assert refused(getattr(client("sts", keys()), action), **fields) == ("AccessDenied", 403)


# ---- URLs that are signed beforehand ----


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_works_until_it_expires_and_for_nothing_else(
    local_identity_center, keys, client, wire_to, version
):
    known = keys()
    client("s3", known).put_object(Bucket="payments-prod-data", Key=ODD_KEY, Body=b"hello")
    s3 = client("s3", known, signature_version=version)
    fields = {"Bucket": "payments-prod-data", "Key": ODD_KEY, "ResponseContentType": "text/plain"}
    url = s3.generate_presigned_url("get_object", Params=fields, ExpiresIn=60)
    http, path = wire_to(local_identity_center.aws_url), url[len(local_identity_center.aws_url) :]
    answer = http.get(path)
    assert (answer.status, answer.body) == (200, b"hello")
    assert http.call("DELETE", path).status == 403
    assert http.get(path.replace("text%2Fplain", "text%2Fhtml")).status == 403
    local_identity_center.advance(61)
    assert (http.get(path).status, "Request has expired" in http.get(path).text) == (403, True)


# ---- one role after another ----


def chain(client, keys, **fields):
    asked = {"RoleArn": f"arn:aws:iam::{DEV}:role/team/deploy", "RoleSessionName": "chained", **fields}
    answer = client("sts", keys).assume_role(**asked)
    found = answer["Credentials"]
    return answer, {
        "accessKeyId": found["AccessKeyId"],
        "secretAccessKey": found["SecretAccessKey"],
        "sessionToken": found["SessionToken"],
    }


def test_a_role_can_be_assumed_in_another_account(keys, client):
    answer, chained = chain(client, keys(PROD))
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{DEV}:assumed-role/deploy/chained"
    identity = client("sts", chained).get_caller_identity()
    assert identity["Account"] == DEV
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert client("s3", chained).list_buckets()["Buckets"][0]["Name"] == "payments-dev-reports"


def test_an_assumed_role_expires_by_the_same_clock(local_identity_center, keys, client):
    known = keys()
    answer, chained = chain(client, known, DurationSeconds=900)
    assert 890 < answer["Credentials"]["Expiration"].timestamp() - local_identity_center.clock.now() <= 901
    local_identity_center.advance(902)
    assert refused(client("sts", chained).get_caller_identity) == ("ExpiredToken", 403)
    assert client("sts", known).get_caller_identity()["Account"] == PROD


def test_an_assumed_role_lasts_no_longer_than_the_knob_says(local_identity_center, keys, client):
    local_identity_center.role_lifetime = 30
    answer, _ = chain(client, keys(), DurationSeconds=900)
    assert answer["Credentials"]["Expiration"].timestamp() - local_identity_center.clock.now() <= 31


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"DurationSeconds": 3601}, "ValidationError"),
        ({"DurationSeconds": 43200}, "ValidationError"),
        ({"RoleArn": "arn:aws:iam::1:role/x-and-more-text"}, "ValidationError"),
        ({"RoleSessionName": "no spaces"}, "ValidationError"),
        ({"RoleArn": "arn:aws:iam::999999999999:role/elsewhere"}, "AccessDenied"),
        (
            {"RoleArn": f"arn:aws:iam::{DEV}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_ReadOnly_0"},
            "AccessDenied",
        ),
    ],
)
def test_what_cannot_be_assumed_is_refused(keys, client, fields, code):
    with pytest.raises(ClientError) as caught:
        chain(client, keys(), **fields)
    assert caught.value.response["Error"]["Code"] == code
