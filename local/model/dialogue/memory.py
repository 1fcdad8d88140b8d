"""What is worth remembering of a conversation, as a small model would take it from the transcript.

Only the caller's lines give facts; the agent's serve the summary, and tell when the caller was asked for their name or
an issue was solved. English only. When in doubt nothing is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local.model.dialogue.memory_facts import FACTS
from local.model.dialogue.memory_plans import ISSUES, PLANS
from local.model.dialogue.memory_preferences import PREFERENCES
from local.model.dialogue.memory_wording import Rule, third_person, tidy
from local.model.dialogue.names import find_name

RECORD: Final = "record_memory"
RULES: Final = (*PREFERENCES, *FACTS, *PLANS, *ISSUES)
MOST_FOUND: Final = 12
MOST_QUOTE: Final = 160
MOST_SENTENCE: Final = 400
TRANSCRIPT: Final = re.compile(r"<transcript>\n(?P<lines>.*)\n</transcript>", re.DOTALL)
LINE: Final = re.compile(r"^(?P<role>caller|agent): (?P<text>.+)$", re.MULTILINE)
SENTENCE: Final = re.compile(
    r"(?:[^.!?]|(?<=\b[A-Za-z])\.|(?<=\b(?:Dr|Mr|Ms|St))\.|(?<=\bMrs)\.|[.](?=\S))+(?:[.!?]+|$)"
)
SUBJECT: Final = (
    r"(?:i|i'm|i've|i'd|i'll|im|my|me|we|we're|we've|we'll|our|you|your|it|it's|its|that|that's|thats|this|the|"
    r"nothing|please|he|he's|she|"
    r"she's|they|there|there's|can|could|do|does|is|are|am|what|how|where|when|which|would|will|don't|only|"
    r"just|mornings|"
    r"afternoons|evenings)"
)
CLAUSE: Final = re.compile(
    rf"\s*[,;:–—-]+\s+(?=(?:(?:and|but|so|because|since|also|then|oh|well|as|or)\s+)*{SUBJECT}\b)"
    rf"|\s+(?=(?:and|but|because|so|although|since)\s+(?:also\s+|then\s+)?{SUBJECT}\b)",
    re.IGNORECASE,
)
ASKS: Final = re.compile(
    r"^(?:(?:and|but|so|or|okay|ok|well|hi|hello|then)\b,? )*(?:is|are|am|was|do|does|did|can|could|would|will|"
    r"should|may|have you|has|"
    r"what|how|where|when|which|who|why|whose|aren't|isn't|don't|doesn't|shall)\b",
    re.IGNORECASE,
)
TAG: Final = re.compile(
    r"^(?:is(?:n't| it| that)|are(?:n't| we| you sure)|am i|do(?:n't)? i|did(?:n't)? i|right|correct|no|"
    r"yes)\b[\w' ]{0,16}\?$",
    re.IGNORECASE,
)
SUPPOSED: Final = re.compile(
    r"\bif (?!i can\b|i could\b|i may\b|i have (?:a|the) choice|i'm honest|possible|you can\b|you could\b|you "
    r"don't mind)|"
    r"\b(?:suppose|supposing|imagine|let's say|lets say|what if|pretend|hypothetically|say i|as if|as though|"
    r"in case|i wish|"
    r"would i|unless|for example|theoretically|whether|wonder(?:ing|ed)? if|not sure)\b",
    re.IGNORECASE,
)
POLITE: Final = re.compile(r"\bif (?:i can|i could|i may|possible|you can|you could|you don't mind)\b", re.IGNORECASE)
NEGATED: Final = re.compile(
    r"n't\b|\b(?:not|never|no longer|neither|nor|doubt|wrong|false|untrue|used to|dont|isnt|nobody|anyone|"
    r"someone|those)\b",
    re.IGNORECASE,
)
NO_MORE: Final = re.compile(r"\b(?:any ?more|no longer|is(?:n't| not) true|used to)\b", re.IGNORECASE)
REPORTED: Final = re.compile(
    r"\b(?!(?:i|we|as)\b)[\w']+ (?:(?:just|always|also|still|once|even|probably|keeps?) )?"
    r"(?:says?|saying|said|told|tells|thinks?|thought|claims?|claimed|wrote|writes|assumes?|assumed|believes?|"
    r"reads|shows?|states?)\b|\b(?:goes|went|(?:was|were) like),",
    re.IGNORECASE,
)
QUOTED: Final = re.compile(r"[\"“”«][^\"“”«»]*[\"“”»]")
JOKING: Final = re.compile(
    r"\b(?:just |only )?(?:kidding|joking)\b|\b(?:lol|ha(?:[ -]?ha)+|hehe|jk|as a joke|so to speak)\b", re.IGNORECASE
)
TAKEN_BACK: Final = re.compile(
    r"\b(?:scratch that|strike that|forget (?:that|what i said)|ignore that|i take that back|no,? wait|wait,? "
    r"no|i misspoke|"
    r"(?:just|only) kidding|neither is true|that(?:'s| is) (?:not (?:true|right)|wrong)|that was a joke)\b",
    re.IGNORECASE,
)
CHANGED: Final = re.compile(
    r"\bafter all\b|\bchanged (?:my|our) minds?\b|\bsecond thoughts?\b|\bdecided (?:against|not)\b|\bfell "
    r"through\b|\bcalled (?:it |that )?off\b",
    re.IGNORECASE,
)
SECRET: Final = re.compile(
    r"\d(?:[ .-]?\d){6,}|(?:\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b[ ,-]*){5,}|"
    r"\b(?:card|account|social security|passport|policy) (?:number|no)\b|\b(?:password|passcode|pass code|pin|"
    r"cvv|security code|"
    r"social security|(?:the|my) (?:access |secret )?(?:code|word) is|"
    r"secret word|pass ?phrase|maiden name|memorable (?:word|date)|iban|one[- ]time (?:code|password)|"
    r"for (?:my|the) log-?in i use)\b",
    re.IGNORECASE,
)
HEALTH: Final = re.compile(
    r"\b(?:diabet\w*|insulin|cancer|chemo\w*|hiv|depress\w*|pregnan\w*|surgery|medication|therapy|asthma|"
    r"epilep\w*|knee|migraine\w*|"
    r"blood pressure|penicillin|antibiotics?|addict\w*|alcoholi\w*|disorder|syndrome|operation)\b",
    re.IGNORECASE,
)
ONCE: Final = re.compile(
    r"\b(?:today|tonight|tomorrow|this time|just once|for now|for this|that one|this one|instead of|the "
    r"(?:first|second|other|later|earlier|next|last)"
    r" (?:one|flight|option|slot)|the \d+|\d{1,2}(?::\d\d)? ?[ap]\.?m|the (?:one|ones) (?:at|on|you))\b",
    re.IGNORECASE,
)
SOLVED: Final = re.compile(
    r"\b(?:(?:it|that|everything|all)(?:'s| is| has been)? (?:now )?(?:works?|working|fixed|solved|sorted|"
    r"resolved)\b(?: now| again)?|"
    r"i(?: just|'ve| have)? found (?:it|them)|(?:it|they)(?: has| have|'s)? just (?:arrived|came|turned up)|"
    r"(?:that|this) (?:fixed|solved|did) it|(?:it|power|water|internet)(?:'s| is) back|never ?mind)\b",
    re.IGNORECASE,
)
MENDED: Final = re.compile(
    r"\b(?:i've|i have|we've|we have|has been|have been|is now|are now)\b.*\b(?:refunded|reversed|fixed|"
    r"resolved|restored|credited)\b",
    re.IGNORECASE,
)
GLAD: Final = re.compile(r"\b(?:thanks?|thank you|thx|great|perfect|wonderful|lovely)\b", re.IGNORECASE)
MENTIONED: Final = re.compile(r"\b(?:my|our|the|your) ([a-z][\w-]+)", re.IGNORECASE)
LATER: Final = re.compile(
    r"\b(?:(?P<will>i'll|i will|ill|we'll|will|let me) (?:just |have to |need to |then |[\w ]{3,30} and )?"
    r"(?P<do>do (?:when|that|it|so) .*|(?:call|phone|ring|text|write|come|get|message|ring|try|check|look|"
    r"e-?mail)(?: it up| you)? (?:you )?"
    r"(?:back|again|later|tomorrow|tonight|and (?:call|write|text|try)|when|once|as soon)\b.*|"
    r"(?:come|drop|stop|pop) (?:by|in|over)\b.*|"
    r"(?!be\b|see\b|take\b|have\b|need\b)\w+ [\w' ]*?\b(?:later|tomorrow|tonight|next week|when (?:i|we)|once "
    r"(?:i|we)|as soon as)\b.*|"
    r"(?:think about it|sleep on it|send it|send (?:you )?(?:the|my) \w+|ask (?:my|him|her)|let you know|be in "
    r"touch)\b.*)"
    r"|(?P<off>(?:i )?(?:have to|must|need to|gotta|got to) (?:go|run|hang up|leave)\b.*))",
    re.IGNORECASE,
)
WAITS: Final = re.compile(r"\b(?:i'm|i am|im|we're|we are) still waiting (?:for|on) (?P<what>.+)", re.IGNORECASE)
DANGLES: Final = re.compile(
    r"(?:\b(?:and|or|but|because|so|the|an?|my|your|our|to|of|for|with|from|is|was|i|i'm|that|if|when)|\?|"
    r"\.\.\.|…|[,—–-])\s*$",
    re.IGNORECASE,
)
WANTED: Final = (
    (r"\bi(?:'d| would) like to (?P<what>.+)|\bi (?:want|need|wanted) to (?P<what2>.+)", "wanted to"),
    (
        (r"\b(?:i'm |i am )?(?:calling|writing) (?:about|because of|regarding) (?P<what>.+)|^(?:about|it's about|"
        r"its about) (?P<what2>.+)"), "asked about"),
    (r"\b(?:can|could|will|would) you (?:please )?(?!have\b|be\b|know\b)(?P<what>.+)", "asked the agent to"),
    (r"\b(?:i need|i want|i'd like|i would like|looking for|i'm just looking for) (?P<what>.+)", "asked for"),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One utterance of the transcript."""

    role: str
    text: str


