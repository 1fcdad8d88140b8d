"""What every agent can answer, whatever its trade: greetings, thanks, goodbyes, who it is, a caller who cuts in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from local.model.dialogue.calls import farewell, transfer
from local.model.dialogue.intents import is_no, is_yes
from local.model.dialogue.lines import say
from local.model.dialogue.reply import Reply
from local.model.dialogue.talk import Talk

ONLY_HELLO: Final = re.compile(
    r"^(hi|hello|hey|hiya|yo|howdy|good (morning|afternoon|evening))"
    r"( (there|again|hello|is (anybody|anyone) there|can you hear me|are you there|\w+))?$"
)
BACK: Final = re.compile(r"being transferred, but (.+?)\. They are back")
"""How a note of the system tells that nobody took the call."""
Rule = Callable[[Talk], Reply | None]


def opening(talk: Talk) -> Reply | None:
    """Speak first, when there is nothing to answer."""
    if talk.words or talk.now.keys:
        return None
    return Reply(greeting(talk))


def came_back(talk: Talk) -> Reply | None:
    """A transfer came to nothing, and the caller is back."""
    why = BACK.search(talk.now.note)
    return Reply(say(talk, "came_back", why=why[1])) if why else None


def greeting(talk: Talk) -> str:
    """A hello that fits the moment."""
    if talk.last_agent:
        return say(talk, "hello_again")
    if talk.persona.remembered_code and talk.offers("lookup_reservation"):
        return say(talk, "hello_back")
    if talk.persona.company and not talk.greeting:
        return say(talk, "hello_company", company=talk.persona.company)
    return say(talk, "hello")


def goodbye(talk: Talk) -> Reply | None:
    """The caller takes leave, or needs nothing else."""
    if asks_something(talk) or "how_are_you" in talk.manners:
        return None
    declined = talk.open_question[0] == "anything_else" and is_no(talk.words) and "cancel" not in talk.manners
    if "goodbye" in talk.manners or declined:
        return farewell(talk)
    return None


def human(talk: Talk) -> Reply | None:
    """The caller wants a person."""
    offered = talk.open_question[0] == "human_offer" and is_yes(talk.words)
    asked = "human" in talk.manners and "identity" not in talk.manners
    return transfer(talk) if offered or asked else None


def identity(talk: Talk) -> Reply | None:
    """The caller asks who this is; never pretends to be a person."""
    if "identity" not in talk.manners:
        return None
    persona = talk.persona
    who = persona.name or (f"the {persona.role}" if persona.role else "the assistant")
    if persona.company and persona.company not in who:
        who = f"{who} from {persona.company}"
    return Reply(say(talk, "who", who=who))


def how_are_you(talk: Talk) -> Reply | None:
    """Small talk."""
    if "how_are_you" in talk.manners and not asks_something(talk):
        return Reply(say(talk, "well"))
    return None


def hold(talk: Talk) -> Reply | None:
    """The caller cut in and wants to speak."""
    if "hold" in talk.manners and not asks_something(talk):
        return Reply(say(talk, "go_ahead"))
    return None


def cancel(talk: Talk) -> Reply | None:
    """The caller drops what they asked for."""
    if "cancel" in talk.manners and not asks_something(talk):
        return Reply(say(talk, "cancelled"))
    return None


def thanks(talk: Talk) -> Reply | None:
    """The caller is content."""
    if "thanks" in talk.manners and not asks_something(talk):
        return Reply(say(talk, "welcome"))
    return None


def carry_on(talk: Talk) -> Reply | None:
    """The caller waits for more where nothing is left to say."""
    return Reply(say(talk, "anything_else")) if "resume" in talk.manners else None


def thinking(talk: Talk) -> Reply | None:
    """The caller is looking for words."""
    return Reply(say(talk, "take_your_time")) if "thinking" in talk.manners else None


def hello(talk: Talk) -> Reply | None:
    """The caller only says hello."""
    if "greeting" in talk.manners and not asks_something(talk) and ONLY_HELLO.match(talk.words):
        return Reply(greeting(talk))
    return None


def language(talk: Talk) -> Reply | None:
    """The caller speaks another language."""
    return Reply(say(talk, "english_only")) if "other_language" in talk.manners else None


def yes_or_no(talk: Talk) -> Reply | None:
    """A yes or no to a question nobody asked, or to whether there is anything else."""
    if len(talk.words.split()) > 6 or asks_something(talk):
        return None
    if is_yes(talk.words) and talk.open_question[0] == "anything_else":
        return Reply(say(talk, "what_is_it"))
    if is_yes(talk.words) or is_no(talk.words):
        return Reply(say(talk, "anything_else"))
    return None


def off_topic(field: str) -> Rule:
    """The caller asks for what no agent of this field has."""

    def rule(talk: Talk) -> Reply | None:
        return Reply(say(talk, "off_topic", field=field)) if "off_topic" in talk.manners else None

    return rule


def not_understood(talk: Talk) -> Reply | None:
    """The last resort."""
    return Reply(say(talk, "not_understood"))


def asks_something(talk: Talk) -> bool:
    """Whether there is more in the utterance than manners."""
    return bool(set(talk.topics) - {"reservation"} or talk.code or talk.seat)


BEFORE: Final[tuple[Rule, ...]] = (came_back, opening, goodbye, human, identity, how_are_you)
AFTER: Final[tuple[Rule, ...]] = (hold, cancel, thanks, carry_on, thinking, hello, language, yes_or_no)
