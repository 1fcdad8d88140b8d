"""From a request to a reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from local.model.dialogue import airline, general
from local.model.dialogue.conversation import CONTINUE, Conversation, Exchange, read_conversation
from local.model.dialogue.forced import forced_call
from local.model.dialogue.heard import reached
from local.model.dialogue.intents import is_yes
from local.model.dialogue.lines import say
from local.model.dialogue.manners import Rule
from local.model.dialogue.persona import read_persona
from local.model.dialogue.powers import power
from local.model.dialogue.questions import AGREED_TO, NOTHING, find_question
from local.model.dialogue.reply import Reply
from local.model.dialogue.results import after_tool
from local.model.dialogue.routing import HAND_TO_AGENT, other_agent, routed
from local.model.dialogue.talk import Talk
from local.model.request import ConverseRequest

AIRLINE_TOOL: Final = "lookup_reservation"
DEEPEST: Final = 4
"""How many answers that were cut short are worked out again, one behind the other."""
LISTENING: Final = frozenset({"okay", "ok", "uh huh", "mm hm", "mhm"})
"""What people say while somebody else is talking."""


def answer(request: ConverseRequest) -> Reply:
    """The dialogue's reply to a request."""
    if (number := routed(request)) is not None:
        return Reply(number)
    conversation = read_conversation(request)
    if request.tool_choice:
        return forced_call(_talk(conversation), request.tool_choice)
    return respond(conversation)


def respond(conversation: Conversation, depth: int = 0) -> Reply:
    """The reply to the last exchange of a conversation.

    Args:
        conversation: All that was said and done.
        depth: How many later answers are being worked out by means of this one.
    """
    talk = _talk(conversation, depth)
    if talk.now.rounds and talk.now.rounds[-1].name == HAND_TO_AGENT:
        # This agent has just been given the caller: their words are still to be answered, and not to be passed on.
        asked = Exchange(talk.now.caller, talk.now.keys, talk.now.note)
        tools = {name: spec for name, spec in conversation.tools.items() if name != HAND_TO_AGENT}
        return respond(replace(conversation, exchanges=[*talk.before, asked], tools=tools), depth)
    if talk.now.rounds:
        return after_tool(talk)
    if CONTINUE.search(talk.now.note) or _wants_more(talk):
        return _rest_of_last_answer(talk) or Reply(say(talk, "anything_else"))
    if "repeat" in talk.manners and not talk.topics and not talk.code:
        return _once_more(talk)
    handed = power(talk) or other_agent(talk)
    if handed is not None:
        return handed
    reply = _first(airline.RULES if talk.offers(AIRLINE_TOOL) else general.RULES, talk)
    return _soothed(talk, reply) if "angry" in talk.manners else reply


def _talk(conversation: Conversation, depth: int = 0) -> Talk:
    recall = partial(respond, depth=depth + 1) if depth < DEEPEST else None
    return Talk(conversation, read_persona(conversation.system), recall)


def _first(rules: Sequence[Rule], talk: Talk) -> Reply:
    return next(reply for rule in rules if (reply := rule(talk)) is not None)


def _wants_more(talk: Talk) -> bool:
    if not talk.was_cut:
        return False
    kind, begun = talk.open_question[0], find_question(talk.asked) != NOTHING
    if kind in AGREED_TO and is_yes(talk.words) and (begun or talk.words not in LISTENING):
        return False
    return "resume" in talk.manners or talk.words in LISTENING | {"yes", "yeah"}


def _rest_of_last_answer(talk: Talk) -> Reply | None:
    full = talk.last_answer
    if full is None:
        return None
    rest = full.text[reached(full.text, talk.last_agent) :].strip()
    return Reply(rest, full.calls) if rest or full.calls else None


def _once_more(talk: Talk) -> Reply:
    full = talk.last_answer
    if full is None:
        return Reply(talk.greeting or say(talk, "nothing_to_repeat"))
    return Reply(f"{say(talk, 'repeat')}{full.text or talk.last_agent}", full.calls)


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
