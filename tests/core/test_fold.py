"""The fold: one history, whatever order the events came in, and who has the floor."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringfold.core import events as ev
from ringfold.core import journal as j
from ringfold.core.fold import View, covered_by, fold, owns, unanswered
from ringfold.core.history import entries, messages
from ringfold.core.ids import Key
from tests.simulation.model import check_legal

EPOCH = 1_790_000_000_000
GREETING = "Hello, this is Owl."
Write = Callable[[dict[str, Any]], None]
"""One write on the session item."""


def key(kind: str, at_ms: int, *, gen: int = 1, name: str = "m") -> Key:
    """The key of a frame, so many milliseconds into the call."""
    return ev.frame_key(gen, EPOCH + at_ms, kind, name)


def append(at: Key, kind: str, *, rid: str = "a", **fields: Any) -> Write:
    """Store an event unless it is there, as the table does; one that asks for a reply opens its journal."""

    def write(item: dict[str, Any]) -> None:
        item["events"].setdefault(at, {"type": kind, "rid": rid, **fields})
        if kind in ev.SPEAKING:
            opened = {"rid": rid, "at": ev.stamp_of(at), "p": {}, "tools": {}}
            item["replies"][at] = {**opened, **item["replies"].get(at, {})}

    return write


def journal(at: Key, **sets: Any) -> Write:
    """Write into a reply's journal; ``p000="…"`` a post that landed at once, ``t000`` a tool call."""

    def write(item: dict[str, Any]) -> None:
        reply = item["replies"].setdefault(at, {})
        for name, value in sets.items():
            group = {"p": "p", "t": "tools"}.get(name[0]) if name[1:].isdigit() else None
            if group is None:
                reply[name] = value
            else:
                reply.setdefault(group, {})
                reply[group] = {**reply[group], name[1:]: value}

    return write


def post(text: str, at_ms: int, step: int = 0, took_ms: int = 10) -> dict[str, Any]:
    """The journal's entry of a landed post."""
    return {"x": text, "s": EPOCH + at_ms, "at": EPOCH + at_ms + took_ms, "n": step, "f": "s"}


def item_of(writes: Sequence[Write]) -> dict[str, Any]:
    """The session item after these writes, in this order."""
    item: dict[str, Any] = {"events": {}, "replies": {}, "links": {}, "mark": ""}
    for write in writes:
        write(item)
    return item


def told(view: View) -> list[tuple[str, str]]:
    """(role, text) of the history."""
    return [(entry["role"], entry["text"]) for entry in entries(view)]


def seen(view: View) -> Any:
    """What a view says, less the request ids of who stored it."""
    posts = [(r.key, r.state, [(p.index, p.text, p.heard) for p in r.posts], r.tools) for r in view.replies]
    return (
        view.utterances, view.barge_ins, view.speaking, view.replays, view.loose_digits, posts, view.reports,
        view.connection(), entries(view), messages(entries(view)), [owns(view, k) for k in view.speaking],
    )  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """What happens in a call, and what its history says whichever way round it is stored."""

    name: str
    writes: Sequence[Write]
    history: Sequence[tuple[str, str]]
    repeats: Sequence[Write] = field(default=())


P1, P2, P3 = key(ev.PROMPT, 1000), key(ev.PROMPT, 3000), key(ev.PROMPT, 3000, name="n")
I2 = key(ev.INTERRUPT, 3000)
D1, D2, D3 = (key(ev.DIGIT, at) for at in (1000, 1200, 1400))
TAKE = ev.derived_key(P2, ev.TAKE)
AGAIN = key(ev.PROMPT, 9000, gen=2)

