"""What is tried again when others were quicker, and what is not."""

from __future__ import annotations

import pytest

from ringfold.errors import ConflictError
from ringfold_admin.problems import Problem
from ringfold_admin.services.desk import again, etag, require_match, told
from ringfold_admin.stores.table import Item, Outdated

ITEM: Item = {"pk": "a", "sk": "META", "revision": 7}


class Busy:
    """A change that others are quicker than, so many times."""

    def __init__(self, times: int) -> None:
        self.times, self.tried = times, 0

    def __call__(self) -> Item:
        self.tried += 1
        if self.tried <= self.times:
            raise Outdated("a")
        return ITEM


def test_a_change_is_tried_again() -> None:
    """On the newest item, a few times."""
    busy = Busy(2)

    assert (ITEM, 3) == (again(busy, None, lambda: ITEM), busy.tried)


def test_a_change_that_never_gets_through_is_a_conflict() -> None:
    """It is not tried for ever."""
    with pytest.raises(Problem) as refused:
        again(Busy(99), None, lambda: ITEM)

    assert (409, "concurrent_change") == (refused.value.status, refused.value.code)


@pytest.mark.parametrize("if_match", ['"6"', '"7"'])
def test_with_if_match_the_first_miss_is_the_answer(if_match: str) -> None:
    """Its sender wants to look first."""
    busy = Busy(1)

    with pytest.raises(Problem) as refused:
        again(busy, if_match, lambda: ITEM)

    assert (412, '"7"', 1) == (refused.value.status, refused.value.headers["ETag"], busy.tried)


@pytest.mark.parametrize("if_match", [None, "*", '"7"', 'W/"7"', '"1", "7"'])
def test_a_match_lets_through(if_match: str | None) -> None:
    """One of several, weak ones too, or none asked for."""
    require_match(ITEM, if_match)
    assert '"7"' == etag(ITEM)


@pytest.mark.parametrize("if_match", ['"6"', "7", "", '"77"'])
def test_no_match_is_refused(if_match: str) -> None:
    """Anything but the revision in quotes."""
    with pytest.raises(Problem) as refused:
        require_match(ITEM, if_match)

    assert 412 == refused.value.status


def test_what_was_in_the_way_is_told() -> None:
    """As a conflict, not as a fault of ours."""
    with pytest.raises(Problem) as refused, told():
        raise ConflictError("transactions")

    assert 409 == refused.value.status
