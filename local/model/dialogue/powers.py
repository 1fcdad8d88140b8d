"""What a caller may ask of the line itself: another language, some music, a keypad, keys to be pressed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from local.model.dialogue.calls import make_call
from local.model.dialogue.conversation import ToolRound
from local.model.dialogue.facts import outcome
from local.model.dialogue.reply import Call, Reply
from local.model.dialogue.talk import Talk

LANGUAGES: Final = re.compile(r"Languages you may switch to with switch_language: (.+)")
AUDIO: Final = re.compile(r"Audio you may play with play_audio: (\S+?)(?:,|\s|$)")
NAMES: Final[Mapping[str, str]] = {
    "es": r"spanish|espanol|español", "fr": r"french|francais|français", "de": r"german|deutsch", "en": r"english",
}  # fmt: skip
SWITCHED: Final[Mapping[str, str]] = {
    "es": "Claro, sigamos en español. ¿En qué puedo ayudarle?",
    "fr": "Bien sûr, continuons en français. Que puis-je faire pour vous ?",
    "de": "Gern, wir sprechen jetzt deutsch. Was kann ich für Sie tun?",
}
MUSIC: Final = re.compile(r"\b(play|hear|put on)\b.*\bmusic\b|\bmusic\b.*\bwhile i wait\b")
KEYPAD: Final = re.compile(r"\b(type|key|enter|use)\b.*\b(keypad|keys|phone|buttons)\b")
PRESS: Final = re.compile(r"\b(?:press|send|dial) (?:the )?(?:digits |keys |extension )?(?P<digits>[0-9]{1,12})\b")


def power(talk: Talk) -> Reply | None:
    """The tool that does what was asked of the line, if there is one and it may."""
    rules: tuple[Callable[[Talk], Reply | None], ...] = (_language, _music, _keypad, _press)
    return next((reply for rule in rules if (reply := rule(talk)) is not None), None)


def after_power(_: Talk, done: ToolRound) -> Reply:
    """Go on behind the tool."""
    if outcome(done) != "ok":
        return Reply("I'm sorry, I can't do that on this line. Is there something else I can do?")
    language = str(done.input.get("language", "")).partition("-")[0]
    texts = {
        "switch_language": SWITCHED.get(language, "Of course, let's go on in English. What can I do for you?"),
        "play_audio": "There you go. Is there anything else I can do for you?",
        "collect_digits": "Please press the digits now, and then the pound key.",
    }
    return Reply(texts.get(done.name, "Done. Is there anything else I can do for you?"))


def _language(talk: Talk) -> Reply | None:
    offered = LANGUAGES.search(talk.conversation.system)
    if offered is None or not talk.offers("switch_language"):
        return None
    wanted = next((tag for tag, names in NAMES.items() if re.search(rf"\b({names})\b", talk.words)), "")
    tags = [tag.strip() for tag in offered[1].split(",")]
    known = next((tag for tag in tags if wanted and tag.partition("-")[0] == wanted), "")
    return Reply("", (make_call(talk, "switch_language", language=known),)) if known else None


def _music(talk: Talk) -> Reply | None:
    audio = AUDIO.search(talk.conversation.system)
    if audio is None or not talk.offers("play_audio") or not MUSIC.search(talk.words):
        return None
    return Reply("Here is some music for you.", (make_call(talk, "play_audio", url=audio[1]),))


def _keypad(talk: Talk) -> Reply | None:
    if not talk.offers("collect_digits") or not KEYPAD.search(talk.words):
        return None
    return Reply("", (Call("collect_digits", {"length": 6}),))


def _press(talk: Talk) -> Reply | None:
    found = PRESS.search(talk.words)
    if found is None or not talk.offers("send_digits"):
        return None
    return Reply("", (make_call(talk, "send_digits", digits=found["digits"]),))
