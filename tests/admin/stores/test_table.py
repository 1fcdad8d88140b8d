"""The table as the administrators' resources use it."""

from __future__ import annotations

import threading

import pytest

from ringfold_admin.stores.table import Outdated, Table, Taken, Write, check, list_pk, places, without
from tests.aws import Aws


@pytest.fixture
def table(aws: Aws) -> Table:
    return Table(aws.client("dynamodb"), aws.table)


def item(name: str, revision: int = 1, **more: object) -> dict[str, object]:
    return {"pk": f"THING#{name}", "sk": "META", "revision": revision, **more}


def test_all_or_nothing(table: Table) -> None:
    """One condition that fails keeps everything out, and says which."""
    table.write([Write(item("a"), revision=0)])

    with pytest.raises(Taken) as refused:
        table.write([Write(item("b"), revision=0), Write(item("a"), revision=0)])

    assert ("THING#a", "META") == refused.value.key
    assert table.get(("THING#b", "META")) is None


def test_who_read_an_older_revision_is_refused(table: Table) -> None:
    """Also when the item is gone."""
    table.write([Write(item("a"), revision=0)])
    table.write([Write(item("a", 2), revision=1)])

    for late in (Write(item("a", 2), revision=1), Write(item("gone", 2), revision=1)):
        with pytest.raises(Outdated):
            table.write([late])


def test_of_many_writers_of_one_revision_one_wins(table: Table) -> None:
    """Whatever the threads do."""
    table.write([Write(item("a", who="nobody"), revision=0)])
    won: list[int] = []

    def change(number: int) -> None:
        try:
            table.write([Write(item("a", 2, who=number), revision=1), Write(item(f"audit{number}"))])
        except Outdated:
            return
        won.append(number)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == len(won)
    assert won[0] == table.get(("THING#a", "META"))["who"]  # type: ignore[index]
    assert [won[0]] == [n for n in range(8) if table.get((f"THING#audit{n}", "META"))]


def test_a_check_keeps_a_write_out(table: Table) -> None:
    """What must be there, as it must be; what may not be there."""
    table.write([Write(item("a", state="open"), revision=0)])
    key = ("THING#a", "META")

    table.write([check(key, state="open", leaving=None), Write(item("b"), revision=0)])

    for must in ({"state": "closed"}, {"state": None}):
        with pytest.raises(Outdated):
            table.write([check(key, **must), Write(item("c"), revision=0)])
    with pytest.raises(Outdated):
        table.write([check(("THING#none", "META")), Write(item("c"), revision=0)])


def test_pages_follow_each_other_without_gap_or_repeat(table: Table) -> None:
    """In the order of their keys, and backwards."""
    names = [f"acc_{n:03d}" for n in range(23)]
    for name in names:
        table.write(places("things", "org_a", name, colour="red"))
    pk = list_pk("things", "org_a")

    for backwards in (False, True):
        seen, after = [], ""
        while True:
            page, after = table.page(pk, limit=5, after=after, newest_first=backwards)
            seen += [entry["sk"] for entry in page]
            if not after:
                break
        assert sorted(names, reverse=backwards) == seen


def test_a_place_is_in_the_owners_list_and_everybodys(table: Table) -> None:
    """And leaves both."""
    table.write(places("things", None, "acc_1"))
    table.write(places("things", "org_a", "acc_2"))
    lists = ("all", "platform", "org_a", "org_b")

    before = [[entry["sk"] for entry in table.page(list_pk("things", scope), limit=9)[0]] for scope in lists]
    table.write(without(places("things", "org_a", "acc_2")))
    after = [[entry["sk"] for entry in table.page(list_pk("things", scope), limit=9)[0]] for scope in lists]

    assert [["acc_1", "acc_2"], ["acc_1"], ["acc_2"], []] == before
    assert [["acc_1"], ["acc_1"], [], []] == after


def test_many_keys_are_read_in_batches(table: Table) -> None:
    """More than one request may take."""
    for n in range(130):
        table.put(item(str(n)))

    found = table.get_many([(f"THING#{n}", "META") for n in range(140)])

    assert 130 == len(found)
