"""From a request to a reply."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from local.model.dialogue import airline, general
from local.model.dialogue.conversation import CONTINUE, Conversation, Exchange, read_conversation
from local.model.dialogue.forced import forced_call
from local.model.dialogue.lines import say
from local.model.dialogue.manners import Rule
from local.model.dialogue.persona import read_persona
from local.model.dialogue.reply import Reply
from local.model.dialogue.results import after_tool
from local.model.dialogue.talk import Talk
from local.model.request import ConverseRequest

AIRLINE_TOOL: Final = "lookup_reservation"
LEAST_OVERLAP: Final = 6


def answer(request: ConverseRequest) -> Reply:
    """The dialogue's reply to a request."""
    conversation = read_conversation(request)
    if request.tool_choice:
        return forced_call(_talk(conversation), request.tool_choice)
    return respond(conversation)


def respond(conversation: Conversation) -> Reply:
    """The reply to the last exchange of a conversation."""
    talk = _talk(conversation)
    if talk.now.rounds:
        return after_tool(talk)
    if CONTINUE.search(talk.now.note) or _wants_more(talk):
        return _rest_of_last_answer(talk) or Reply(say(talk, "anything_else"))
    if "repeat" in talk.manners and not talk.topics and not talk.code:
        return _once_more(talk)
    reply = _first(airline.RULES if talk.offers(AIRLINE_TOOL) else general.RULES, talk)
    return _soothed(talk, reply) if "angry" in talk.manners else reply


def _talk(conversation: Conversation) -> Talk:
    return Talk(conversation, read_persona(conversation.system))


def _first(rules: Sequence[Rule], talk: Talk) -> Reply:
    return next(reply for rule in rules if (reply := rule(talk)) is not None)


def _wants_more(talk: Talk) -> bool:
    return talk.was_cut and (
        "resume" in talk.manners or talk.words in {"yes", "yeah", "okay", "ok", "uh huh", "mm hm", "mhm"}
    )


def _last_answer(talk: Talk) -> tuple[Reply, str] | None:
    """The agent's last answer in full, worked out again, and what was heard of it."""
    for place in range(len(talk.before) - 1, -1, -1):
        exchange = talk.before[place]
        if exchange.agent:
            again = Exchange(exchange.caller, exchange.keys, exchange.note, list(exchange.rounds))
            earlier = [*talk.before[:place], again]
            return respond(replace(talk.conversation, exchanges=earlier)), exchange.agent
    return None


def _rest_of_last_answer(talk: Talk) -> Reply | None:
    found = _last_answer(talk)
    if found is None:
        return None
    full, heard = found
    overlap = _overlap(heard, full.text)
    rest = full.text[_word_start(full.text, overlap) :].strip()
    return Reply(rest, full.calls) if rest or full.calls else None


def _overlap(heard: str, full: str) -> int:
    """How much of the full answer ends what was heard (a preamble may stand before it)."""
    longest = min(len(heard), len(full))
    return next((size for size in range(longest, LEAST_OVERLAP - 1, -1) if heard.endswith(full[:size])), 0)


def _word_start(text: str, at: int) -> int:
    """Back to the beginning of a word that was heard by half."""
    if 0 < at < len(text) and text[at].isalnum() and text[at - 1].isalnum():
        return at - len(re.search(r"\w*$", text[:at])[0])  # type: ignore[index]  # the pattern matches always
    return at


def _once_more(talk: Talk) -> Reply:
    found = _last_answer(talk)
    if found is None:
        return Reply(talk.greeting or say(talk, "nothing_to_repeat"))
    full, heard = found
    return Reply(f"{say(talk, 'repeat')}{full.text or heard}", full.calls)


def _soothed(talk: Talk, reply: Reply) -> Reply:
    """An apology before the answer; a question that leads on where there was none."""
    sorry = say(talk, "sorry_angry")
    if any(reply.text == way for way in _lost(talk)):
        knows = talk.offers(AIRLINE_TOOL) and talk.reservation is None
        return Reply(f"{sorry} {say(talk, 'angry_code' if knows else 'angry_more')}")
    if reply.text.startswith(("I'm sorry", "I'm really sorry")) or not reply.text:
        return reply
    return Reply(f"{sorry} {reply.text}", reply.calls)


def _lost(talk: Talk) -> tuple[str, ...]:
    return (say(talk, "not_understood"), say(talk, "ask_code_again"), say(talk, "off_topic", field=airline.FIELD))
