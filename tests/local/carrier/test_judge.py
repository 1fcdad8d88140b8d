"""What counts as late, interleaved, or after the end."""

from __future__ import annotations

from local.carrier.frames import End, Text
from local.carrier.judge import Judge


def test_text_without_an_open_cycle_is_never_late() -> None:
    """The next reply may take its time."""
    judge = Judge(0.25)
    judge.frame(0, Text("done", last=True))
    judge.fence(1, "prompt")

    assert [] == judge.frame(5, Text("a new reply"))


def test_an_open_cycle_that_goes_on_is_late_after_the_limit() -> None:
    """The limit is 250 ms, to the millisecond."""
    judge = Judge(0.25)
    judge.frame(0, Text("going on "))
    judge.fence(1, "interrupt")

    assert [] == judge.frame(1.249, Text("and on "))
    assert ["late: text goes on in its talk cycle 251 ms after the interrupt superseding it"] == judge.frame(
        1.251, Text("and on ")
    )


def test_closing_the_old_cycle_clears_the_way() -> None:
    """After an empty last the next words are the new reply's."""
    judge = Judge(0.25)
    judge.frame(0, Text("going on "))
    judge.fence(1, "interrupt")
    judge.frame(1.5, Text("", last=True))

    assert [] == judge.frame(2, Text("new"))


def test_nothing_follows_end() -> None:
    """Even a second end is a fault."""
    judge = Judge(0.25)
    judge.frame(0, End())

    assert ["text after end"] == judge.frame(1, Text("x"))
    assert ["end after end"] == judge.frame(1, End())


def test_a_marked_reply_is_late_even_in_a_cycle_of_its_own() -> None:
    """Where the words tell whose they are, an old reply is known wherever it turns up."""
    judge = Judge(0.25, lambda token: token[0])
    judge.frame(0, Text("1 old", last=True))
    judge.fence(1, "prompt")

    assert ["late: reply 1 speaks 2000 ms after the prompt superseding it"] == judge.frame(3, Text("1 old again"))
