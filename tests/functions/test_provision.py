"""The administrators' API behind API Gateway."""

from __future__ import annotations

import importlib
import json

import pytest

from ringfold_admin import bootstrap
from tests.admin.desk import Desk, build_desk
from tests.aws import Aws


def test_the_handler_serves_the_api(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """One event in, one answer of the HTTP API out."""
    desk: Desk = build_desk(aws, "http://127.0.0.1:9")
    monkeypatch.setattr(bootstrap, "api", lambda: desk.api)
    app = importlib.import_module("functions.provision.app")
    event = {
        "version": "2.0",
        "rawPath": "/api/openapi.json",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": "GET", "path": "/api/openapi.json"}, "stage": "$default"},
        "isBase64Encoded": False,
    }

    answer = importlib.reload(app).handler(event, None)

    assert (200, "Ringfold") == (answer["statusCode"], json.loads(answer["body"])["info"]["title"])
