"""What callers of an airline ask about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from local.model.dialogue.phrases import Phrases, build_table, find_all

_SEAT: Final = "(seats?|window|aisle|middle|row|next to|beside)"
TOPICS: Final[Phrases] = {
    "cancel_booking": ("cancel (.{0,25} )?(flight|booking|reservation|trip|ticket)",),
    "upgrade": ("upgrade", "first class", "business class", "premium"),
    "seat_change": (
        f"(change|switch|swap|move|different|another|better|new|pick|choose|select|book)( .{{0,35}})? {_SEAT}",
        f"(want|like|get|have|prefer|need|take|give|put|make|available|open|free)( .{{0,35}})? {_SEAT}",
        "(seats?|window|aisle) (.{0,25} )?(change|available|open|left|free|instead)",
        r"(change|switch|move|swap|put)( .{0,30})? \d{1,2} ?[a-l]",
        "(any|an?|by the|on the) (window|aisle|middle|other)", "(window|aisle|middle) seat",
        "(at|near|in|to|prefer|want) the (front|back)", "(move|sit|put)( .{0,20})? (somewhere|anywhere|better|else)",
    ),
    "rebook": (
        r"rebook\w*", "(another|different|new) flight", "(earlier|later|next|other) (flight|departure)",
        "(earlier|later|next) one",
        "switch flights?", "change (my |the )?flight", "alternatives?", "fly (earlier|later|tomorrow|another)",
    ),
    "refund": (r"refund\w*", "money back", r"reimburse\w*"),
    "compensation": (r"compensat\w*", "vouchers?", "credit", "hotel", "entitled", "owe me", "make up for"),
    "connection": ("connection", "connecting", "layover", "(miss|make) my next"),
    "reason": (
        "^((okay|ok|and|but|so) )*why( is (that|it))?$", r"why( .{0,30})? (delay\w*|late|cancel\w*)",
        r"(reason|cause|caused)( .{0,20})? delay\w*", "what happened to (my|the) flight",
    ),
    "arrival": (r"arriv\w*", "land", "lands", "landing", "get (in|there)", "touch down", "eta"),
    "status": (
        r"delay\w*", "on time", "late", "status", "cancell?ed", "running", "still (going|leaving|flying)", "how long",
        "happening with",
    ),
    "departure": (
        "what time", "when", "departure", r"depart\w*", "leav(e|es|ing)(?! (it|that|me|my|them|a|everything))",
        "take ?off", "takes off", "boarding", "(?<!on )board",
    ),
    "gate": ("gate", "terminal", "where do i (go|board)"),
    "old_seat": ("(old|previous|original|last) seat", "seat (did i have|was i in)"),
    "seat_kind": (
        "am i (in|on|at|by) (an?|the) (window|aisle|middle)", "is (it|that|my seat) (an?|the) (window|aisle|middle)",
    ),
    "my_seat": (
        "(what|which) (is my |seat|row)", "my seat", "where am i sitting", "seat (number|assignment|do i have|am i)",
    ),
    "cabin": ("(what|which) (class|cabin)", "fare (class|type)"),
    "bags": ("bags?", "baggage", "luggage", "suitcases?", "carry ?on", "checked"),
    "check_in": ("check in", "checked in", "boarding pass", "checking in"),
    "route": (
        "where (am i|are we|is (it|my flight)) (going|flying|headed)", "destination", "where (to|from)",
        "which (city|airport)",
    ),
    "date": ("(what|which) day", "what date", "date of", "is it (today|tomorrow)"),
    "name": ("(whose|what) name", "name (is )?(on|under)", "who is (it|the booking) (for|under)"),
    "amenities": (
        "wi ?fi", "meal", "food", "eat", "drink", "snack", "entertainment", "movies?", "power", "outlet", "pet", "dog",
        "cat",
    ),
    "assistance": (
        "wheelchair", "assistance", "special (needs|help)", r"disab\w*", "unaccompanied", "stroller", "baby", "infant",
    ),
    "overview": (
        "what (is|are) my (flight|reservation|booking|trip)", "which flight am i", "flight details", "itinerary",
        "(pull|look) up my", "anything else (i should|to) know", "tell me about my (flight|trip|reservation|booking)",
        r"my (flight|reservation|booking|trip) (details|info\w*)",
    ),
    "reservation": (
        "reservation", "booking", "confirmation", "look (it |me |that )?up", "my (trip|ticket)", "flight",
    ),
}  # fmt: skip
COVERS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("cancel_booking", frozenset({"status", "reservation"})),
    ("rebook", frozenset({"departure", "status", "seat_change"})),
    ("reason", frozenset({"status", "departure"})),
    ("connection", frozenset({"status"})),
    ("arrival", frozenset({"departure"})),
    ("status", frozenset({"departure", "overview"})),
    ("departure", frozenset({"overview"})),
    ("gate", frozenset({"overview"})),
    ("upgrade", frozenset({"seat_change", "cabin"})),
    ("seat_kind", frozenset({"seat_change", "my_seat"})),
    ("old_seat", frozenset({"seat_change", "my_seat"})),
    ("seat_change", frozenset({"my_seat", "departure"})),
    ("check_in", frozenset({"bags", "departure"})),
    ("bags", frozenset({"status", "check_in"})),
    ("date", frozenset({"departure"})),
    ("compensation", frozenset({"status", "amenities"})),
)
"""A subject, and those it takes the words of: "when do we land" asks nothing about the departure."""
_TOPICS: Final = build_table(TOPICS)


def find_topics(words: str) -> tuple[str, ...]:
    """Every question about a journey in an utterance, in the order asked; the general one only on its own."""
    names = [name for _, name in sorted(find_all(_TOPICS, words), key=lambda found: found[0])]
    for special, covered in COVERS:
        if special in names:
            names = [name for name in names if name not in covered]
    return drop_general(names)


def drop_general(names: Sequence[str]) -> tuple[str, ...]:
    """Without ``reservation``, unless that is all that was asked: a word like "flight" stands in most questions."""
    return tuple(name for name in names if name != "reservation" or len(names) == 1)
