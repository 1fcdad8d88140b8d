"""The template as it is written, and as SAM expands it."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.cloudformation import load_yaml

ROOT = Path(__file__).resolve().parents[2]
MANAGED_POLICIES = {
    name: f"arn:aws:iam::aws:policy/service-role/{name}"
    for name in ("AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole")
}

Template = Mapping[str, Any]


@pytest.fixture(scope="session")
def template() -> Template:
    """`template.yaml`, short tags as `Ref` and `Fn::…`."""
    return load_yaml(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def expanded(template: Template) -> Template:
    """What CloudFormation gets to see: SAM's own types and Globals replaced."""
    document = copy.deepcopy(dict(template))
    for resource in document["Resources"].values():
        for key in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][key] = "s3://bucket/key"
    translator = Translator(MANAGED_POLICIES, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    result: Template = translator.translate(document, {})
    return result