@dataclass(frozen=True)
class Fact:
    """An observation, and the sentence and line it was said in."""

    text: str
    kind: str
    subject: str
    confidence: float
    quote: str
    at: tuple[int, int]

    def to_doc(self) -> dict[str, Any]:
        """The form the tool takes."""
        return {
            "text": self.text,
            "kind": self.kind,
            "subject": self.subject,
            "confidence": self.confidence,
            "quote": self.quote,
        }


def recorded(utterance: str) -> dict[str, Any]:
    """The arguments of ``record_memory`` for the transcript in an utterance."""
    lines = read_transcript(utterance)
    facts = find_facts(lines)
    return {
        "name": find_name([(line.role, line.text[:MOST_SENTENCE]) for line in lines]),
        "summary": _summary(lines, facts),
        "unfinished": _unfinished(lines),
        "observations": [fact.to_doc() for fact in facts[:MOST_FOUND]],
    }


def read_transcript(utterance: str) -> list[Line]:
    """The lines between the marks; what the caller wrote that looks like a mark is the caller's."""
    found = TRANSCRIPT.search(utterance)
    return (
        [Line(line["role"], line["text"].replace("’", "'")) for line in LINE.finditer(found["lines"])] if found else []
    )


def find_facts(lines: Sequence[Line]) -> list[Fact]:
    """What the caller said of themselves that still holds at the end; of one subject the newest."""
    facts: list[Fact] = []
    it = ""
    for number, line in enumerate(lines):
        if line.role == "agent":
            if MENDED.search(line.text) and number + 1 < len(lines) and GLAD.search(lines[number + 1].text):
                facts = [fact for fact in facts if fact.kind != "issue"]
            continue
        supposed = False
        for place, sentence in enumerate(_sentences(line.text)):
            supposed = _supposes(sentence) or (supposed and sentence.casefold().startswith(("and ", "also ", "plus ")))
            facts = _after_second_thoughts(facts, sentence, (number, place))
            new = [] if supposed and not SUPPOSED.search(sentence) else list(_said(sentence, (number, place), it))
            facts += [] if JOKING.search(sentence) else new
            it = next((word.casefold() for word in reversed(MENTIONED.findall(sentence))), it)
    latest = {(fact.kind, fact.subject): fact for fact in facts}
    newest = [fact for fact in facts if latest[fact.kind, fact.subject] is fact]
    return list({fact.text: fact for fact in newest}.values())


