"""Fixtures of the administrators' API."""

from tests.admin.desk import desk
from tests.admin.numbers_desk import office

__all__ = ["desk", "office"]