SCENARIOS = [
    Scenario(
        "a barge-in and the words behind it, in one millisecond",
        [
            append(P1, ev.PROMPT, text="When do you open?"),
            journal(P1, p000=post("We open at nine ", 1500), covers=[P1]),
            journal(P1, p001=post("and close at five.", 1600), st=j.DONE),
            append(key(ev.PLAYED, 2600), ev.PLAYED, text="We open at nine "),
            append(I2, ev.INTERRUPT, heard="We open at nine and"),
            append(P2, ev.PROMPT, text="And tomorrow?"),
            journal(P2, p000=post("The same.", 3500), st=j.DONE, covers=[P1, P2]),
        ],
        [
            ("caller", "When do you open?"),
            ("agent", "We open at nine and"),
            ("caller", "And tomorrow?"),
            ("agent", "The same."),
        ],
    ),
    Scenario(
        "an empty heard text, and reports of what was played",
        [
            append(P1, ev.PROMPT, text="Hello?"),
            journal(P1, p000=post("Good morning. ", 1200), st=j.DONE),
            append(key(ev.PLAYED, 2000), ev.PLAYED, text="Good morning. "),
            append(P2, ev.PROMPT, text="My name is Ada."),
            journal(P2, p000=post("Hello Ada.", 3200)),
            append(key(ev.INTERRUPT, 3300), ev.INTERRUPT, heard=""),
        ],
        [("caller", "Hello?"), ("agent", "Good morning."), ("caller", "My name is Ada.")],
    ),
    Scenario(
        "an earlier utterance comes late and takes the floor above the newer one",
        [
            append(P1, ev.PROMPT, text="One."),
            append(P2, ev.PROMPT, text="Two."),
            append(TAKE, ev.TAKE),
            journal(P1, st=j.STOPPED),
            journal(P2, st=j.STOPPED),
            journal(TAKE, p000=post("Both.", 3900), covers=[P1, P2], st=j.DONE),
        ],
        [("caller", "One."), ("caller", "Two."), ("agent", "Both.")],
    ),
    Scenario(
        "keys, then words",
        [
            append(D1, ev.DIGIT, digit="1"),
            append(D2, ev.DIGIT, digit="2"),
            append(D3, ev.DIGIT, digit="#"),
            append(ev.derived_key(D3, ev.DIGITS), ev.DIGITS),
            journal(ev.derived_key(D3, ev.DIGITS), p000=post("Thank you.", 2000), st=j.DONE),
            append(P2, ev.PROMPT, text="What now?"),
        ],
        [("caller", "12#"), ("agent", "Thank you."), ("caller", "What now?")],
    ),
    Scenario(
        "words close an entry of keys that nobody has collected",
        [
            append(D1, ev.DIGIT, digit="7"),
            append(D2, ev.DIGIT, digit="8"),
            append(key(ev.PROMPT, 1300), ev.PROMPT, text="No, wait."),
            append(D3, ev.DIGIT, digit="9"),
            append(ev.derived_key(D3, ev.DIGITS), ev.DIGITS),
        ],
        [("caller", "78"), ("caller", "No, wait."), ("caller", "9")],
    ),
    Scenario(
        "a second link replays what was not acknowledged",
        [
            append(key(ev.SETUP, 0), ev.SETUP, session_id="VX1"),
            append(P1, ev.PROMPT, text="Are you there?"),
            journal(P1, st=j.GONE),
            append(key(ev.SETUP, 8000, gen=2), ev.SETUP, session_id="VX2"),
            append(AGAIN, ev.PROMPT, text="Are you there?"),
            append(ev.derived_key(key(ev.SETUP, 8000, gen=2), ev.RESUME), ev.RESUME),
            append(key(ev.PROMPT, 12_000, gen=2), ev.PROMPT, text="Hello?"),
        ],
        [("caller", "Are you there?"), ("caller", "Hello?")],
    ),
    Scenario(
        "a setup behind the first words, and an error of Twilio's",
        [
            append(P1, ev.PROMPT, text="Hello."),
            append(key(ev.SETUP, 1000), ev.SETUP, session_id="VX1"),
            append(key(ev.ERROR, 1000), ev.ERROR, text="Invalid message"),
            append(key(ev.PLAYED, 1000), ev.PLAYED, text="Hello, this is Owl."),
            journal(P1, p000=post("Good day.", 1800), st=j.DONE),
        ],
        [("caller", "Hello."), ("agent", "Good day.")],
    ),
    Scenario(
        "a speaker dies, the watchdog speaks, and the dead one's words were heard",
        [
            append(P1, ev.PROMPT, text="Well?"),
            journal(P1, p000=post("One moment. ", 1100), covers=[P1]),
            append(key(ev.PLAYED, 1900), ev.PLAYED, text="One moment. "),
            append(key(ev.PLAYED, 2600), ev.PLAYED, text="Here it is. "),
            append(ev.derived_key(P1, ev.WATCHDOG), ev.WATCHDOG),
            journal(ev.derived_key(P1, ev.WATCHDOG), p000=post("Yes.", 6000), covers=[P1], st=j.DONE),
        ],
        [("caller", "Well?"), ("agent", "One moment. Here it is."), ("agent", "Yes.")],
    ),
    Scenario(
        "a tool whose caller died",
        [
            append(P1, ev.PROMPT, text="Change it."),
            journal(P1, t000={"n": 0, "id": "t1", "name": "change", "i": "{}"}),
            append(P2, ev.PROMPT, text="Did it work?"),
            append(P3, ev.PROMPT, text="Hello?"),
            journal(P1, st=j.STOPPED),
        ],
        [("caller", "Change it."), ("agent", ""), ("caller", "Did it work?"), ("caller", "Hello?")],
    ),
]


