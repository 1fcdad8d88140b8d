"""How callers say what they prefer, and when and how they want to be reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from local.model.dialogue.memory_wording import I_AM, INSTEAD, Put, Rule, about, rule, topic, verb_s

WAY_TO: Final = {"call": "phone calls", "ring": "phone calls", "phone": "phone calls", "text": "text messages"}
WAYS: Final = (
    (r"letter|post", "letters"),
    (r"whats ?app", "WhatsApp messages"),
    (r"text|sms|messag", "text messages"),
    (r"e-?mail|write", "e-mail"),
    (r"call|phone|ring", "phone calls"),
)
WHEN: Final = (
    r"(?P<when>(?:only )?(?:in|during|after|before|on) (?:the )?"
    r"(?:early |late )?(?:mornings?|afternoons?|evenings?|weekends?|weekdays|work|lunch|noon|\w+days|\d+"
    r"(?::\d\d)?(?: ?[ap]\.?m\.?)?))"
)


def _prefers(groups: Mapping[str, str]) -> tuple[str, str]:
    what = INSTEAD.sub("", groups["what"])
    seat = re.search(r"\b(aisle|window|middle|exit row)\b", what, re.IGNORECASE)
    if seat:
        return f"Prefers {seat[1].casefold()} seats", "seat"
    return f"Prefers {what[:1].casefold() if what[1:2].islower() and ' ' not in what else what[:1]}{what[1:]}", topic(
        what
    )


def _contact(groups: Mapping[str, str]) -> tuple[str, str]:
    way = next(named for pattern, named in WAYS if re.search(pattern, groups["way"] or groups["way2"], re.IGNORECASE))
    return (f"Does not want {way}" if groups.get("no") else f"Prefers {way}"), "contact"


def _contact_time(groups: Mapping[str, str]) -> tuple[str, str]:
    return f"Prefers to be {_done(groups['way'])} {groups['when']}", "contact time"


def _done(verb: str) -> str:
    verb = verb.casefold()
    return {"ring": "rung", "write": "written to"}.get(verb, verb + "ed" if verb != "phone" else "phoned")


def _habit(groups: Mapping[str, str]) -> tuple[str, str]:
    what = INSTEAD.sub("", groups["what"]).split(", ")[0]
    text = f"{groups['often'].capitalize()} {verb_s(groups['verb'])} {what}"
    return text, topic(text, what)


def _preference(pattern: str, put: Put, confidence: float = 0.9) -> Rule:
    return rule("preference", pattern, put, confidence, lasting=True)


PREFERENCES: Final = (
    _preference(rf"\b(?P<way>call|phone|ring|text|e-?mail|contact|message) me {WHEN}", _contact_time, 0.8),
    _preference(rf"\b(?:best|easiest) (?:time )?to (?P<way>call|reach|contact|text) me (?:is )?{WHEN}", _contact_time),
    _preference(r"\b(?:only|always) (?P<way>text|call|e-?mail|message|phone|write to|whatsapp) me\b", _contact),
    _preference(r"\b(?P<way>text|call|e-?mail|message|phone|write to) me (?:instead|only)\b", _contact),
    _preference(
        r"\b(?P<no>(?:do not|don't|never|stop)) (?P<way>text|call|e-?mail|messag|phon)(?:e|ing)?(?: me\b|$)", _contact
    ),
    _preference(r"\bplease (?:do )?always (?P<what>.+)", about("Asks to always {what}")),
    _preference(r"\balways (?P<what>(?!have)\w+ .+?),? please$", about("Asks to always {what}")),
    _preference(r"\bplease (?:never|don't ever) (?P<what>.+)", about("Asks never to {what}")),
    _preference(
        r"\bi(?:'d| would)?(?: really| always| much| usually| generally| still| do)* prefer (?P<what>.+)", _prefers
    ),
    _preference(
        r"\bi(?:'d| would)(?: much| always)* rather (?P<what>(?!you\b|that\b).+)",
        lambda groups: (
            _prefers(groups)
            if "aisle" in groups["what"] or "window" in groups["what"]
            else (f"Would rather {groups['what']}", topic(INSTEAD.sub("", groups["what"])))
        ),
        0.8,
    ),
    _preference(
        r"\bi(?: really| always)* (?:like|love|enjoy) (?P<what>.+?) (?:the )?(?:best|better|most)\b",
        about("Likes {what} best"),
    ),
    _preference(
        r"\bi(?: really| absolutely| do)* (?:hate|dislike|can't stand|cannot stand|don't like|do not like) "
        r"(?P<what>(?!this|that|it\b|when|how|you|your|to\b|the (?:way|fact)|wait|what).+)",
        about("Dislikes {what}"),
    ),
    _preference(
        r"\b(?P<way>texts?|text messages|e-?mails?|phone calls?|calls|sms|whatsapp) (?:is|are|works?)(?: "
        r"always)? (?:best|better|easiest)\b",
        _contact,
    ),
    _preference(
        r"\b(?P<way>texts?|text messages|e-?mails?|phone calls?|calls|sms|whatsapp) (?P<no>don't|doesn't|do "
        r"not|does not) work for me\b",
        _contact,
    ),
    _preference(
        r"\bi(?: really| do)* (?:like|love) (?P<what>(?!to\b|your?\b|it\b|that\b|this\b|how\b|when\b|the "
        r"(?:way|sound|idea)|what\b|my\b|wait|.+ (?:best|most|better)\b).+)",
        about("Likes {what}"),
        0.6,
    ),
    _preference(r"\b(?:please|pls),? no (?P<what>.+)", about("Wants no {what}")),
    _preference(r"\bno (?P<what>[^.]+?),? (?:please|pls)\b", about("Wants no {what}"), 0.6),
    _preference(
        r"\b(?P<way>letter|post|e-?mail|text|phone|whatsapp)s? only\b|\bonly by (?P<way2>letter|post|e-?mail|"
        r"text|phone)\b",
        _contact,
    ),
    _preference(
        r"\b(?P<way>call|text|ring|phone)(?: me on)? my (?P<what>cell|mobile|cell ?phone|landline|work phone|office)\b",
        lambda groups: (f"Prefers {WAY_TO[groups['way'].casefold()]} on their {groups['what']}", "contact"),
    ),
    _preference(
        rf"{I_AM}(?: more of| really| not)* (?P<what>(?:window|aisle|morning|evening|night|tea|coffee|cat|dog|"
        r"phone) person)\b",
        about("Is a {what}"),
    ),
    _preference(r"\bi(?:'m| am) (?:a (?:big|huge) |a )fan of (?P<what>(?!your?\b|this|that).+)", about("Likes {what}")),
    _preference(r"\bi(?:'m| am) (?:not a (?:big )?|no )fan of (?P<what>.+)", about("Dislikes {what}")),
    _preference(
        r"\bi(?: always| really| do)* (?:need|want) (?P<what>(?:an?|the) (?:(?:aisle|window) seat|exit row|"
        r"aisle|extra legroom)\b.*)",
        _prefers,
        0.8,
    ),
    _preference(r"\bno (?P<what>[\w -]+?),? ever\b", about("Never wants {what}")),
    _preference(
        r"(?:^|\b(?:and|so|but) )(?P<what>(?:mornings|afternoons|evenings|weekends|weekdays|(?:mon|tues|wednes|"
        r"thurs|fri|satur|sun)days) only|only (?:mornings|afternoons|evenings|weekends))\b",
        lambda groups: (f"Is available {groups['what'][:1].casefold()}{groups['what'][1:]}", "contact time"),
    ),
    _preference(
        rf"{I_AM}(?: only| usually| always| best)* (?:free|available|home|at home|reachable|reached) (?P<what>"
        r"(?:only )?(?:on|in|after|before|between|during) .+)",
        about("Is available {what}", "contact time"),
    ),
    _preference(
        r"\bmy favou?rite (?P<noun>[\w ]{2,20}?) is (?P<what>.+)", about("Favourite {noun} is {what}", "{noun}")
    ),
    _preference(
        r"(?:^|\b(?:and|so|but) )(?P<what>(?:early |late )?(?:mornings|afternoons|evenings|weekends|weekdays|"
        r"[a-z]+days)) "
        r"(?:work|suit|are)(?: me)? (?:best|better|easiest)(?: for me)?\b",
        _prefers,
    ),
    _preference(
        r"\b(?:i|we)(?:'d| would)? (?P<often>always|usually|normally|generally|mostly|only|never) "
        r"(?P<verb>(?!\w+ed\b|am\b|are\b|was\b|were\b|had\b|been\b|thought|said|say|think|get (?:put|stuck|the same)|"
        r"only |get\b(?! the)|got|had|heard|came|saw|knew|know|have\b|(?<=only )(?:want|need|owe|ask|call|mean)|"
        r"end\b|feel|forget|wonder|travel with|fly with|have to)\w+) (?P<what>.+)",
        _habit,
    ),
)
