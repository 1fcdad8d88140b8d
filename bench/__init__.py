"""Timed measurements; never part of the test suite (bench/README.md)."""
