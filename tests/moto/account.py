"""The AWS account that a hand works in: the endpoint is that of AWS_ENDPOINT_URL, as for every AWS client."""

import functools
import os

import boto3

REGION = os.environ.get("AWS_REGION", "ap-northeast-2")


@functools.cache
def client(service):
    return boto3.client(service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
