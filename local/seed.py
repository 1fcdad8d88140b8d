"""Puts the demo data of `local/demo` in, and tells what is stored: for `run.json`, at the start and after changes."""

import importlib
import sys
from dataclasses import dataclass
from typing import Any

from local.resources import Template
from local.services import Endpoints


@dataclass(frozen=True)
class Shelf:
    """The product's tables and secrets, as the local run looks at them."""

    template: Template
    endpoints: Endpoints

    def seed(self) -> dict[str, list[dict[str, Any]]]:
        """Load `local/demo` unless it was loaded before.

        Returns:
            What is stored: `organizations`, `accounts` and `numbers` as `run.json` holds them.
        """
        names = ("TABLE_NAME", "AIRLINE_TABLE_NAME", "SECRET_PREFIX")
        found: dict[str, Any] = self._demo().seed(*self._clients(), *(self._environment[name] for name in names))
        return found

    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """What is stored now."""
        found: dict[str, Any] = self._demo().stored(*self._clients(), self._environment["TABLE_NAME"])
        return found

    def _demo(self) -> Any:
        # The demo's items are built with the product's own code, which is in layers.
        for function in self.template.functions.values():
            sys.path += [path for path in function.layer_paths if path not in sys.path]
        return importlib.import_module("local.demo.load")

    def _clients(self) -> tuple[Any, Any]:
        return self.endpoints.client("dynamodb"), self.endpoints.client("secretsmanager")

    @property
    def _environment(self) -> dict[str, str]:
        return {name: value for each in self.template.functions.values() for name, value in each.environment.items()}
