"""Puts the demo data in: organizations, accounts, numbers and agents of `local/demo`, at every start, idempotently."""

import importlib
import importlib.util
import sys
from typing import Any

from local.services import Endpoints
from local.template import Template


def seed(template: Template, endpoints: Endpoints) -> dict[str, Any]:
    """Load `local/demo` into the template's tables.

    Returns:
        `organizations`, `accounts` and `numbers` as `run.json` holds them.
    """
    if importlib.util.find_spec("local.demo") is None or importlib.util.find_spec("local.demo.load") is None:
        return {"organizations": [], "accounts": [], "numbers": []}
    function = next(iter(template.functions.values()))
    # The demo's items are built with the product's own code, which is a layer.
    sys.path += [path for path in function.layer_paths if path not in sys.path]
    demo = importlib.import_module("local.demo.load")
    environment = function.environment
    found: dict[str, Any] = demo.seed(
        endpoints.client("dynamodb"),
        endpoints.client("secretsmanager"),
        environment["TABLE_NAME"],
        environment["AIRLINE_TABLE_NAME"],
        environment["SECRET_PREFIX"],
    )
    return found
