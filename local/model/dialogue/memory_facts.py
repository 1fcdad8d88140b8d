"""How callers say what is so with them: home, family, work, diet, needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from local.model.dialogue.memory_wording import I_AM, WE_ARE, about, content, head, rule, topic, verb_s

COUNT: Final = r"(?:an?|one|two|three|four|five|six|seven|several|twin|\d)"
FAMILY: Final = r"(?:wife|husband|partner|son|daughter|child|baby|mother|father|mom|mum|dad|brother|sister)"
PETS: Final = (
    r"(?:(?:service |guide |assistance |support )?dogs?|cats?|pupp(?:y|ies)|kittens?|horses?|rabbits?|parrots?)"
)


def _has(groups: Mapping[str, str]) -> tuple[str, str]:
    noun = content(groups["noun"])[-1]
    subject = "children" if re.match(r"kid|child|son|daughter|bab|twin|boy|girl", noun) else noun.rstrip("s")
    return f"Has {groups['count']} {groups['noun']}", subject


def _a(noun: str) -> str:
    return f"{'an' if noun[0].casefold() in 'aeio' else 'a'} {noun}"


def _allergy(what: str) -> str:
    return f"{content(what)[0].rstrip('s')} allergy" if content(what) else "allergy"


FACTS: Final = (
    rule(
        "fact",
        rf"{I_AM} (?P<what>vegetarian|vegan|pescatarian|lactose[- ]intolerant|gluten[- ]free|coeliac|celiac)\b",
        about("Is {what}", "diet"),
    ),
    rule(
        "fact",
        r"\b(?:i|we)(?: only| always)* (?P<verb>keep|eat) (?P<what>kosher|halal|vegetarian|vegan)\b",
        lambda groups: (f"{verb_s(groups['verb']).capitalize()} {groups['what']}", "diet"),
    ),
    rule(
        "fact",
        r"\b(?:i|we) (?:don't|do not|never)(?: ever)? (?P<verb>eat|drink) (?P<what>.+)",
        about("Does not {verb} {what}", "diet"),
    ),
    rule(
        "fact",
        r"\b(?:i|we) (?:can't|cannot|can not|mustn't) (?P<verb>eat|drink) (?P<what>.+)",
        about("Cannot {verb} {what}", "diet"),
    ),
    rule(
        "fact",
        rf"{I_AM} allergic to (?P<what>.+)",
        lambda groups: (f"Is allergic to {groups['what']}", _allergy(groups["what"])),
    ),
    rule(
        "fact",
        r"\bi(?:'ve| have)(?: got)? an? (?:\w+ )?(?P<what>\w+) allergy\b",
        lambda groups: (f"Is allergic to {groups['what']}", _allergy(groups["what"])),
    ),
    rule(
        "fact",
        rf"\bmy (?P<who>{FAMILY})(?:'s| is)(?: also| very| severely)* allergic to (?P<what>.+)",
        about("Their {who} is allergic to {what}", "{who} allergy"),
    ),
    rule(
        "fact",
        rf"\bmy (?P<who>{FAMILY})(?:'s| is)(?: also| an?)* (?P<what>vegetarian|vegan|deaf|blind)\b",
        about("Their {who} is {what}", "{who}"),
    ),
    rule(
        "fact",
        r"\b(?:i|we)(?: now| still| actually| currently| also)* live (?P<what>(?:in|on|at|near|outside|alone|"
        r"with|abroad)\b.*)",
        about("Lives {what}", "home"),
    ),
    rule(
        "fact",
        r"\b(?:i|we)(?:'ve| have) (?:just |recently )?(?:moved|relocated) to (?P<what>.+)",
        about("Moved to {what}", "home"),
    ),
    rule("fact", rf"{WE_ARE} (?:based|living) (?P<what>(?:in|near|outside)\b.*)", about("Lives {what}", "home")),
    rule(
        "fact",
        r"\bi(?: always| also| have to)* (?:use|need|am in|walk with) (?P<what>(?:an? |my )?(?:electric |"
        r"manual |power )?(?:wheelchair|walker|walking frame|cane|crutches|hearing aids?|screen reader))\b",
        about("Uses {what}", "mobility"),
    ),
    rule("fact", rf"{I_AM} in (?P<what>a wheelchair)\b", about("Uses {what}", "mobility")),
    rule(
        "fact",
        rf"{I_AM} (?P<what>deaf|blind|hard of hearing|colou?r[- ]?blind|left[- ]handed)\b",
        about("Is {what}", "accessibility"),
    ),
    rule(
        "fact",
        rf"\b(?:i|we)(?:'ve)?(?: have| got| also| already)+ (?P<count>{COUNT}) (?P<noun>(?:[\w-]+ ){{0,2}}?"
        rf"(?:kids?|child(?:ren)?|sons?|daughters?|babies|baby|twins|boys|girls|{PETS}|solar panels?|heat pump|"
        r"electric cars?|pool))\b",
        _has,
    ),
    rule(
        "fact",
        r"\b(?:i|we)(?:'ve)?(?: have| got| also)+ (?P<what>solar panels|a heat pump|an electric car|twins|kids|"
        r"children)\b",
        about("Has {what}", "{what}"),
    ),
    rule(
        "fact",
        rf"\b{I_AM}(?: single)? (?:mother|father|mom|mum|dad|parent) of (?P<count>{COUNT})\b",
        about("Has {count} children", "children"),
    ),
    rule(
        "fact",
        rf"\b(?:i|we)(?:'ve)?(?: have| got)\b.*\b(?:and|plus|&) (?P<count>{COUNT}) (?P<noun>(?:\w+ )?{PETS})\b",
        _has,
        0.8,
    ),
    rule(
        "fact",
        rf"(?:{I_AM}|\bi've been|\bi have been|\bwe're|\bwe've been)(?: also| an?| your)* (?P<what>"
        rf"(?:(?!not\b)[\w-]+ ){{0,2}}(?:member|customer|subscriber|cardholder|shareholder|patient|tenant|"
        r"pensioner|student)\b.*)",
        lambda groups: (
            f"{'Has been' if re.search(r' (?:since|for) ', groups['what']) else 'Is'} {_a(groups['what'])}",
            "membership",
        ),
    ),
    rule(
        "fact",
        rf"\bmy (?P<who>{FAMILY}|dog|cat|boss|assistant|doctor)(?:'s name is|'s name's|s name is| is called| is "
        r"named) (?P<what>[^\W\d_][\w'-]*(?: (?!and\b|is\b)[A-Z][\w'-]*)?)",
        lambda groups: (f"Their {groups['who'].casefold()}'s name is {groups['what']}", groups["who"].casefold()),
    ),
    rule(
        "fact",
        r"\b(?:i|we)(?: also| still| mostly| usually| only)* work (?P<what>(?:as|for|at|in|from|nights|night "
        r"shifts?|shifts|weekends|part[- ]time|remotely)\b.*)",
        about("Works {what}", "work"),
    ),
    rule(
        "fact",
        rf"{I_AM} (?P<what>(?:[\w-]+ )?(?:nurse|teacher|doctor|lawyer|engineer|driver|pilot|musician|artist|"
        r"writer|carpenter|plumber|electrician|farmer|chef|journalist|freelancer|retired|self[- ]employed|"
        r"photographer|veteran))\b",
        lambda groups: (
            f"Is {groups['what']}" if groups["what"].endswith(("retired", "employed")) else f"Is a {groups['what']}",
            "work",
        ),
    ),
    rule(
        "fact",
        r"\b(?:i've|i have|we've|we have) been (?P<what>(?!wait|try|call|hold|hav|get|sit|look|ask|tell|writ|"
        r"go|ring|charg|think)\w+ing\b.* (?:for|since) .+)",
        lambda groups: (f"Has been {groups['what']}", topic(groups["what"])),
    ),
    rule(
        "fact",
        r"^(?:also )?(?P<what>lactose intolerant|gluten[- ]free|vegan|coeliac|celiac)(?: here)?[.!]?$",
        about("Is {what}", "diet"),
    ),
    rule(
        "fact",
        rf"{I_AM} (?P<what>(?:[\w-]+ )?(?:foot|feet)(?: \w+)?(?: tall)?|\d+ (?:cm|years old)|[\w-]+ years old|tall)\b",
        lambda groups: (f"Is {groups['what']}", "age" if groups["what"].endswith("old") else "height"),
    ),
    rule("fact", r"\b(?:i|we) just had (?P<what>a baby|twins)\b", about("Just had {what}", "children")),
    rule(
        "fact",
        r"\b(?P<what>gluten|dairy|milk|lactose|nuts|peanuts|soy|eggs?|shellfish|wheat|spicy food) (?:is|are) "
        r"(?:a problem|not good|bad|no good) for me\b",
        about("Cannot eat {what}", "diet"),
    ),
    rule(
        "fact",
        r"\bi (?:can't|cannot|can not) (?P<what>(?:have (?:any )?(?:gluten|dairy|milk|lactose|nuts|sugar|"
        r"alcohol)|do stairs|climb stairs|"
        r"walk (?:far|well|long)\b.*|use stairs|hear well|see well))",
        lambda groups: (f"Cannot {groups['what']}", "diet" if groups["what"].startswith("have") else "mobility"),
    ),
    rule(
        "fact",
        r"\b(?:i|we) have no (?P<what>car|smart ?phone|mobile|computer|e-?mail|internet|printer|landline|"
        r"telephone|credit card|lift|garden)\b",
        about("Has no {what}", "{what}"),
    ),
    rule(
        "fact",
        r"\b(?:i|we)(?: usually| always)? (?P<verb>leave for work|start work|finish work|get home|get up) "
        r"(?P<what>(?:at|around|after|before) .+)",
        lambda groups: (f"{verb_s(groups['verb']).capitalize()} {groups['what']}", "day"),
    ),
    rule(
        "fact",
        r"\bi(?: also)? (?P<verb>collect|grow|breed|coach|paint|practi[sc]e) (?P<what>.+)",
        lambda groups: (
            f"{verb_s(groups['verb']).capitalize()} {groups['what']}",
            topic(groups["what"], groups["what"]),
        ),
        0.7,
    ),
    rule(
        "fact",
        r"\bmy (?P<what>[\w-]+) (?P<often>always|usually|normally) (?P<verb>\w+ .+)",
        lambda groups: (
            f"Their {groups['what']} {groups['often']} {groups['verb']}",
            topic(groups["verb"], groups["what"]),
        ),
        0.7,
    ),
    rule("fact", rf"{WE_ARE} (?P<what>family of \w+)", about("Is a {what}", "family")),
    rule("fact", rf"{I_AM} from (?P<what>(?-i:[A-Z])\w+)", about("Is from {what}", "origin")),
    rule(
        "fact",
        r"\b(?:i|we) need (?P<what>(?:an? )?(?:wheelchair assistance|(?:\w+ )?interpreter|step[- ]free access|"
        r"ground[- ]floor room|large print))\b",
        about("Needs {what}", "{what}"),
    ),
    rule(
        "fact",
        r"\bi(?: also| still)? (?P<verb>teach|study|commute|volunteer) (?P<what>.+)",
        lambda groups: (f"{verb_s(groups['verb']).capitalize()} {groups['what']}", "work"),
    ),
    rule(
        "fact",
        r"\b(?:i|we)(?: also| still| only)? (?P<verb>drive|ride|own|rent) (?P<what>(?:an?|two|our|my own)\b.+)",
        lambda groups: (f"{verb_s(groups['verb']).capitalize()} {groups['what']}", head(groups["what"])),
    ),
    rule(
        "fact",
        r"\b(?:i|we) (?:don't|do not) (?:have|own) (?P<what>(?:an? |any )?(?:car|smart ?phone|mobile|computer|"
        r"e-?mail(?: address)?|internet|printer|landline|credit card|driv\w+ licen[cs]e|lift|balcony|garden|"
        r"garage))\b",
        lambda groups: (f"Does not have {groups['what']}", head(groups["what"])),
    ),
    rule(
        "fact",
        r"\b(?:i|we) (?:don't|do not|never) (?P<verb>do|use|drive|smoke) ?(?P<what>(?!not\b|it\b|that\b|"
        r"this\b|anything\b|so\b).*)",
        lambda groups: (
            f"Does not {groups['verb']} {groups['what']}".strip(),
            topic(groups["what"], groups["what"] or groups["verb"]),
        ),
    ),
    rule("fact", r"\bi (?:run) (?P<what>(?:an?|my own|the) .+)", about("Runs {what}", "work")),
    rule(
        "fact",
        r"\b(?:i|we|i'm|i am|we're|we are)(?: always| usually| often| also)* (?:travel|fly|travell?ing|flying) "
        r"with (?P<what>(?:an?|my|our|two|three)\b.+)",
        lambda groups: (f"Travels with {groups['what']}", head(groups["what"]).rstrip("s")),
    ),
    rule(
        "fact",
        r"\bi(?: only| also| mainly| mostly)* speak (?P<what>(?!to\b|with\b|up\b|for\b)[A-Za-z]+(?:(?:,| and| "
        r"or) [A-Z][a-z]+)*)",
        lambda groups: (f"Speaks {groups['what'][:1].upper()}{groups['what'][1:]}", "language"),
    ),
    rule(
        "fact",
        r"\bi (?:don't|do not) speak (?P<what>[A-Za-z]+(?: very)?(?: well)?)",
        about("Does not speak {what}", "language"),
    ),
    rule(
        "fact",
        r"\bmy (?:first|native|mother) (?:language|tongue) is (?P<what>\w+)",
        about("First language is {what}", "language"),
    ),
    rule(
        "fact",
        r"\b(?P<what>[A-Z]?[a-z]+) is my (?:first|native|mother) (?:language|tongue)",
        about("First language is {what}", "language"),
    ),
    rule("fact", r"\bi(?: always)? wear (?:an? )?(?P<what>size [\w.]+)", about("Wears {what}", "size")),
    rule(
        "fact",
        r"\bmy (?P<noun>(?:shoe |dress |shirt )?size|birthday|anniversary) is (?:on )?(?P<what>.+)",
        about("Their {noun} is {what}", "{noun}"),
    ),
    rule(
        "fact",
        r"\b(?:i|we) (?P<verb>stay|shop|come|fly|travel)(?: with you| here| there)? (?P<what>(?:every|each|"
        r"once a|twice a) \w+)",
        lambda groups: (f"{verb_s(groups['verb']).capitalize()} {groups['what']}", "habit"),
        0.7,
    ),
)