def _sentences(text: str) -> list[str]:
    """The sentences of a text; what has no end is cut, so that no rule has to read for long."""
    found = [each.strip() for each in SENTENCE.findall(text)]
    return [each[at : at + MOST_SENTENCE] for each in found for at in range(0, len(each), MOST_SENTENCE)]


def _supposes(sentence: str) -> bool:
    return SUPPOSED.search(POLITE.sub("", sentence)) is not None


def _after_second_thoughts(facts: list[Fact], sentence: str, at: tuple[int, int]) -> list[Fact]:
    """The facts without those a sentence takes back, or says are solved."""
    line, place = at
    if TAKEN_BACK.search(sentence) or (place and JOKING.match(sentence)):
        facts = [fact for fact in facts if not (fact.at[0] == line and place - 2 <= fact.at[1] < place)]
    if CHANGED.search(sentence):
        facts = [fact for fact in facts if fact.kind not in {"plan", "preference"} or line - fact.at[0] > 2]
    if SOLVED.search(sentence) and not sentence.endswith("?") and not _supposes(sentence):
        facts = [fact for fact in facts if fact.kind != "issue"]
    return facts


def _said(sentence: str, at: tuple[int, int], it: str) -> Iterator[Fact]:
    masked = QUOTED.sub(lambda quoted: " " * len(quoted[0]), sentence)
    if SECRET.search(masked):
        return
    starts = [0, *(gap.end() for gap in CLAUSE.finditer(masked))]
    ends = [*(gap.start() for gap in CLAUSE.finditer(masked)), len(masked)]
    clauses = [masked[start:end] for start, end in zip(starts, ends, strict=True)]
    for number, (start, clause) in enumerate(zip(starts, clauses, strict=True)):
        if _is_asked(clauses, number):
            continue
        before = masked[:start]
        taken_back = [found.end() for found in TAKEN_BACK.finditer(masked)]
        if any(start < end for end in taken_back):
            continue
        once: set[str] = set()
        for rule in RULES:
            if rule.kind in once:
                continue
            match = rule.pattern.search(clause)
            if match and _holds(rule, match, clause, before):
                fact = _fact(rule, match, sentence[start : start + len(clause)], at, it)
                if fact is not None:
                    yield fact
                    once |= {rule.kind} & {"preference", "plan"}