@pytest.mark.accept("E4")
@pytest.mark.accept("E19")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_any_order_gives_one_view(scenario: Scenario) -> None:
    """Every permutation of up to seven writes gives the same view and the same history."""
    expected = seen(fold(item_of(scenario.writes), GREETING))

    assert list(scenario.history) == told(fold(item_of(scenario.writes), GREETING))
    for order in itertools.permutations(scenario.writes):
        assert expected == seen(fold(item_of(order), GREETING))


@pytest.mark.accept("E19")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_events_stored_twice_change_nothing(scenario: Scenario) -> None:
    """A frame delivered again under another request id, before or behind any other write, changes nothing."""
    expected = seen(fold(item_of(scenario.writes), GREETING))
    events = item_of(scenario.writes)["events"]

    for stored, event in events.items():
        fields = {name: value for name, value in event.items() if name not in ("type", "rid")}
        again = append(Key(stored), event["type"], rid="b", **fields)
        for at in range(len(scenario.writes) + 1):
            writes = [*scenario.writes[:at], again, *scenario.writes[at:]]
            assert expected == seen(fold(item_of(writes), GREETING))


@pytest.mark.slow
@pytest.mark.accept("E19")
@pytest.mark.accept("G16")
@pytest.mark.parametrize("chunk", range(10))
def test_random_events_fold_to_one_legal_history(chunk: int) -> None:
    """Up to thirty random events in two orders: the same view, a request Converse accepts, and no exception."""
    rng = random.Random(chunk)
    for _ in range(10_000):
        writes = [_random_write(rng) for _ in range(rng.choice((2, 4, 6, 8, 12, 30)))]
        item = item_of(writes)
        events, replies = list(item["events"].items()), list(item["replies"].items())
        rng.shuffle(events)
        rng.shuffle(replies)
        final = rng.random() < 0.2
        one = fold(item, GREETING, final=final)
        other = fold({**item, "events": dict(events), "replies": dict(replies)}, GREETING, final=final)

        told_model = messages(entries(one))
        wrong: list[str] = []
        check_legal(told_model, wrong)
        assert [] == wrong
        assert told_model == messages(entries(other))
        assert (one.utterances, one.speaking, one.replays) == (other.utterances, other.speaking, other.replays)


WORDS = ("yes", "no", "the", "flight", "leaves", "at", "nine", "Sorry,", "again", "£12", "one moment.", "")


def _random_write(rng: random.Random) -> Write:
    """Any event at any time on one of two links, or a piece of a journal, as a crash anywhere may leave it."""
    kind = rng.choice([*ev.RANKS, ev.PROMPT, ev.PROMPT, ev.INTERRUPT, ev.PLAYED, "journal", "journal", "journal"])
    at = rng.choice((0, 1, 500, 1000, 1000, 4000, 9000, 20_000))
    stored = key(ev.PROMPT if kind == "journal" else kind, at, gen=rng.choice((1, 1, 2)), name=rng.choice("ab"))
    text = " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 4)))
    if kind == "journal":
        return _random_journal(rng, stored, text)
    if rng.random() < 0.2:
        kind = rng.choice([*ev.LETTERS])
        stored = ev.derived_key(stored, kind)
    return append(stored, kind, text=text, heard=text, digit=rng.choice("0123456789*#"))


def _random_journal(rng: random.Random, stored: Key, text: str) -> Write:
    name = f"{rng.choice('ppt')}{rng.randrange(3):03d}"
    step = rng.randrange(2)
    if name[0] == "p":
        value = post(text, rng.choice((0, 700, 1100, 5000)), step, rng.choice((5, 300)))
    else:
        value = {"n": step, "id": f"{stored}{name}", "name": "look", "i": rng.choice(("{}", "[", "3"))}
        value |= rng.choice(({}, {"r": '{"a": 1}', "st": "success"}, {"r": "no JSON", "st": "error"}))
    ends: Mapping[str, Any] = rng.choice(({}, {"st": j.DONE}, {"st": j.STOPPED}, {"st": j.GONE}, {"covers": [stored]}))
    return journal(stored, **{name: value}, **ends)


# --- who has the floor ------------------------------------------------------------------------------------------------


def test_the_newest_utterance_has_the_floor() -> None:
    """Whoever stored the newest speaking event speaks, for every utterance up to it."""
    view = fold(item_of([append(P1, ev.PROMPT, text="One."), append(P2, ev.PROMPT, text="Two.")]))

    assert [False, True] == [owns(view, P1), owns(view, P2)]
    assert ["One.", "Two."] == [utterance.text for utterance in covered_by(view, P2)]


