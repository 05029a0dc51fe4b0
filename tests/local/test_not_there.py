"""What the local AWS does not have is an error in the service's own protocol, at once and without a retry."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from sso_magic.local import LocalIdentityCenter

CALLS = [  # one of each protocol: an operation that moto has not, or a service
    ("iam", "get_service_last_accessed_details", {"JobId": "x" * 36}, "GetServiceLastAccessedDetails of iam"),
    ("ec2", "describe_spot_datafeed_subscription", {}, "DescribeSpotDatafeedSubscription of ec2"),
    ("dynamodb", "list_imports", {}, "ListImports of dynamodb"),
    ("lightsail", "get_instances", {}, "GetInstances of lightsail"),
    ("eks", "list_insights", {"clusterName": "x"}, "POST /clusters/x/insights of eks"),
    ("cloudfront", "list_vpc_origins", {}, "GET /2020-05-31/vpc-origin of cloudfront"),
    ("cloudwatch", "get_metric_widget_image", {"MetricWidget": "{}"}, "GetMetricWidgetImage of monitoring"),
    ("gamelift", "list_fleets", {}, "ListFleets of gamelift"),
]


@pytest.fixture(params=[True, "in-process"], ids=["process", "in-process"])
def center(request, local_identity_center):
    if request.param is True:
        yield local_identity_center
        return
    with LocalIdentityCenter(aws="in-process") as center:
        center.wait_until_ready()
        yield center


def test_every_protocol_has_a_named_error_that_no_sdk_retries(center, capfd):
    sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=center.url)
    keys = sso.get_role_credentials(accessToken=center.access_token(), accountId="731659028443", roleName="ReadOnly")[
        "roleCredentials"
    ]
    for service, operation, fields, named in CALLS:
        client = boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=center.aws_url,
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
            aws_session_token=keys["sessionToken"],
        )
        with pytest.raises(ClientError) as caught:
            getattr(client, operation)(**fields)
        answer = caught.value.response
        assert answer["Error"]["Code"] == "NotImplemented", service
        assert answer["Error"]["Message"] == f"The local AWS (moto) does not have {named}."
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
        assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    assert capfd.readouterr() == ("", "")