def _is_asked(clauses: Sequence[str], number: int) -> bool:
    """Whether a clause is part of a question; what stands before one that asks is told."""
    if ASKS.match(clauses[number]):
        return True
    later = clauses[number + 1 :]
    if not clauses[-1].rstrip().endswith("?"):
        return False
    return not any(ASKS.match(clause) and not TAG.match(clause) for clause in later)


def _holds(rule: Rule, match: re.Match[str], clause: str, before: str) -> bool:
    """Whether the caller says it of themselves, as true, and for more than today."""
    lead = clause[: match.start()]
    told = POLITE.sub("", before + lead)
    return not (
        SUPPOSED.search(told)
        or (re.match(r"if\b", clause.strip(), re.IGNORECASE) and _supposes(clause))
        or NEGATED.search(lead)
        or NO_MORE.search(clause)
        or REPORTED.search(before + lead)
        or HEALTH.search(clause)
        or (rule.lasting and ONCE.search(clause))
    )


def _fact(rule: Rule, match: re.Match[str], clause: str, at: tuple[int, int], it: str) -> Fact | None:
    groups = {name: tidy(value or "") for name, value in match.groupdict().items()}
    if "what" in groups and not groups["what"]:
        return None
    text, subject = rule.put({**groups, "it": it})
    text = third_person(text)
    return Fact(f"{text.rstrip('.')}.", rule.kind, subject, rule.confidence, _quote(clause), at)


