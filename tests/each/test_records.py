"""``role.records``: one boto3 call as a DataFrame, in one account and in each."""

from __future__ import annotations

import pytest

from sso_magic import errors
from sso_magic.inventory.records import typed_frame


@pytest.fixture
def role(many):
    center = many(2)
    return center.role("team-000", "ReadOnly")


def test_all_pages_of_a_call_are_a_typed_table_with_account_and_region_in_front(role):
    role.boto3_session().client("ec2").run_instances(ImageId="ami-12345678", MinCount=7, MaxCount=7)
    frame = role.records("ec2", "describe_instances", "Reservations[].Instances[]", PaginationConfig={"PageSize": 5})
    assert list(frame.columns[:3]) == ["account_id", "account_name", "region"]
    assert len(frame) == frame["InstanceId"].nunique() == 7
    assert set(frame["account_id"]) == {role.account_id}
    assert set(frame["region"]) == {"eu-west-1"}
    assert str(frame["LaunchTime"].dtype).endswith(", UTC]")
    assert (frame["AmiLaunchIndex"].dtype, frame["EbsOptimized"].dtype) == ("Int64", "boolean")
    assert len(role.records("ec2", "describe_instances", "Reservations[].Instances[]", region="us-west-2")) == 0


def test_a_call_without_pages_and_a_path_of_values(role):
    assert role.records("sts", "get_caller_identity")["Account"].tolist() == [role.account_id]
    zones = role.records("ec2", "describe_availability_zones", "AvailabilityZones[].ZoneName")
    assert zones["value"].dtype == "string"
    assert set(zones["region"]) == {"eu-west-1"}


def test_columns_are_typed_by_their_values():
    frame = typed_frame(
        [{"a": 1, "b": 1.5, "c": "x", "d": True, "e": [1]}, {"a": None, "region": "r"}], {"region": "z"}
    )
    assert frame.dtypes.astype(str).tolist() == ["string", "Int64", "Float64", "string", "boolean", "object", "string"]
    assert list(frame.columns) == ["region", "a", "b", "c", "d", "e", "result_region"]
    assert typed_frame([], {"region": "z"}).columns.tolist() == ["region"]


@pytest.mark.parametrize(
    ("operation", "path", "text"),
    [
        ("describe_instance", "", "ec2 has no operation describe_instance. Name it as boto3 does: describe_instances."),
        ("describe_instances", "Reservations[", "'Reservations[' is not JMESPath ("),
    ],
)
def test_what_is_no_call_says_so(role, operation, path, text):
    with pytest.raises(errors.UsageError) as caught:
        role.records("ec2", operation, path)
    assert str(caught.value).startswith(text)


def test_in_a_cell_role_is_the_accounts_and_never_the_notebooks(shell, signed_in, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    shell.run_cell(
        "from sso_magic import IdentityCenter\nrole = IdentityCenter('corp').role('log-archive', 'ReadOnly')"
    )
    cell = "%%sso_each ReadOnly payments --regions eu-west-1,us-west-2\nrole.records('sts', 'get_caller_identity')"
    frame = shell.run_cell(cell).result
    assert len(frame) == 6
    assert (frame["account_id"] == frame["Account"]).all()
    assert frame.columns.tolist()[:4] == ["account_id", "account_name", "role_name", "region"]
