from __future__ import annotations

from scripts.deployment.leftovers import Leftovers, Number
from scripts.deployment.stacks import Stack


def test_everything_that_goes_is_named_first() -> None:
    """One line each, for whoever has to type the stage's name below."""
    stack = Stack("ringfold-dev", "arn", "CREATE_COMPLETE", {}, {"Table": ("AWS::DynamoDB::Table", "t")})
    found = Leftovers(stack, (Number("num_1", "+1", "PN1"),), ("t",), ("s",), ("l",), ("k",), "b", 3)

    assert [
        "stack ringfold-dev (CREATE_COMPLETE), 1 resources",
        "table t, with everything in it",
        "secret s",
        "key k, in 7 days",
        "log group l",
        "3 artefacts in bucket b",
    ] == list(found.lines())


def test_nothing_is_nothing() -> None:
    """SAM's bucket alone, which other stacks use, is no reason to remove anything."""
    assert Leftovers(None, (), (), (), (), (), "bucket", 0).is_nothing
    assert not Leftovers(None, (), (), ("s",), (), (), "bucket", 0).is_nothing
