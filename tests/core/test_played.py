"""What the caller heard, from three witnesses: the journal, the interrupts, and the reports of what was played."""

import pytest

from ringfold.core.ids import Key
from ringfold.core.journal import DONE, Post, Reply
from ringfold.core.played import hear

LATER = Key("z")


def reply(name: str, *texts: tuple[str, int], state: str = DONE) -> Reply:
    """A reply whose posts started at these milliseconds and landed 10 ms later."""
    posts = [Post(Key(name), i, text, at, at + 10, heard=len(text)) for i, (text, at) in enumerate(texts)]
    opened = min((at for _, at in texts), default=0)
    return Reply(Key(name), "r", opened, opened, frozenset(), posts, [], state, closed=False)


def heard(*replies: Reply) -> list[str]:
    """What was heard of each reply."""
    return ["".join(post.text[: post.heard] for post in one.posts) for one in replies]


def test_without_witnesses_all_that_landed_was_heard() -> None:
    """Nobody interrupted and nothing was reported."""
    one = reply("a", ("Good morning. ", 100), ("How are you?", 200))

    hear([one], [], [])

    assert ["Good morning. How are you?"] == heard(one)


@pytest.mark.accept("E19")
def test_an_interrupt_cuts_where_its_text_ends() -> None:
    """And all that lay behind."""
    one = reply("a", ("Good morning. ", 100), ("How are you?", 200))

    hear([one], [(LATER, 900, "Good morning. How")], [])

    assert ["Good morning. How "] == [heard(one)[0] + " "]


@pytest.mark.accept("E19")
def test_an_interrupt_cuts_every_reply_behind_the_one_it_names() -> None:
    """Two replies lay in the queue, and the caller broke into the first."""
    one, two = reply("a", ("Good morning to you.", 100)), reply("b", ("How are you?", 200))

    hear([one, two], [(LATER, 900, "Good morning")], [])

    assert ["Good morning", ""] == heard(one, two)


def test_a_reply_is_out_of_reach_of_an_interrupt_before_it() -> None:
    """Its key is newer."""
    one = reply("b", ("Good morning.", 100))

    hear([one], [(Key("a"), 900, "")], [])

    assert ["Good morning."] == heard(one)


def test_an_empty_text_without_reports_cuts_the_last_reply() -> None:
    """Nothing was heard of the reply that had just begun; what came before it had been spoken."""
    one, two = reply("a", ("Good morning.", 100)), reply("b", ("How are you?", 5000))

    hear([one, two], [(LATER, 5100, "")], [])

    assert ["Good morning.", ""] == heard(one, two)


@pytest.mark.accept("E19")
def test_reports_solve_the_riddle_of_an_empty_text() -> None:
    """Both replies were waiting: only what was reported had been spoken."""
    one, two = reply("a", ("Good morning. ", 100), ("Wait.", 150)), reply("b", ("How are you?", 200))

    hear([one, two], [(LATER, 900, "")], [(800, "Good morning. ")])

    assert ["Good morning. ", ""] == heard(one, two)


def test_a_post_in_flight_counts_as_played_behind_the_purge() -> None:
    """It landed after the interrupt's stamp, and nothing says otherwise."""
    one = reply("a", ("Good morning. ", 100), ("How are you?", 895))

    hear([one], [(LATER, 900, "Good")], [])

    assert ["GoodHow are you?"] == heard(one)


def test_a_post_in_flight_that_was_never_reported_was_purged() -> None:
    """Reports are on, and none came for it."""
    one = reply("a", ("Good morning. ", 100), ("How are you?", 895))

    hear([one], [(LATER, 900, "Good morning.")], [(850, "Good morning. ")])

    assert ["Good morning. "] == heard(one)


def test_words_that_no_journal_holds_are_adopted_by_the_dead_speaker() -> None:
    """Its worker died between the post's landing and the journal; Twilio reported them as played."""
    dead, next_one = reply("a", ("One moment. ", 100), state=""), reply("b", ("Yes.", 5000))

    hear([dead, next_one], [], [(900, "One moment. "), (1500, "Here it is."), (6000, "Yes.")])

    assert ["One moment. Here it is. ", "Yes."] == heard(dead, next_one)


def test_words_that_no_journal_holds_are_told_by_an_interrupt() -> None:
    """The heard text goes on behind the last word the dead speaker wrote down."""
    dead = reply("a", ("One moment. ", 100), state="")

    hear([dead], [(LATER, 2000, "One moment. Here it")], [])

    assert ["One moment. Here it"] == heard(dead)


def test_a_finished_reply_adopts_nothing() -> None:
    """It has written down all it posted; foreign words are of nobody we know."""
    one = reply("a", ("One moment. ", 100))

    hear([one], [], [(900, "Something else entirely.")])

    assert ["One moment. "] == heard(one)


def test_a_report_may_be_spelt_otherwise() -> None:
    """TTS changes a word here or there."""
    one = reply("a", ("That is 12 pounds and no more, Ada. ", 100), ("Thanks.", 200))

    hear([one], [(LATER, 5000, "")], [(4000, "That is twelve pounds and no more, Ada.")])

    assert ["That is 12 pounds and no more, Ada. "] == heard(one)


def test_of_two_replies_that_say_the_same_the_order_decides() -> None:
    """Reports come in the order of the frames: the second of two equal sentences is the second reply's."""
    one, two = reply("a", ("Sorry. ", 100), ("Yes.", 150)), reply("b", ("Sorry. ", 3000), ("No.", 3050))

    owners = hear([one, two], [], [(900, "Sorry. "), (1200, "Yes."), (3500, "Sorry. "), (3900, "No.")])

    assert ["a", "a", "b", "b"] == owners


def test_what_was_not_reported_when_the_call_ended_was_not_heard() -> None:
    """A hang-up sends no interrupt: the reports leave the truth."""
    one = reply("a", ("Good morning. ", 100), ("How are you?", 150))

    hear([one], [], [(900, "Good morning. ")], final=True)

    assert ["Good morning. "] == heard(one)


def test_an_interrupt_may_cut_the_greeting() -> None:
    """It is the first thing Twilio says, as a post of its own."""
    hello = Post(Key(""), 0, "Hello, this is Owl.", 0, 0, heard=19)

    hear([], [(LATER, 900, "Hello, this")], [], hello)

    assert "Hello, this" == hello.text[: hello.heard]


def test_a_text_that_fits_nothing_cuts_nothing() -> None:
    """Noise, where no report tells more."""
    one = reply("a", ("Good morning.", 100))

    hear([one], [(LATER, 900, "xyzzy plugh")], [])

    assert ["Good morning."] == heard(one)
