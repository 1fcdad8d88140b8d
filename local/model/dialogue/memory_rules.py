"""What a caller's clause may say of them: patterns of preferences, facts, plans and issues, and how each is put."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from local.model.dialogue.words import STOP_WORDS

Put = Callable[[Mapping[str, str]], tuple[str, str]]
"""The named groups of a match → the fact in the third person, without its full stop, and its subject."""

TOPICS: Final = (
    ("contact time", r"\b(?:calls?|called|text\w*|e-?mail\w*|reached|contacted)\b.*\b(?:morning|afternoon|evening|weekend|after|before)"),
    ("seat", r"\b(?:aisle|window|middle|exit row|legroom|seats?)\b"),
    ("diet", r"\b(?:vegetarian|vegan|pescatarian|kosher|halal|gluten|lactose|meat|pork|dairy|fish|eat|meals?|diet)\b"),
    ("contact", r"\b(?:texts?|text messages?|sms|e-?mails?|phone calls?|calls?|voicemails?|whatsapp)\b"),
    ("contact time", r"\b(?:mornings?|afternoons?|evenings?|weekends?|weekdays)\b"),
    ("language", r"\b(?:spanish|english|german|french|italian|portuguese|chinese|mandarin|polish|turkish|language)\b"),
    ("doctor", r"\b(?:doctor|dr\.?|dentist|nurse)\b"),
    ("room", r"\b(?:rooms?|floors?|bed|beds|pillows?|view)\b"),
    ("payment", r"\b(?:pay\w*|direct debit|invoices?|credit card|bank transfer|cash|autopay)\b"),
    ("statements", r"\b(?:paper|paperless|statements?|bills?)\b"),
    ("delivery", r"\b(?:deliver\w*|parcels?|packages?|neighbou?r|door|porch|courier)\b"),
    ("flights", r"\b(?:flights?|flying|fly|nonstop|direct|red-?eyes?|airlines?)\b"),
)  # fmt: skip
IRREGULAR: Final = {"have": "has", "do": "does", "go": "goes", "fly": "flies", "carry": "carries", "am": "is"}
THIRD: Final = (
    (r"\bi'm\b|\bwe're\b|\bi am\b|\bwe are\b", "they are"),
    (r"\bi've\b|\bwe've\b", "they have"),
    (r"\bcan't\b", "cannot"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"\bi\b|\bwe\b", "they"),
    (r"\bme\b|\bus\b", "them"),
    (r"\bmy\b|\bour\b", "their"),
)
TAIL: Final = re.compile(
    r"(?: and (?:want|need|would|wanted|i|we|my|then|can|was|have|is|he|she|asked)\b.*|,? (?:please|thanks?|thank you|btw|by the way|lol|though|too|as well|actually|now|right now|you know|if \w.*|"
    r"because .*|since (?:i|we|it)\b.*|as always|always have|and|but|so|or|in fact|to be honest)|[,:;–—-])\s*$",
    re.IGNORECASE,
)
INSTEAD: Final = re.compile(
    r",? (?:over|rather than|instead of|than|to (?=(?:a|an|the|window|aisle)\b)).*$", re.IGNORECASE
)
WAYS: Final = (
    (r"whats ?app", "WhatsApp messages"),
    (r"text|sms|messag", "text messages"),
    (r"e-?mail|write", "e-mail"),
    (r"call|phone|ring", "phone calls"),
)
COUNT: Final = r"(?:an?|one|two|three|four|five|six|seven|several|twin|\d)"
FAMILY: Final = r"(?:wife|husband|partner|son|daughter|child|baby|mother|father|mom|mum|dad|brother|sister)"
PETS: Final = (
    r"(?:(?:service |guide |assistance |support )?dogs?|cats?|pupp(?:y|ies)|kittens?|horses?|rabbits?|parrots?)"
)
TIME: Final = r"(?:(?:(?:early |late |later )?(?:next|this|in|on|at the|before|until|over|around|by|for) (?:the )?[\w' ]+)|tomorrow|soon)"
SOON: Final = (
    r"(?:next \w+|this (?:week|weekend|month|year|summer|spring|autumn|fall|winter)|in (?:the )?(?:spring|summer|autumn|fall|winter|"
    r"january|february|march|april|may|june|july|august|september|october|november|december))"
)
I_AM: Final = r"\b(?:i'm|i am|im)(?: also| actually| now| still| an?| a strict| strictly| very| severely| quite)*"
WE_ARE: Final = (
    r"\b(?:i'm|i am|im|we're|we are|i'll be|we'll be|i will be|we will be)(?: also| actually| probably| both| all)*"
)
ITEM: Final = r"(?:^(?:(?:and|but|so|hi|hello) )*|\b(?:my|our|the|this|that|your) )(?P<what>(?!name\b|it\b|i\b|we\b|he\b|she\b|they\b|you\b|that\b|this\b|there\b|nothing\b|my\b|our\b|the\b|what\b|which\b|who\b)(?:(?!\b(?:and|but|if|or|one|just|me|whether|that|when|where)\b|\w's\b)[\w -]){2,30}?)"
BROKEN: Final = (
    r"(?:missing|lost|broken|damaged|wrong|incorrect|late|delayed|stuck|locked|frozen|blocked|declined|stolen|cancelled|canceled|"
    r"leaking|overdue|expired|faulty|cracked|scratched|dead|gone|down|out|empty|dirty|too (?:small|big|high|cold|hot|loud))"
)


@dataclass(frozen=True)
class Rule:
    """One way to say something worth remembering; ``lasting`` rules do not hold for a single occasion."""

    kind: str
    pattern: re.Pattern[str]
    put: Put
    confidence: float = 0.9
    lasting: bool = False


def third_person(text: str) -> str:
    """The caller's words as somebody else would say them of the caller."""
    text = text.replace("’", "'")
    for pattern, other in THIRD:
        text = re.sub(pattern, other, text, flags=re.IGNORECASE)
    return " ".join(text.split())


