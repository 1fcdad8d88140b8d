"""A text message: who wrote it, which keyword it is, how far it has got, and what a thread of them tells the model.

Field names and keywords: Twilio's message webhooks and its default opt-out handling (reference of the platform).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from ringfold.core import phone
from ringfold.core.history import Message, legal

Direction = Literal["in", "out"]
Keyword = Literal["stop", "start", "help"]

WHATSAPP_PREFIX: Final = "whatsapp:"
MOST_MEDIA: Final = 10
MOST_BODY: Final = 6_400
"""Characters kept of one text; Twilio sends 1,600 at most, other channels more."""
HISTORY_TEXTS: Final = 40
TAIL_TEXTS: Final = 10
TAIL_CHARS: Final = 500

RECEIVED: Final = "received"
PROCESSING: Final = "processing"
ANSWERED: Final = "answered"
IGNORED: Final = "ignored"
SENDING: Final = "sending"
FAILED: Final = "failed"
_RANKS: Final[Mapping[str, int]] = {
    SENDING: 0, "accepted": 1, "scheduled": 1, "queued": 2, "sent": 3, "undelivered": 4, "delivered": 5, FAILED: 5,
    "read": 6, "canceled": 5,
}  # fmt: skip
"""How far an outbound text is, by Twilio's MessageStatus: a later report never takes it back."""

