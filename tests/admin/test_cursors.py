"""Cursors: given back unchanged they work, anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold_admin.cursors import Cursors
from ringfold_admin.problems import Problem

CURSORS = Cursors(lambda: "key")


@given(st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable()))
def test_a_cursor_reads_back(last: str) -> None:
    """Whatever sort key a page ended with."""
    cursor = CURSORS.make("accounts#org_a", last)

    assert last == CURSORS.read("accounts#org_a", cursor)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("list_name", ["accounts#org_b", "numbers#org_a", "accounts#all"])
def test_a_cursor_of_another_list_is_refused(list_name: str) -> None:
    """Another organization's, another resource's."""
    cursor = CURSORS.make("accounts#org_a", "acc_1")

    with pytest.raises(Problem) as refused:
        CURSORS.read(list_name, cursor)

    assert (400, "cursor") == (refused.value.status, refused.value.details[0]["field"])


@given(st.text(max_size=60))
def test_anything_else_is_refused(text: str) -> None:
    """However odd: forged, cut, of another deployment."""
    with pytest.raises(Problem):
        CURSORS.read("accounts#org_a", text)


def test_every_changed_character_is_noticed() -> None:
    """One after the other."""
    cursor = CURSORS.make("accounts#org_a", "acc_1m8b28bazmb43e98c6d4be")

    for i in range(len(cursor) - 1):
        with pytest.raises(Problem):
            CURSORS.read("accounts#org_a", cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1 :])
    with pytest.raises(Problem):
        Cursors(lambda: "another").read("accounts#org_a", cursor)