def tidy(text: str) -> str:
    """An object without what trails behind it."""
    text, before = text.strip(" .!?"), ""
    while text != before:
        text, before = TAIL.sub("", text).strip(), text
    return " ".join(third_person(text).split()[:14])


def topic(text: str, what: str = "") -> str:
    """What a fact is about, in one or two words; ``what`` is the part of it that says so."""
    for name, pattern in TOPICS:
        if re.search(pattern, text, re.IGNORECASE):
            return name
    return " ".join(_content(what or text)[:2]) or "other"


def head(what: str) -> str:
    """The noun of a noun phrase: its last word, or of a compound the last two."""
    return " ".join(
        _content(re.split(r" (?:of|from|for|that|which|i|they|to|about|with|on|in|at) ", what)[0])[-1:]
    ) or topic(what)


def _content(text: str) -> list[str]:
    words = re.findall(r"[^\W_][\w'-]*", text.casefold())
    return [word for word in words if word not in STOP_WORDS and word not in {"their", "last", "new", "still", "ones"}]


def _s(verb: str) -> str:
    first, *rest = verb.casefold().split()
    ending = "es" if first.endswith(("s", "sh", "ch", "x")) else "s"
    return " ".join([IRREGULAR.get(first, first + ending), *rest])


def _about(template: str, subject: str = "") -> Put:
    """Fill a template with the groups; without a subject it is found by topic."""

    def put(groups: Mapping[str, str]) -> tuple[str, str]:
        text = template.format_map(groups)
        return text, subject.format_map(groups).casefold() if subject else topic(text, groups.get("what", ""))

    return put


def _prefers(groups: Mapping[str, str]) -> tuple[str, str]:
    what = INSTEAD.sub("", groups["what"])
    seat = re.search(r"\b(aisle|window|middle|exit row)\b", what, re.IGNORECASE)
    if seat:
        return f"Prefers {seat[1].casefold()} seats", "seat"
    return f"Prefers {what[:1].casefold() if what[1:2].islower() and ' ' not in what else what[:1]}{what[1:]}", topic(
        what
    )


def _contact(groups: Mapping[str, str]) -> tuple[str, str]:
    way = next(named for pattern, named in WAYS if re.search(pattern, groups["way"], re.IGNORECASE))
    return (f"Does not want {way}" if groups.get("no") else f"Prefers {way}"), "contact"


def _contact_time(groups: Mapping[str, str]) -> tuple[str, str]:
    return f"Prefers to be {_done(groups['way'])} {groups['when']}", "contact time"


def _done(verb: str) -> str:
    verb = verb.casefold()
    return {"ring": "rung", "write": "written to"}.get(verb, verb + "ed" if verb != "phone" else "phoned")


def _habit(groups: Mapping[str, str]) -> tuple[str, str]:
    what = INSTEAD.sub("", groups["what"])
    text = f"{groups['often'].capitalize()} {_s(groups['verb'])} {what}"
    return text, topic(text, what)


