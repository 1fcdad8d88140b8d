"""How callers say what they are going to do, and what is not as it should be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from local.model.dialogue.memory_wording import WE_ARE, Put, about, content, head, rule

DATE: Final = (
    r"(?:(?:early |late )?(?:in|on|by|until|before|around|at the end of|from) (?:the )?(?:early |late |end of )?"
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:jan|febr)uary|march|april|may|june|july|august|"
    r"september|october|"
    r"november|december|spring|summer|autumn|fall|winter|christmas|easter|\d+(?:st|nd|rd|th)?\b|\w+ (?:days|"
    r"weeks|months))[\w ]*|"
    r"next \w+|this \w+|tomorrow|soon)"
)
TIME: Final = (
    r"(?:(?:(?:early |late |later )?(?:next|this|in|on|at the|before|until|over|around|by|for) (?:the )?[\w' ]+)|"
    r"tomorrow|soon)"
)
SOON: Final = (
    r"(?:next \w+|this (?:week|weekend|month|year|summer|spring|autumn|fall|winter)|in (?:the )?(?:spring|"
    r"summer|autumn|fall|winter|"
    r"january|february|march|april|may|june|july|august|september|october|november|december))"
)
ITEM: Final = (
    r"(?:^(?:(?:and|but|so|hi|hello|also) )*|\b(?:my|our|the|this|that|your) )(?P<what>(?!name\b|also\b|your\b|"
    r"it\b|i\b|we\b|he\b|"
    r"she\b|they\b|you\b|that\b|this\b|there\b|nothing\b|my\b|our\b|the\b|what\b|which\b|who\b)(?:(?!\b(?:and|but|"
    r"if|or|one(?= is| are| was)|just|me|whether|that|when|where)\b|\w's\b)[\w -]){2,30}?)"
)
WHICH: Final = r"(?: (?:that |which )?(?:i|we|you|they) (?!(?:is|are)\b)(?:\w+ ){0,3}?\w+)?"
BROKEN: Final = (
    r"(?:missing|lost|broken|hacked|damaged|wrong|incorrect|late|delayed|stuck|locked|frozen|blocked|declined|stolen|"
    r"cancelled|canceled|"
    r"leaking|overdue|expired|faulty|cracked|scratched|dead|gone|down|out|empty|dirty|too (?!late\b|bad\b|busy\b)\w+)"
)
CHATTER: Final = (
    r"(?:call|say|be|need|have to|hang|check|ask|think|try|look|wait|tell|give|let|hold|go|get|do|send|write|"
    r"see|see if|take|find|pay for|put|"
    r"read|repeat|complain|cry|die|scream|guess|assume|stop|start|explain|want|use|make|keep|switch to|leave it)\b"
)


def _trip(groups: Mapping[str, str]) -> tuple[str, str]:
    text = f"Is {groups['verb']} {groups['what']}"
    place = re.search(r"\b(?:to|in) (?:the )?([A-Z][^\W\d_]+)", groups["what"])
    where = place[1].casefold() if place else next(iter(content(groups["what"])), "")
    return text, f"{where} trip".strip()


def _plan(groups: Mapping[str, str]) -> tuple[str, str]:
    return f"Plans to {groups['what']}", " ".join(content(groups["what"])[:2])


def _item(text: str) -> Put:
    def put(groups: Mapping[str, str]) -> tuple[str, str]:
        put_so = text.format_map(groups)
        return put_so[:1].upper() + put_so[1:], head(groups["what"])

    return put


def _is_bad(groups: Mapping[str, str]) -> tuple[str, str]:
    many = groups["what"].endswith("s") and not groups["what"].endswith("ss")
    return _item(f"{{what}} {'are' if many else 'is'} {{bad}}")(groups)


def _never_came(groups: Mapping[str, str]) -> tuple[str, str]:
    done = {"receive": "received", "get": "got", "see": "seen"}.get(
        groups["verb"].casefold(), groups["verb"].casefold()
    )
    return f"Has never {done} {groups['what']}", head(groups["what"])


def _going(groups: Mapping[str, str]) -> tuple[str, str]:
    if groups["verb"].casefold() in {"moving", "relocating"}:
        return f"Is {groups['verb']} {groups['what']}", "move"
    return _trip(groups)


PLANS: Final = (
    rule(
        "plan",
        rf"{WE_ARE} (?P<verb>flying|travell?ing|driving|moving|relocating|heading|going|coming) (?P<what>(?:to|"
        rf"abroad|into|back to|down to|up to|over to)\b(?! (?:{CHATTER})).*)",
        _going,
    ),
    rule(
        "plan",
        r"\b(?:my|our) (?P<noun>(?:[\w-]+ )?[\w-]+) (?P<verb>ends?|expires?|runs? out|is due|starts?|begins?|"
        rf"is) (?P<what>{DATE})",
        lambda groups: (f"Their {groups['noun']} {groups['verb']} {groups['what']}", content(groups["noun"])[-1]),
    ),
    rule(
        "plan",
        rf"{WE_ARE} (?P<verb>getting married|retiring|moving|hosting [\w ]+?|visiting [\w ]+?|starting [\w ]+?|"
        rf"opening [\w ]+?|renovating [\w ]+?|having a baby|expecting a baby|changing jobs) (?P<what>{TIME})",
        lambda groups: (f"Is {groups['verb']} {groups['what']}", content(groups["verb"])[-1]),
    ),
    rule(
        "plan",
        rf"{WE_ARE} (?P<verb>(?!call|look|try|wait|ask|wonder|think|hop|hav|writ|talk|speak|fly|travel|driv|mov|"
        rf"relocat|head|go|com)\w+ing) (?P<what>[\w' ]+? {SOON})\b",
        lambda groups: (f"Is {groups['verb']} {groups['what']}", " ".join(content(groups["what"])[:1])),
    ),
    rule(
        "plan",
        r"\b(?:i'll|we'll|i will|we will|i'm going to|we're going to|i am going to|we are going to) be "
        r"(?P<what>(?:in (?!touch|a\b|an\b|my\b|the (?:car|office))|away|out of (?:town|the country|office)|"
        r"abroad|bringing|visiting|staying|travell?ing|moving).*)",
        about("Will be {what}", ""),
    ),
    rule(
        "plan",
        r"\b(?:i|we)(?:'m| am|'re| are)?(?: also| do)* (?:plan(?:ning)?|intend(?:ing)?|hope|hoping|aim"
        r"(?:ing)?) (?:to|on) (?P<what>.+)",
        _plan,
    ),
    rule(
        "plan",
        r"\b(?:my|our) (?P<noun>(?!next\b)(?:[\w']+ )?(?:wedding|graduation|trip|vacation|holiday|honeymoon|"
        r"conference|move|lease|contract|exam|anniversary|party|retirement|passport|baby))(?: is| will be| "
        r"starts| begins| ends| runs out| expires| is due| comes)+ (?P<what>" + TIME + r")",
        lambda groups: (f"Their {groups['noun']} is {groups['what']}", content(groups["noun"])[-1]),
    ),
)
ISSUES: Final = (
    rule(
        "issue",
        rf"{ITEM}{WHICH}(?: is|'s| are| was| were| has been| have been| got| "
        r"came| arrived| went| seems)(?: still| all| completely| again| now| apparently| just| to be)* "
        rf"(?P<bad>{BROKEN})\b(?! (?:of|for delivery|there)\b)",
        _is_bad,
    ),
    rule(
        "issue",
        rf"{ITEM}{WHICH}(?: still| just)* (?P<bad>(?:doesn't|does not|don't|"
        r"won't|isn't|is not|aren't|can't|didn't|hasn't|haven't)(?: even| been)? (?:work\w*|turn on|start\w*|"
        r"load\w*|open\w*|charg\w+|connect\w*|fit\w*|arriv\w+|shown up|show up|come|came|delivered))\b",
        _item("{what} {bad}"),
    ),
    rule(
        "issue",
        rf"{ITEM}{WHICH}(?: is| are|'s)(?: still| always| constantly| now)* (?P<bad>(?:dripping|leaking|beeping|"
        r"flickering|crashing|freezing|rattling|smoking|overheating|buzzing|squeaking|making (?:a |an )?[\w ]+|"
        r"not (?:working|turning on|charging|loading)|out of (?:order|service))(?: again)?)\b",
        _is_bad,
    ),
    rule(
        "issue",
        r"\b(?:nobody|no one|noone)(?: has| ever| has ever)? (?P<bad>called|came|come|answered|answers|showed up|"
        r"replied|shown up|turned up|got back to (?:me|us))\b",
        lambda groups: (f"Nobody {groups['bad']}", groups["it"] or "answer"),
        0.7,
    ),
    rule(
        "issue",
        r"\b(?:problems?|trouble|issues?|something(?:'s| is)? wrong) with (?P<what>(?:my|our|the) .+)",
        lambda groups: (f"Has a problem with {groups['what']}", head(groups["what"])),
        0.7,
    ),
    rule(
        "issue",
        r"\b(?:got|received|sent me|sent us|delivered|brought me|brought us) (?P<what>the wrong .+)",
        lambda groups: (f"Got {groups['what']}", head(groups["what"])),
    ),
    rule(
        "issue",
        rf"{ITEM} (?P<bad>(?:has )?never (?:arrived|came|showed up|worked|turned up|been delivered))\b",
        _item("{what} {bad}"),
    ),
    rule(
        "issue",
        rf"{ITEM} (?P<bad>keeps? (?!asking|telling|saying|going)\w+ing(?: (?:out|off|down|up|on|connection|the "
        r"\w+|my \w+))*)\b",
        _item("{what} {bad}"),
    ),
    rule(
        "issue",
        rf"{ITEM} (?P<bad>(?:arrived|came) (?:with (?:an? )?(?:\w+ )?(?:crack|scratch|hole|dent|stain|"
        r"defect)\w*|without [\w ]+|in pieces))",
        _item("{what} {bad}"),
    ),
    rule(
        "issue",
        r"\b(?:promised|owed?) (?:me|us) (?P<what>.+)",
        lambda groups: (f"Was promised {groups['what']}", head(groups["what"])),
        0.7,
    ),
    rule(
        "issue",
        r"\bnothing (?:has |ever |has ever )?(?P<bad>come|came|arrived|happened)\b",
        lambda groups: (
            "Nothing has " + groups["bad"].replace("came", "come") + (f" ({groups['it']})" if groups["it"] else ""),
            groups["it"] or "waiting",
        ),
        0.7,
    ),
    rule(
        "issue",
        r"\b(?:it|that|this) still (?P<bad>(?:doesn't|does not|won't|isn't|is not|hasn't)(?: been)? (?:work\w*|"
        r"turn on|start\w*|load\w*|arriv\w+|fixed|come))\b",
        lambda groups: (f"{groups['it'].capitalize() or 'It'} still {groups['bad']}", groups["it"] or "problem"),
    ),
    rule(
        "issue",
        r"\b(?:i|we)(?: was| were|'ve been| have been| got|'m being)(?: just)? (?P<bad>(?:over|double[- ]?)?"
        r"(?:charged|billed)(?: twice| double| two times| too much| wrongly| the full price| for [\w ]+)?)",
        lambda groups: (f"Was {groups['bad']}", "charge"),
    ),
    rule(
        "issue",
        r"\b(?:you|they|you guys|the bank|the hotel|somebody)(?:'ve| have)? (?P<bad>(?:over|double[- ]?)?"
        r"(?:charged|billed) (?:me|us|my card)(?: twice| double| two times| too much| the (?:full|wrong) \w+| "
        r"for [\w ]+)?)",
        lambda groups: (f"Was {re.sub(r' (?:them|their card)', '', groups['bad'])}", "charge"),
    ),
    rule(
        "issue",
        r"\b(?:i|we)(?: have|'ve)?(?: still)? never(?: ever)? (?P<verb>received|got|gotten|seen|receive|get) "
        r"(?P<what>.+)",
        _never_came,
    ),
    rule(
        "issue",
        r"\b(?:i|we)(?: still)? (?:haven't|have not|didn't|did not)(?: yet| even)? (?P<verb>received|got|"
        r"gotten|receive|seen) (?P<what>.+)",
        _never_came,
    ),
    rule(
        "issue",
        r"\bi(?: still)? (?:can't|cannot|can not|am unable to|'m unable to)(?: even)? (?P<what>(?:log ?in|sign "
        r"in|open|access|get into|use|connect|download|activate|register|reset)\b.*)",
        lambda groups: (
            f"Cannot {groups['what']}",
            "login" if re.match(r"log|sign", groups["what"]) else head(groups["what"]),
        ),
    ),
    rule(
        "issue",
        r"\b(?:there's|there is|we have|i have) (?P<what>no (?:power|heating|heat|hot water|water|gas|internet|"
        r"signal|electricity)|(?:a|an) (?:leak|outage|charge (?:i|we) (?:don't|do not) recogni[sz]e|gas smell|"
        r"power cut)\b[\w ]*)",
        lambda groups: (f"Has {groups['what']}", head(groups["what"])),
    ),
    rule(
        "issue",
        r"\b(?:i|we)(?:'ve| have)?(?: just)? lost (?P<what>my .+)",
        lambda groups: (f"Lost {groups['what']}", head(groups["what"])),
    ),
    rule(
        "issue",
        r"\b(?:i'm|i am|we're|we are|im)(?: still) waiting (?:for|on) (?P<what>(?!you\b).+)",
        lambda groups: (f"Is still waiting for {groups['what']}", head(groups["what"])),
    ),
)