def _quote(clause: str) -> str:
    """The clause, at most as long as a quote may be, whole words."""
    clause = clause.strip(" ,;:-")
    return clause if len(clause) <= MOST_QUOTE else clause[:MOST_QUOTE].rsplit(" ", 1)[0]


def _unfinished(lines: Sequence[Line]) -> str:
    """What the caller said they will come back to or still wait for, or where the conversation broke off."""
    waits = ""
    for line in lines:
        if line.role != "caller":
            continue
        for sentence in _sentences(line.text):
            if SOLVED.search(sentence) and not _supposes(sentence):
                waits = ""
            elif SECRET.search(sentence) or sentence.endswith("?"):
                continue
            elif later := LATER.search(sentence):
                waits = _coming_back(later)
            elif waiting := WAITS.search(sentence):
                waits = f"Still waits for {tidy(waiting['what'])}."
    last = lines[-1] if lines else Line("agent", "")
    if waits or last.role == "agent" or SECRET.search(last.text):
        return waits
    if DANGLES.search(last.text):
        return f'The conversation broke off after "{_quote(last.text)}"'
    return ""


def _coming_back(later: re.Match[str]) -> str:
    if later["off"]:
        return "Had to leave before it was settled."
    return f"Will {tidy(later['do'])}."


def _summary(lines: Sequence[Line], facts: Sequence[Fact]) -> str:
    wanted = _wanted([line.text for line in lines if line.role == "caller"], facts)
    return " ".join(part for part in (wanted, _outcome(lines)) if part)


def _wanted(said: Sequence[str], facts: Sequence[Fact]) -> str:
    issue = next((fact.text for fact in facts if fact.kind == "issue"), "")
    if issue:
        return f"The caller reported: {issue}"
    sentences = [
        each for text in said for each in _sentences(text) if not SECRET.search(each) and not HEALTH.search(each)
    ]
    for sentence in sentences:
        for pattern, verb in WANTED:
            match = re.search(pattern, sentence, re.IGNORECASE)
            if match:
                what = next(value for value in match.groups() if value)
                return f"The caller {verb} {tidy(what.rstrip('.!?'))}."
        if sentence.endswith("?") and len(sentence.split()) > 3 and "how are" not in sentence.casefold():
            return f'The caller asked: "{_quote(sentence)}"'
    longest = max(sentences, key=len, default="")
    return f'The caller said: "{_quote(longest)}"' if longest else ""


def _outcome(lines: Sequence[Line]) -> str:
    """The agent's last word on the matter, the last question and the farewell aside."""
    spoke = next((i for i, line in enumerate(lines) if line.role == "caller"), len(lines))
    answers = [
        sentence
        for line in lines[spoke:]
        if line.role == "agent"
        for sentence in _sentences(line.text)
        if not sentence.endswith("?") and not SECRET.search(sentence) and len(sentence.split()) > 2
    ]
    done = [
        each
        for each in answers
        if re.search(r"\b(?:i've|i have|we've|done|is|are|will|'ll|leaves|noted)\b", each, re.IGNORECASE)
    ]
    last = (done or answers or [""])[-1]
    return f'The agent said: "{_quote(last)}"' if last else ""