def _has(groups: Mapping[str, str]) -> tuple[str, str]:
    noun = _content(groups["noun"])[-1]
    subject = "children" if re.match(r"kid|child|son|daughter|bab|twin|boy|girl", noun) else noun.rstrip("s")
    return f"Has {groups['count']} {groups['noun']}", subject


def _trip(groups: Mapping[str, str]) -> tuple[str, str]:
    text = f"Is {groups['verb']} {groups['what']}"
    place = re.search(r"\b(?:to|in) (?:the )?([A-Z][^\W\d_]+)", groups["what"])
    where = place[1].casefold() if place else next(iter(_content(groups["what"])), "")
    return text, f"{where} trip".strip()


def _plan(groups: Mapping[str, str]) -> tuple[str, str]:
    return f"Plans to {groups['what']}", " ".join(_content(groups["what"])[:2])


def _item(text: str) -> Put:
    def put(groups: Mapping[str, str]) -> tuple[str, str]:
        put_so = text.format_map(groups)
        return put_so[:1].upper() + put_so[1:], head(groups["what"])

    return put


def _never_came(groups: Mapping[str, str]) -> tuple[str, str]:
    done = {"receive": "received", "get": "got", "see": "seen"}.get(
        groups["verb"].casefold(), groups["verb"].casefold()
    )
    return f"Has never {done} {groups['what']}", head(groups["what"])


def _rule(kind: str, pattern: str, put: Put, confidence: float = 0.9, *, lasting: bool = False) -> Rule:
    return Rule(kind, re.compile(pattern, re.IGNORECASE), put, confidence, lasting)


def _preference(pattern: str, put: Put, confidence: float = 0.9) -> Rule:
    return _rule("preference", pattern, put, confidence, lasting=True)