@pytest.mark.accept("E4")
def test_an_interrupt_stops_the_reply_that_sounds() -> None:
    """A barge-in into a reply's own words takes the floor from it."""
    sounding = [append(P1, ev.PROMPT, text="One."), journal(P1, p000=post("I think that ", 1200))]

    view = fold(item_of([*sounding, append(I2, ev.INTERRUPT, heard="I think")]))

    assert not owns(view, P1)


def test_an_interrupt_spares_a_reply_that_has_not_begun() -> None:
    """Nothing of the reply had been posted: the caller spoke over something older (A6)."""
    view = fold(item_of([append(P1, ev.PROMPT, text="One."), append(I2, ev.INTERRUPT, heard="Hello, this")]), GREETING)

    assert owns(view, P1)


def test_an_interrupt_of_older_words_spares_the_newer_reply() -> None:
    """What was heard is of the greeting: the reply behind it in the queue keeps the floor."""
    sounding = [append(P1, ev.PROMPT, text="One."), journal(P1, p000=post("I think that ", 1200))]

    view = fold(item_of([*sounding, append(I2, ev.INTERRUPT, heard="Hello, this")]), GREETING)

    assert owns(view, P1)


def test_an_ended_call_has_no_speaker() -> None:
    """The end is absorbing."""
    item = item_of([append(P1, ev.PROMPT, text="One.")])

    assert not owns(fold({**item, "ended": "caller_hung_up"}), P1)


def test_an_utterance_is_unanswered_until_words_land() -> None:
    """A reply that has posted nothing has answered nothing."""
    writes = [append(P1, ev.PROMPT, text="One."), journal(P1, st=j.STOPPED)]

    assert ["One."] == [u.text for u in unanswered(fold(item_of(writes)))]
    assert [] == unanswered(fold(item_of([*writes, journal(P1, p000=post("Yes.", 1500), covers=[P1])])))


@pytest.mark.accept("N2")
def test_words_go_to_the_newest_link() -> None:
    """The newest generation with a connection is where words go (A7)."""
    item = item_of([append(P1, ev.PROMPT, text="One.")])

    assert "c10" == fold({**item, "links": {"g9": "c9", "g10": "c10", "g2": "c2"}}).connection()
    assert "" == fold(item).connection()


@pytest.mark.accept("N2")
def test_a_replay_of_answered_words_is_no_utterance() -> None:
    """Words a new link brings again were said once, though they were answered before the link broke (A8)."""
    writes = [
        append(P1, ev.PROMPT, text="One."),
        journal(P1, p000=post("Yes.", 1500), covers=[P1], st=j.DONE),
        append(key(ev.SETUP, 8000, gen=2), ev.SETUP),
        append(AGAIN, ev.PROMPT, text="One."),
    ]

    view = fold(item_of(writes))

    assert {AGAIN: P1} == view.replays
    assert [P1] == view.speaking


def test_the_same_words_much_later_are_said_again() -> None:
    """Answered words that come again long after the break are not a replay."""
    writes = [
        append(P1, ev.PROMPT, text="Yes."),
        journal(P1, p000=post("Good.", 1500), covers=[P1], st=j.DONE),
        append(key(ev.SETUP, 60_000, gen=2), ev.SETUP),
        append(key(ev.PROMPT, 61_000, gen=2), ev.PROMPT, text="Yes."),
    ]

    assert ["Yes.", "Yes."] == [utterance.text for utterance in fold(item_of(writes)).utterances]


def test_pressed_keys_are_loose_until_collected() -> None:
    """Keys without their collection are known by the last of them; the end of the call collects them."""
    pressed = [append(D1, ev.DIGIT, digit="1"), append(D2, ev.DIGIT, digit="2")]

    assert (D2, "12") == fold(item_of(pressed)).loose_digits
    assert [] == fold(item_of(pressed)).utterances
    assert ["12"] == [utterance.text for utterance in fold(item_of(pressed), final=True).utterances]


def test_a_late_event_is_kept_and_not_answered_again() -> None:
    """An event at or below the mark is in the history and asks for nothing more (A10)."""
    item = item_of([append(P1, ev.PROMPT, text="One."), append(P2, ev.PROMPT, text="Two.")])

    view = fold({**item, "mark": P1})

    assert {P1} == view.late
    assert ["Two."] == [utterance.text for utterance in unanswered(view)]
    assert ("caller", "One.") in told(view)
