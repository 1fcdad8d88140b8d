"""Fixtures of the administrators' API."""

from tests.admin.desk import desk

__all__ = ["desk"]
