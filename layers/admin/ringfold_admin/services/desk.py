"""What every use case of an administrator needs: a clock, new ids, pages, and what to do when others were quicker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ringfold.errors import ConflictError
from ringfold_admin.cursors import Cursors
from ringfold_admin.ids import new_id
from ringfold_admin.problems import Problem, changed_meanwhile, conflict
from ringfold_admin.stores.table import Item, Outdated

DEFAULT_LIMIT: Final = 50
MOST: Final = 200
RETRIES: Final = 4

Page = tuple[list[dict[str, Any]], str | None]


@dataclass(frozen=True)
class Desk:
    """Shared by the services.

    Attributes:
        clock: Epoch milliseconds.
    """

    clock: Callable[[], int]
    cursors: Cursors

    def new_id(self, prefix: str) -> str:
        """A new id."""
        return new_id(prefix, now_ms=self.clock())

    def page(
        self,
        list_name: str,
        cursor: str | None,
        read: Callable[[str], tuple[list[Item], str]],
        view: Callable[[Item], Any],
    ) -> Page:
        """One page of a list.

        Args:
            list_name: Binds cursors to it; names the scope too.
            cursor: As the client sent it.
            read: Gives the items behind a sort key, and the sort key to go on from.
            view: An item as the API shows it.
        """
        after = self.cursors.read(list_name, cursor) if cursor else ""
        items, last = read(after)
        return [view(item) for item in items], self.cursors.make(list_name, last) if last else None


def etag(item: Item) -> str:
    """The ETag of a resource: its revision."""
    return f'"{item["revision"]}"'


def require_match(item: Item, if_match: str | None) -> None:
    """Hold a change to the version its sender has read, where it names one.

    Raises:
        Problem: 412 if it is another.
    """
    if if_match is None or if_match.strip() == "*":
        return
    sent = [each.strip().removeprefix("W/") for each in if_match.split(",")]
    if etag(item) not in sent:
        raise changed_meanwhile(etag(item))


@contextmanager
def told() -> Iterator[None]:
    """Tell a client that others were quicker, where trying again by ourselves did not help.

    Raises:
        Problem: 409.
    """
    try:
        yield
    except ConflictError as exc:
        message = "It was changed by somebody else at the same moment. Read it again and repeat the request."
        raise conflict("concurrent_change", message) from exc


def again(change: Callable[[], Item], if_match: str | None, current: Callable[[], Item | None]) -> Item:
    """Make a change to the newest item; somebody in between makes it be tried again, unless If-Match forbids.

    Args:
        change: Reads, changes and writes; raises ``Outdated`` when the item was changed between.
        if_match: As the client sent it: then the first miss is the answer.
        current: Reads the item as it is now.
    """
    for _ in range(RETRIES):
        try:
            return change()
        except Outdated as exc:
            if if_match is not None and if_match.strip() != "*":
                now = current()
                raise changed_meanwhile(etag(now) if now else '"0"') from exc
    message = "It is being changed by others again and again. Read it again and repeat the request."
    raise Problem(409, "concurrent_change", message)