_KEYWORDS: Final[Mapping[str, Keyword]] = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"), "stop"),
    **dict.fromkeys(("start", "yes", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}
_LOOP_TEXTS: Final = 5
_LOOP_WINDOW_MS: Final = 5 * 60_000
_FLOOD_TEXTS: Final = 20


@dataclass(frozen=True)
class Address:
    """A texter's or a number's address.

    Attributes:
        channel: ``sms`` or ``whatsapp``.
        number: E.164: the person is the same whichever way they write.
    """

    channel: str
    number: str

    def __str__(self) -> str:
        return f"{WHATSAPP_PREFIX}{self.number}" if self.channel == "whatsapp" else self.number


@dataclass(frozen=True)
class Thread:
    """What texts belong together: one contact, one of our numbers, one channel, one organization."""

    organization_id: str
    agent_number: str
    channel: str
    contact: str

    @property
    def key(self) -> str:
        """Partition key of the thread's own item, and what its turns are put in order by."""
        return f"THREAD#{self.organization_id}#{self.agent_number}#{self.channel}#{self.contact}"

    @property
    def conversation_id(self) -> str:
        """The same for every text of the thread."""
        return f"cnv_{hashlib.sha256(self.key.encode()).hexdigest()[:26]}"

    @property
    def agent_address(self) -> Address:
        """Our side, as Twilio writes it."""
        return Address(self.channel, self.agent_number)

    @property
    def contact_address(self) -> Address:
        """Their side, as Twilio writes it."""
        return Address(self.channel, self.contact)


@dataclass(frozen=True)
class Text:
    """One text.

    Attributes:
        sid: Twilio's; ``""`` while Twilio has not given one.
        at_ms: When it was received, or written.
        media: ``{"url": …, "content_type": …}``, references only.
        state: ``received``, ``answered`` or ``ignored`` of an inbound one; ``sending`` and then Twilio's own of an
            outbound one.
        reason: Why it was ignored.
        reply_to: Of an outbound one, the newest text it answers.
    """

    message_id: str
    thread: Thread
    direction: Direction
    body: str
    at_ms: int
    account_id: str
    sid: str = ""
    media: tuple[Mapping[str, str], ...] = ()
    state: str = RECEIVED
    state_ms: int = 0
    error_code: str = ""
    reason: str = ""
    encoding: str = ""
    segments: int = 0
    reply_to: str = ""

    @property
    def sort_key(self) -> str:
        """Its place among the contact's texts."""
        return f"{self.at_ms:013d}#{self.message_id}"

    def to_doc(self) -> dict[str, Any]:
        """The form that is stored."""
        return asdict(self)


def text_from_doc(doc: Mapping[str, Any]) -> Text:
    """Read a text from its stored form."""
    known = {name: doc[name] for name in Text.__dataclass_fields__ if name in doc}
    return Text(**{**known, "thread": Thread(**doc["thread"]), "media": tuple(doc.get("media", ()))})


def parse_address(address: str) -> Address | None:
    """Read an address of Twilio's; ``None`` when it is no number's (a short code is one of ours at most)."""
    channel = "whatsapp" if address.lower().startswith(WHATSAPP_PREFIX) else "sms"
    number = address[len(WHATSAPP_PREFIX) :] if channel == "whatsapp" else address
    return Address(channel, number) if phone.is_e164(number) else None


def keyword_of(body: str, opt_out_type: str = "") -> Keyword | None:
    """The opt-out keyword a text is, as a whole and in any case; Twilio's ``OptOutType`` decides where it is sent."""
    told = opt_out_type.strip().lower()
    if told in {"stop", "start", "help"}:
        return told  # type: ignore[return-value]  # one of the three
    return _KEYWORDS.get(re.sub(r"[^\w]", "", body).lower()) if len(body) <= 40 else None


def is_further(old: str, new: str) -> bool:
    """Whether a report of Twilio's takes an outbound text further; reports come late, twice and in any order."""
    return _RANKS.get(new, -1) > _RANKS.get(old, -1)


def is_final(state: str) -> bool:
    """Whether nothing more is to be expected but a read receipt."""
    return _RANKS.get(state, 0) >= 4


def trouble_with(texts: Sequence[Text], now_ms: int) -> str:
    """Why the newest texts of a thread should not be answered: two machines talking to each other, or a flood.

    Args:
        texts: The thread's, oldest first.
        now_ms: Now.

    Returns:
        ``"loop"``, ``"flood"`` or ``""``. Twilio cuts in with 14107 after 30 quick replies; this is before that.
    """
    recent = [each for each in texts if now_ms - each.at_ms <= _LOOP_WINDOW_MS and each.direction == "in"]
    said = [_canonical(each.body) for each in recent]
    if len(said) >= _LOOP_TEXTS and len(set(said[-_LOOP_TEXTS:])) == 1 and said[-1]:
        return "loop"
    replies = sum(each.direction == "out" for each in texts if now_ms - each.at_ms <= _LOOP_WINDOW_MS)
    return "flood" if replies >= _FLOOD_TEXTS else ""


def history(texts: Iterable[Text]) -> list[Message]:
    """Texts, oldest first, as Converse takes them: roles in turn, what came together merged."""
    built: list[Message] = []
    for text in texts:
        role = "user" if text.direction == "in" else "assistant"
        if text.state in {FAILED, "undelivered", IGNORED}:
            continue  # never read by them, or not for the agent
        words = told(text)
        if not words:
            continue
        if built and built[-1]["role"] == role:
            built[-1]["content"].append({"text": words})
        else:
            built.append({"role": role, "content": [{"text": words}]})
    return legal(built)


def tail_of(texts: Sequence[Text]) -> list[dict[str, str]]:
    """The end of a thread as another channel is told it: ``[{"role": "caller" | "agent", "text": ...}]``."""
    said = [each for each in texts if each.state not in {FAILED, "undelivered", IGNORED} and told(each)]
    return [
        {"role": "caller" if each.direction == "in" else "agent", "text": told(each)[:TAIL_CHARS]}
        for each in said[-TAIL_TEXTS:]
    ]


def told(text: Text) -> str:
    """What the model is told of one text."""
    parts = [text.body.strip()[:MOST_BODY]]
    parts += [f"[The texter sent {_kind(str(each.get('content_type', '')))}.]" for each in text.media]
    return "\n".join(part for part in parts if part)


def _kind(content_type: str) -> str:
    family = content_type.partition("/")[0]
    names = {"image": "a picture", "video": "a video", "audio": "a voice message"}
    return f"{names.get(family, 'a file')} ({content_type or 'of unknown type'})"


def _canonical(body: str) -> str:
    return re.sub(r"\W+", " ", body.lower()).strip()