WHEN: Final = (
    r"(?P<when>(?:only )?(?:in|during|after|before|on) (?:the )?"
    r"(?:early |late )?(?:mornings?|afternoons?|evenings?|weekends?|weekdays|work|lunch|noon|\w+days|\d+(?::\d\d)?(?: ?[ap]\.?m\.?)?))"
)
PREFERENCES: Final = (
    _preference(rf"\b(?P<way>call|phone|ring|text|e-?mail|contact|message) me {WHEN}", _contact_time, 0.8),
    _preference(rf"\b(?:best|easiest) (?:time )?to (?P<way>call|reach|contact|text) me (?:is )?{WHEN}", _contact_time),
    _preference(r"\b(?:only|always) (?P<way>text|call|e-?mail|message|phone|write to|whatsapp) me\b", _contact),
    _preference(r"\b(?P<way>text|call|e-?mail|message|phone|write to) me (?:instead|only)\b", _contact),
    _preference(r"\b(?P<no>(?:do not|don't|never|stop)) (?P<way>text|call|e-?mail|messag|phon)(?:e|ing)?(?: me\b|$)", _contact),
    _preference(r"\bplease (?:do )?always (?P<what>.+)", _about("Asks to always {what}")),
    _preference(r"\balways (?P<what>(?!have)\w+ .+?),? please$", _about("Asks to always {what}")),
    _preference(r"\bplease (?:never|don't ever) (?P<what>.+)", _about("Asks never to {what}")),
    _preference(r"\bi(?:'d| would)?(?: really| always| much| usually| generally| still| do)* prefer (?P<what>.+)", _prefers),
    _preference(
        r"\bi(?:'d| would)(?: much| always)* rather (?P<what>(?!you\b|that\b).+)",
        lambda groups: _prefers(groups) if "aisle" in groups["what"] or "window" in groups["what"]
        else (f"Would rather {groups['what']}", topic(INSTEAD.sub("", groups["what"]))),
        0.8,
    ),
    _preference(r"\bi(?: really| always)* (?:like|love|enjoy) (?P<what>.+?) (?:the )?(?:best|better|most)\b", _about("Likes {what} best")),
    _preference(r"\bi(?: really| absolutely| do)* (?:hate|dislike|can't stand|cannot stand|don't like|do not like) (?P<what>(?!this|that|it\b|when|how|you|your|to\b|the (?:way|fact)|wait|what).+)", _about("Dislikes {what}")),
    _preference(r"\b(?P<way>texts?|text messages|e-?mails?|phone calls?|calls|sms|whatsapp) (?:is|are|works?)(?: always)? (?:best|better|easiest)\b", _contact),
    _preference(r"\b(?P<way>texts?|text messages|e-?mails?|phone calls?|calls|sms|whatsapp) (?P<no>don't|doesn't|do not|does not) work for me\b", _contact),
    _preference(r"\bmy favou?rite (?P<noun>[\w ]{2,20}?) is (?P<what>.+)", _about("Favourite {noun} is {what}", "{noun}")),
    _preference(
        r"(?:^|\b(?:and|so|but) )(?P<what>(?:early |late )?(?:mornings|afternoons|evenings|weekends|weekdays|[a-z]+days)) "
        r"(?:work|suit|are)(?: me)? (?:best|better|easiest)(?: for me)?\b",
        _prefers,
    ),
    _preference(
        r"\b(?:i|we)(?:'d| would)? (?P<often>always|usually|normally) "
        r"(?P<verb>(?!\w+ed\b|am\b|are\b|was\b|were\b|had\b|been\b|thought|said|say|think|get (?:put|stuck|the same)|"
        r"end\b|feel|forget|wonder|travel with|fly with|have to)\w+) (?P<what>.+)",
        _habit,
    ),
)  # fmt: skip
FACTS: Final = (
    _rule("fact", rf"{I_AM} (?P<what>vegetarian|vegan|pescatarian|lactose[- ]intolerant|gluten[- ]free|coeliac|celiac)\b", _about("Is {what}", "diet")),
    _rule("fact", r"\b(?:i|we)(?: only| always)* (?P<verb>keep|eat) (?P<what>kosher|halal|vegetarian|vegan)\b", lambda groups: (f"{_s(groups['verb']).capitalize()} {groups['what']}", "diet")),
    _rule("fact", r"\b(?:i|we) (?:don't|do not|never)(?: ever)? (?P<verb>eat|drink) (?P<what>.+)", _about("Does not {verb} {what}", "diet")),
    _rule("fact", r"\b(?:i|we) (?:can't|cannot|can not|mustn't) (?P<verb>eat|drink) (?P<what>.+)", _about("Cannot {verb} {what}", "diet")),
    _rule("fact", rf"{I_AM} allergic to (?P<what>.+)", lambda groups: (f"Is allergic to {groups['what']}", _allergy(groups["what"]))),
    _rule("fact", r"\bi(?:'ve| have)(?: got)? an? (?:\w+ )?(?P<what>\w+) allergy\b", lambda groups: (f"Is allergic to {groups['what']}", _allergy(groups["what"]))),
    _rule("fact", rf"\bmy (?P<who>{FAMILY})(?:'s| is)(?: also| very| severely)* allergic to (?P<what>.+)", _about("Their {who} is allergic to {what}", "{who} allergy")),
    _rule("fact", rf"\bmy (?P<who>{FAMILY})(?:'s| is)(?: also| an?)* (?P<what>vegetarian|vegan|deaf|blind)\b", _about("Their {who} is {what}", "{who}")),
    _rule("fact", r"\b(?:i|we)(?: now| still| actually| currently| also)* live (?P<what>(?:in|on|at|near|outside|alone|with|abroad)\b.*)", _about("Lives {what}", "home")),
    _rule("fact", r"\b(?:i|we)(?:'ve| have) (?:just |recently )?(?:moved|relocated) to (?P<what>.+)", _about("Moved to {what}", "home")),
    _rule("fact", rf"{WE_ARE} (?:based|living) (?P<what>(?:in|near|outside)\b.*)", _about("Lives {what}", "home")),
    _rule("fact", r"\bi(?: always| also| have to)* (?:use|need|am in|walk with) (?P<what>(?:an? |my )?(?:electric |manual |power )?(?:wheelchair|walker|walking frame|cane|crutches|hearing aids?|screen reader))\b", _about("Uses {what}", "mobility")),
    _rule("fact", rf"{I_AM} in (?P<what>a wheelchair)\b", _about("Uses {what}", "mobility")),
    _rule("fact", rf"{I_AM} (?P<what>deaf|blind|hard of hearing|colou?r[- ]?blind|left[- ]handed)\b", _about("Is {what}", "accessibility")),
    _rule("fact", rf"\b(?:i|we)(?:'ve)?(?: have| got| also| already)+ (?P<count>{COUNT}) (?P<noun>(?:[\w-]+ ){{0,2}}?(?:kids?|child(?:ren)?|sons?|daughters?|babies|baby|twins|boys|girls|{PETS}|solar panels?|heat pump|electric cars?|pool))\b", _has),
    _rule("fact", r"\b(?:i|we)(?:'ve)?(?: have| got| also)+ (?P<what>solar panels|a heat pump|an electric car|twins|kids|children)\b", _about("Has {what}", "{what}")),
    _rule("fact", rf"\b{I_AM}(?: single)? (?:mother|father|mom|mum|dad|parent) of (?P<count>{COUNT})\b", _about("Has {count} children", "children")),
    _rule("fact", rf"\b(?:i|we)(?:'ve)?(?: have| got)\b.*\b(?:and|plus|&) (?P<count>{COUNT}) (?P<noun>(?:\w+ )?{PETS})\b", _has, 0.8),
    _rule("fact", rf"(?:{I_AM}|\bi've been|\bi have been|\bwe're|\bwe've been)(?: also| an?| your)* (?P<what>(?:(?!not\b)[\w-]+ ){{0,2}}(?:member|customer|subscriber|cardholder|shareholder|patient|tenant|pensioner|student)\b.*)", lambda groups: (f"{'Has been' if re.search(r' (?:since|for) ', groups['what']) else 'Is'} a {groups['what']}", "membership")),
    _rule("fact", rf"\bmy (?P<who>{FAMILY}|dog|cat|boss|assistant|doctor)(?:'s name is|'s name's|s name is| is called| is named) (?P<what>[^\W\d_][\w'-]*(?: (?!and\b|is\b)[A-Z][\w'-]*)?)", lambda groups: (f"Their {groups['who'].casefold()}'s name is {groups['what']}", groups["who"].casefold())),
    _rule("fact", r"\b(?:i|we)(?: also| still| mostly| usually| only)* work (?P<what>(?:as|for|at|in|from|nights|night shifts?|shifts|weekends|part[- ]time|remotely)\b.*)", _about("Works {what}", "work")),
    _rule("fact", rf"{I_AM} (?P<what>(?:[\w-]+ )?(?:nurse|teacher|doctor|lawyer|engineer|driver|pilot|musician|artist|writer|carpenter|plumber|electrician|farmer|chef|journalist|freelancer|retired|self[- ]employed|photographer|veteran))\b", lambda groups: (f"Is {groups['what']}" if groups["what"].endswith(("retired", "employed")) else f"Is a {groups['what']}", "work")),
    _rule("fact", r"\bi(?: also| still)? (?P<verb>teach|study|commute|volunteer) (?P<what>.+)", lambda groups: (f"{_s(groups['verb']).capitalize()} {groups['what']}", "work")),
    _rule("fact", r"\b(?:i|we)(?: also| still| only)? (?P<verb>drive|ride|own|rent) (?P<what>(?:an?|two|our|my own)\b.+)", lambda groups: (f"{_s(groups['verb']).capitalize()} {groups['what']}", head(groups["what"]))),
    _rule("fact", r"\b(?:i|we) (?:don't|do not) (?:have|own) (?P<what>(?:an? |any )?(?:car|smart ?phone|mobile|computer|e-?mail(?: address)?|internet|printer|landline|credit card|driv\w+ licen[cs]e|lift|balcony|garden|garage))\b", lambda groups: (f"Does not have {groups['what']}", head(groups["what"]))),
    _rule("fact", r"\b(?:i|we) (?:don't|do not|never) (?P<verb>do|use|drive|smoke|drink) ?(?P<what>(?!not\b|it\b|that\b|this\b|anything\b|so\b).*)", lambda groups: (f"Does not {groups['verb']} {groups['what']}".strip(), topic(groups["what"], groups["what"] or groups["verb"]))),
    _rule("fact", r"\bi (?:run) (?P<what>(?:an?|my own|the) .+)", _about("Runs {what}", "work")),
    _rule("fact", r"\b(?:i|we|i'm|i am|we're|we are)(?: always| usually| often| also)* (?:travel|fly|travell?ing|flying) with (?P<what>(?:an?|my|our|two|three)\b.+)", lambda groups: (f"Travels with {groups['what']}", head(groups["what"]).rstrip("s"))),
    _rule("fact", r"\bi(?: only| also| mainly| mostly)* speak (?P<what>(?!to\b|with\b|up\b|for\b)[A-Za-z]+(?:(?:,| and| or) [A-Z][a-z]+)*)", lambda groups: (f"Speaks {groups['what'][:1].upper()}{groups['what'][1:]}", "language")),
    _rule("fact", r"\bi (?:don't|do not) speak (?P<what>[A-Za-z]+(?: very)?(?: well)?)", _about("Does not speak {what}", "language")),
    _rule("fact", r"\bmy (?:first|native|mother) (?:language|tongue) is (?P<what>\w+)", _about("First language is {what}", "language")),
    _rule("fact", r"\b(?P<what>[A-Z]?[a-z]+) is my (?:first|native|mother) (?:language|tongue)", _about("First language is {what}", "language")),
    _rule("fact", r"\bi(?: always)? wear (?:an? )?(?P<what>size [\w.]+)", _about("Wears {what}", "size")),
    _rule("fact", r"\bmy (?P<noun>(?:shoe |dress |shirt )?size|birthday|anniversary) is (?:on )?(?P<what>.+)", _about("Their {noun} is {what}", "{noun}")),
    _rule("fact", r"\b(?:i|we) (?P<verb>stay|shop|come|fly|travel)(?: with you| here| there)? (?P<what>(?:every|each|once a|twice a) \w+)", lambda groups: (f"{_s(groups['verb']).capitalize()} {groups['what']}", "habit"), 0.7),
)  # fmt: skip
CHATTER: Final = (
    r"(?:call|say|be|need|have to|hang|check|ask|think|try|look|wait|tell|give|let|hold|go|get|do|send|write|see|see if|take|find|pay for|put|"
    r"read|repeat|complain|cry|die|scream|guess|assume|stop|start|explain|want|use|make|keep|switch to|leave it)\b"
)
PLANS: Final = (
    _rule("plan", rf"{WE_ARE} (?P<verb>flying|travell?ing|driving|moving|relocating|heading|going|coming) (?P<what>(?:to|abroad|into|back to|down to|up to|over to)\b(?! (?:{CHATTER})).*)", lambda groups: _going(groups)),
    _rule("plan", rf"{WE_ARE} (?P<verb>getting married|retiring|moving|hosting [\w ]+?|visiting [\w ]+?|starting [\w ]+?|opening [\w ]+?|renovating [\w ]+?|having a baby|expecting a baby|changing jobs) (?P<what>{TIME})", lambda groups: (f"Is {groups['verb']} {groups['what']}", _content(groups["verb"])[-1])),
    _rule("plan", rf"{WE_ARE} (?P<verb>(?!call|look|try|wait|ask|wonder|think|hop|hav|writ|talk|speak|fly|travel|driv|mov|relocat|head|go|com)\w+ing) (?P<what>[\w' ]+? {SOON})\b", lambda groups: (f"Is {groups['verb']} {groups['what']}", " ".join(_content(groups["what"])[:1]))),
    _rule("plan", r"\b(?:i|we)(?:'m| am|'re| are)?(?: also| do)* (?:plan(?:ning)?|intend(?:ing)?|hope|hoping|aim(?:ing)?) (?:to|on) (?P<what>.+)", _plan),
    _rule("plan", r"\b(?:my|our) (?P<noun>(?!next\b)(?:[\w']+ )?(?:wedding|graduation|trip|vacation|holiday|honeymoon|conference|move|lease|contract|exam|anniversary|party|retirement|passport|baby))(?: is| will be| starts| begins| ends| runs out| expires| is due| comes)+ (?P<what>" + TIME + r")", lambda groups: (f"Their {groups['noun']} is {groups['what']}", _content(groups["noun"])[-1])),
)  # fmt: skip
ISSUES: Final = (
    _rule("issue", rf"{ITEM}(?: is|'s| are| was| were| has been| have been| got| came| arrived| went| seems)(?: still| all| completely| again| now| apparently| just| to be)* (?P<bad>{BROKEN})\b(?! (?:of|for delivery|there)\b)", _item("{what} is {bad}")),
    _rule("issue", rf"{ITEM}(?: (?:i|we) (?:bought|ordered|got|have))?(?: still| just)* (?P<bad>(?:doesn't|does not|don't|won't|isn't|is not|aren't|can't|didn't|hasn't|haven't)(?: even| been)? (?:work\w*|turn on|start\w*|load\w*|open\w*|charg\w+|connect\w*|fit\w*|arriv\w+|shown up|show up|come|came|delivered))\b", _item("{what} {bad}")),
    _rule("issue", rf"{ITEM} (?P<bad>(?:has )?never (?:arrived|came|showed up|worked|turned up|been delivered))\b", _item("{what} {bad}")),
    _rule("issue", rf"{ITEM} (?P<bad>keeps? (?!asking|telling|saying|going)\w+ing(?: (?:out|off|down|up|on|connection|the \w+|my \w+))*)\b", _item("{what} {bad}")),
    _rule("issue", rf"{ITEM} (?P<bad>(?:arrived|came) (?:with (?:an? )?(?:\w+ )?(?:crack|scratch|hole|dent|stain|defect)\w*|without [\w ]+|in pieces))", _item("{what} {bad}")),
    _rule("issue", r"\b(?:promised|owed?) (?:me|us) (?P<what>.+)", lambda groups: (f"Was promised {groups['what']}", head(groups["what"])), 0.7),
    _rule("issue", r"\bnothing (?:has |ever |has ever )?(?P<bad>come|came|arrived|happened)\b", lambda groups: ("Nothing has " + groups["bad"].replace("came", "come") + (f" ({groups['it']})" if groups["it"] else ""), groups["it"] or "waiting"), 0.7),
    _rule("issue", r"\b(?:it|that|this) still (?P<bad>(?:doesn't|does not|won't|isn't|is not|hasn't)(?: been)? (?:work\w*|turn on|start\w*|load\w*|arriv\w+|fixed|come))\b", lambda groups: (f"{groups['it'].capitalize() or 'It'} still {groups['bad']}", groups["it"] or "problem")),
    _rule("issue", r"\b(?:i|we)(?: was| were|'ve been| have been| got|'m being)(?: just)? (?P<bad>(?:over|double[- ]?)?(?:charged|billed)(?: twice| double| two times| too much| wrongly| the full price| for [\w ]+)?)", lambda groups: (f"Was {groups['bad']}", "charge")),
    _rule("issue", r"\b(?:you|they|you guys|the bank|the hotel|somebody)(?:'ve| have)? (?P<bad>(?:over|double[- ]?)?(?:charged|billed) (?:me|us|my card)(?: twice| double| two times| too much| the (?:full|wrong) \w+| for [\w ]+)?)", lambda groups: (f"Was {re.sub(r' (?:them|their card)', '', groups['bad'])}", "charge")),
    _rule("issue", r"\b(?:i|we)(?: have|'ve)?(?: still)? never(?: ever)? (?P<verb>received|got|gotten|seen|receive|get) (?P<what>.+)", _never_came),
    _rule("issue", r"\b(?:i|we)(?: still)? (?:haven't|have not|didn't|did not)(?: yet| even)? (?P<verb>received|got|gotten|receive|seen) (?P<what>.+)", _never_came),
    _rule("issue", r"\bi(?: still)? (?:can't|cannot|can not|am unable to|'m unable to)(?: even)? (?P<what>(?:log ?in|sign in|open|access|get into|use|connect|download|activate|register|reset)\b.*)", lambda groups: (f"Cannot {groups['what']}", "login" if re.match(r"log|sign", groups["what"]) else head(groups["what"]))),
    _rule("issue", r"\b(?:there's|there is|we have|i have) (?P<what>no (?:power|heating|heat|hot water|water|gas|internet|signal|electricity)|(?:a|an) (?:leak|outage|charge (?:i|we) (?:don't|do not) recogni[sz]e|gas smell|power cut)\b[\w ]*)", lambda groups: (f"Has {groups['what']}", head(groups["what"]))),
    _rule("issue", r"\b(?:i|we)(?:'ve| have)?(?: just)? lost (?P<what>my .+)", lambda groups: (f"Lost {groups['what']}", head(groups["what"]))),
    _rule("issue", r"\b(?:i'm|i am|we're|we are|im)(?: still) waiting (?:for|on) (?P<what>(?!you\b).+)", lambda groups: (f"Is still waiting for {groups['what']}", head(groups["what"]))),
)  # fmt: skip


def _allergy(what: str) -> str:
    return f"{_content(what)[0].rstrip('s')} allergy" if _content(what) else "allergy"


def _going(groups: Mapping[str, str]) -> tuple[str, str]:
    if groups["verb"].casefold() in {"moving", "relocating"}:
        return f"Is {groups['verb']} {groups['what']}", "move"
    return _trip(groups)


RULES: Final = (*PREFERENCES, *FACTS, *PLANS, *ISSUES)
