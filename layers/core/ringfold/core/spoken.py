"""How people say what is written: one word, or a number with its parts, turned into plain speech (acceptance E23).

`say` gets what stands between two blanks, markdown and all, and answers what a voice should be given. It never answers
markup, a URL, an XML special or a control character. Words that are words come back as they are. Numbers are left to
the voice where voices agree (``12,500``, ``3.5``, ``2:35 PM``, ``21st``) and rewritten where they do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_CURRENCIES: Final = {
    "$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny"), "¥": ("yen", ""),
    "₹": ("rupee", "paisa"),
}  # fmt: skip
_PLURALS: Final = {"yen": "yen", "penny": "pence", "paisa": "paise", "foot": "feet"}
UNITS: Final = {
    "kg": "kilogram", "g": "gram", "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "mi": "mile",
    "ft": "foot", "lb": "pound", "lbs": "pound", "oz": "ounce", "mb": "megabyte", "gb": "gigabyte",
    "tb": "terabyte", "h": "hour",
    "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute", "sec": "second", "secs": "second",
    "ms": "millisecond", "usd": "US dollar", "eur": "euro", "gbp": "pound",
}  # fmt: skip
"""Unit → what one of it is called; as it is spoken after a number."""
_FIXED_UNITS: Final = {
    "mph": "miles per hour", "km/h": "kilometers per hour", "kph": "kilometers per hour", "%": "percent",
    "°c": "degrees Celsius", "°f": "degrees Fahrenheit", "°": "degrees",
}  # fmt: skip
_SYMBOLS: Final = {
    "&": " and ", "@": " at ", "%": " percent", "+": " plus ", "=": " equals ", "°": " degrees ", "→": " to ",
    "⇒": " to ", "×": " times ", "÷": " divided by ", "±": " plus or minus ", "≈": " about ", "≥": " at least ",
    "≤": " at most ", "≠": " is not ", "½": " one half", "¼": " one quarter", "¾": " three quarters", "§": " section ",
    "|": ", ", "_": " ", "$": "", "€": " euros ", "£": " pounds ",
}  # fmt: skip
_ALONE: Final = {
    "-": "–", "--": "–", "---": "–", "/": "or", ">": "greater than", "<": "less than", "->": "to", "=>": "to",
    "-->": "to", ">=": "at least", "<=": "at most", "+": "plus", "^": "",
    "*": "star", "#": "pound",
}  # fmt: skip
_BETWEEN_FIGURES: Final = {"–": " to ", "—": " to ", "/": " or "}
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " ", "#39": "'", "#x27": "'"}

_OPENING: Final = "\"'“‘„«(¿¡"
_CLOSING: Final = "\"'”’»).,;:!?…"
_WRAPPED: Final = re.compile(rf"([{_OPENING}*_~`\[{{<>]*)(.*?)([{_CLOSING}*_~`\]}}|>]*)", re.DOTALL)
_MARKUP: Final = re.compile(r"[*_~`\[\]{}<>|\\^#]")
_ENTITY: Final = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#39|#x27);")
_FOOTNOTE: Final = re.compile(r"\[\^?\d{1,3}\]")
# Pictures, dingbats, flags, keycaps, skin tones, and what joins them; arrows and maths that have words are not here.
_PICTURE: Final = (
    "\u231a-\u23ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\ufe0e\ufe0f\u20e3\U0001f000-\U0001faff"
    "\u2190\u2191\u2193\u2194-\u21d1\u21d3-\u21ff\u2122\u00a9\u00ae\u2022\u2023\u2043"
)
_PICTURES: Final = re.compile(f"[{_PICTURE}](?:[{_PICTURE}\u200d])*")

_ORDINARY: Final = re.compile(r"[^\W\d_¼-¾]+(?:['’-][^\W\d_¼-¾]+)*[.,;:!?…]?")
_TLD: Final = "com|org|net|edu|gov|mil|io|co|uk|de|fr|eu|info|biz|app|dev|ai|ca|au|nz|ch|at|nl|example|test"
_HOST: Final = r"[a-z0-9-]+(?:\.[a-z0-9-]+)*"
_URL: Final = re.compile(
    rf"(?:[a-z][a-z0-9+.-]*:/{{1,3}}|www\.)\S*|(?:mailto|tel):\S*|{_HOST}\.(?:{_TLD})(?:[/?#:]\S*)?", re.IGNORECASE
)
_ADDRESS: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.).*", re.IGNORECASE | re.DOTALL)
_EMAIL: Final = re.compile(r"(?:mailto:)?([\w.+-]+)@([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)
_PATH: Final = re.compile(r"[A-Za-z0-9_-]{1,20}")
_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?h?\s*([AaPp]\.?[Mm]\.?)?")
_HOUR: Final = re.compile(r"(1[0-2]|0?[1-9])\s?([AaPp][Mm])")
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_SLASH_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_MONEY: Final = re.compile(
    r"([-−+~]?)(?:US)?([$€£¥₹])(\d[\d,]*)(?:\.(\d{1,2}))?(?:\s?([kKMB]|thousand|million|billion))?(?:/(\w+))?"
)
_LARGE: Final = {"k": "thousand", "m": "million", "b": "billion"}
_QUANTITY: Final = re.compile(r"([-−+~#]?)(\d[\d,]*(?:\.\d+)?)(%|°[CF]?|km/h|[A-Za-z]{1,4})?", re.IGNORECASE)
_FIGURE: Final = r"(\d{1,2}(?::\d\d)?[ap]m|\d{1,2}:\d\d|\$?\d{1,4})"
_RANGE: Final = re.compile(rf"{_FIGURE}[-–—]{_FIGURE}(%|[a-z]{{1,4}})?", re.IGNORECASE)
_PHONE: Final = re.compile(
    r"(?:\+\d{1,3}[ .-]?|1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|\d{3}-\d{4}|\+\d{7,15}"
    r"|\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}|\d{4}(?:[ -]\d{4}){2,3}"
)
_FLIGHT: Final = re.compile(r"([A-Z]{1,5})-(\d{1,5})")
_PLACE: Final = re.compile(r"(\d{1,3})([A-Z])|([A-Z])(\d{1,3})")
_PLACES: Final = re.compile(r"(\d{1,3})([A-Z])[-–—](\d{1,3})([A-Z])")
_KEYS: Final = re.compile(r"(\*(?=\d\d))?(\d+)(#)?([.,;:!?]*)")
_CODE: Final = re.compile(r"(?=[A-Z0-9-]*[A-Z])(?=[A-Z0-9-]*\d)[A-Z0-9]+(?:-[A-Z0-9]+)*")
_DIGITS: Final = re.compile(r"\d{5,}|0\d{2,}")
_PARTS: Final = re.compile(r"([,/–—;:()\"“”…]+)")
_PAUSE: Final = ", "


def say(written: str, *, after: str = "", english: bool = True) -> str:
    """Turn what stands between two blanks into what is spoken.

    Args:
        written: A word with whatever clings to it; or a telephone number, a time, a price with its blanks inside.
        after: The number spoken just before, if there was one: then ``kg`` is a unit.
        english: Whether English words may be put in; otherwise only markup goes and codes are spelled.

    Returns:
        Plain words, possibly none.
    """
    if not after and _ORDINARY.fullmatch(written):
        return written
    if written.startswith("!["):
        written = written[1:]
    written = _ENTITY.sub(lambda m: _ENTITIES[m[1]], _PICTURES.sub("", _FOOTNOTE.sub("", written)))
    if special := _wrapped_phone(written) or (_say_keys(written) if english else ""):
        return special
    wrapped = _WRAPPED.fullmatch(written)
    assert wrapped is not None
    opening, core, closing = wrapped.groups()
    if opening.endswith("~") and core[:1].isdigit() and not opening.endswith("~~"):
        core = "~" + core
    spoken = _core(core, after, english) if core else _bare(written, after, english)
    if not core:
        return spoken
    if spoken.endswith(".") and closing.startswith("."):
        closing = closing[1:]
    return _MARKUP.sub("", opening) + spoken + _MARKUP.sub("", closing.replace("|", ","))


def spell_out(characters: str) -> str:
    """Letters and digits one by one; groups are kept apart by a pause."""
    return _PAUSE.join(" ".join(group) for group in re.findall(r"[^\W_]+", characters))


def _bare(written: str, after: str, english: bool) -> str:
    """What has no letter or digit: a lone symbol, or marks."""
    if after and english and written == "*":
        return "times"
    return _MARKUP.sub("", _ALONE.get(written, written) if english else written)


def _core(core: str, after: str, english: bool) -> str:
    if _ORDINARY.fullmatch(core) and not after:
        return core
    for pattern, reader in _ENGLISH if english else _NEUTRAL:
        found = pattern.fullmatch(core)
        if found and (spoken := reader(found)):
            return spoken
    if after and english and (unit := _unit(core, after)):
        return unit
    if core[-2:] in {"'s", "’s"}:
        return _core(core[:-2], "", english) + core[-2:]
    if core in _ALONE:
        return _bare(core, after, english)
    if address := _ADDRESS.search(core):
        before = _core(core[: address.start()], "", english) if address.start() else ""
        return f"{before} {say_url(address.group(), english=english)}".strip()
    parts = _PARTS.split(core)
    if len(parts) > 1 and not core.replace(",", "").replace(":", "").replace("/", "").isdigit():
        return "".join(_joint(parts, i, english) if i % 2 else _core(p, "", english) for i, p in enumerate(parts) if p)
    return _symbols(core, english)


def _joint(parts: list[str], at: int, english: bool) -> str:
    """What stands between two parts of a word: between figures a dash is "to" and a slash is "or"."""
    figures = any(map(str.isdigit, parts[at - 1])) and any(map(str.isdigit, parts[at + 1]))
    if english and figures and parts[at] in _BETWEEN_FIGURES:
        return _BETWEEN_FIGURES[parts[at]]
    return _symbols(parts[at], english)


def _symbols(text: str, english: bool) -> str:
    text = text.replace("//", " ")
    if not english:
        return _MARKUP.sub("", re.sub(r"[_|]", " ", text).replace("&", ""))
    text = re.sub(r"(?<=\d)\*(?=\d)", "×", re.sub(r"^#(?=\d)", "number ", re.sub(r"\b([CF])#", r"\1 sharp", text)))
    text = re.sub(r"--+>?|->|=>", lambda m: "→" if m[0].endswith(">") else "–", text)
    if any(symbol in text for symbol in _SYMBOLS):
        lead = " " if text[:1] in ",;" else ""
        text = lead + " ".join("".join(_SYMBOLS.get(c, c) for c in text).split()).replace(" ,", ",")
        text = text.lstrip() if lead else text
    return _MARKUP.sub("", text)


# --- numbers with a meaning ------------------------------------------------------------------------------------------
def say_phone(digits: str) -> str:
    """A telephone number, digit by digit, in the groups it was written in or is spoken in."""
    plus = digits.startswith("+")
    groups = re.findall(r"\d+", digits)
    if len(groups) == 1:
        groups = _groups(groups[0], plus=plus)
    country = "plus " if plus and groups[0] != "1" else ""
    return country + _PAUSE.join(" ".join(group) for group in groups)


def _groups(digits: str, *, plus: bool = False) -> list[str]:
    if len(digits) == 11 and digits[0] == "1":
        return [digits[0], digits[1:4], digits[4:7], digits[7:]]
    if len(digits) == 10 and not plus:
        return [digits[:3], digits[3:6], digits[6:]]
    if plus:
        return [digits[:2], *_threes(digits[2:])]
    return [digits] if len(digits) < 7 else _threes(digits)


def _threes(digits: str) -> list[str]:
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _wrapped_phone(written: str) -> str:
    """A number that may begin with a bracket of its own, with marks around it."""
    bare = written.lstrip("*_~`\"'“[").rstrip("*_~`\"'”].,;:!?")
    if sum(c.isdigit() for c in bare) < 7 or not _PHONE.fullmatch(bare) or _looks_like_range(bare):
        return ""
    at = written.index(bare)
    return _MARKUP.sub("", written[:at]) + say_phone(bare) + _MARKUP.sub("", written[at + len(bare) :])


def _say_keys(written: str) -> str:
    """Keys of a telephone with a star or a pound among them."""
    keys = _KEYS.fullmatch(written)
    if keys is None or not (keys[1] or keys[3]):
        return ""
    return ("star " if keys[1] else "") + keys[2] + (" pound" if keys[3] else "") + keys[4]


def _looks_like_range(text: str) -> bool:
    return bool(re.fullmatch(r"\d{2}00?-\d{2,3}00", text))


def say_time(found: re.Match[str]) -> str:
    """A time of day as it is told: ``14:35`` → ``2:35 PM``."""
    hour, minute, half = int(found[1]), found[2], (found[3] or "").upper().replace(".", "")
    if not half and (hour > 12 or found[1][0] == "0"):
        if not hour and minute == "00":
            return "midnight"
        hour, half = (hour - 12, "PM") if hour > 12 else (hour or 12, "AM")
    if minute == "00":
        return f"{hour} {half}" if half else f"{hour} o'clock"
    return f"{hour}:{minute} {half}".rstrip()


def _say_hour(found: re.Match[str]) -> str:
    return f"{int(found[1])} {found[2].upper()}"


def _say_date(found: re.Match[str]) -> str:
    spoken = _date(int(found[1]), int(found[2]), int(found[3]))
    if not spoken or not found[4]:
        return spoken
    time = _TIME.fullmatch(found[4])
    return f"{spoken} at {say_time(time)}" if time else spoken


def _say_slash_date(found: re.Match[str]) -> str:
    month, day, year = int(found[1]), int(found[2]), int(found[3])
    return _date(year, month, day) if month <= 12 else _date(year, day, month)


def _date(year: int, month: int, day: int) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return ""
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{_MONTHS[month - 1]} {day}{ending}, {year}"


def _say_money(found: re.Match[str]) -> str:
    sign, symbol, whole, part, large, per = found.groups()
    unit, small = _CURRENCIES[symbol]
    lead = {"-": "minus ", "−": "minus ", "+": "plus ", "~": "about "}.get(sign, "")
    tail = f" per {per}" if per else ""
    if large:
        number = f"{whole}.{part}" if part else whole
        return f"{lead}{number} {_LARGE.get(large.lower(), large)} {_plural(unit)}{tail}"
    cents = int(part.ljust(2, "0")) if part and small else 0
    main = f"{whole} {unit if whole == '1' else _plural(unit)}"
    minor = f"{cents} {small if cents == 1 else _plural(small)}"
    if cents:
        main = minor if not whole.strip("0,") else f"{main} and {minor}"
    return lead + main + tail


def _plural(unit: str) -> str:
    return _PLURALS.get(unit, unit + "s")


def _unit(unit: str, number: str) -> str:
    name = unit.lower()
    if name in _FIXED_UNITS:
        return _FIXED_UNITS[name]
    one = UNITS.get(name)
    return "" if one is None else one if number == "1" else _plural(one)


def _say_quantity(found: re.Match[str]) -> str:
    sign, number, unit = found.groups()
    lead = {"-": "minus ", "−": "minus ", "+": "plus ", "~": "about ", "#": "number "}.get(sign, "")
    if not unit:
        return lead + (spell_digits(number) or number)
    if unit.lower() in {"st", "nd", "rd", "th", "s"}:
        return lead + number + unit
    if unit in {"h", "g"} or unit.lower() not in {"h", "g"}:
        name = _unit(unit, number)
        return f"{lead}{number} {name}" if name else ""
    return ""


def spell_digits(number: str) -> str:
    """A long run of digits, one by one: nobody says it as a number, unless it is round. Empty if it is none."""
    if not _DIGITS.fullmatch(number) or (number.endswith("000") and number[0] != "0"):
        return ""
    return _PAUSE.join(" ".join(group) for group in _groups(number))


def _say_range(found: re.Match[str]) -> str:
    unit = found[3] or ""
    first, last = (_core(found[i], "", english=True) for i in (1, 2))
    named = _unit(unit, "2") if unit else ""
    if unit and not named:
        return "" if unit.isupper() else f"{first} to {last} {unit}"
    return f"{first} to {last} {named}".rstrip()


def _say_place(found: re.Match[str]) -> str:
    return f"{found[1]} {found[2]}" if found[1] else f"{found[3]} {found[4]}"


# --- addresses -------------------------------------------------------------------------------------------------------
def say_url(url: str, *, english: bool = True, cut: bool = False) -> str:
    """A web address as people say it: no scheme, no ``www``, a short path; of a long one only the host.

    Args:
        url: As written.
        english: Otherwise dots and slashes stay, since their names are not known.
        cut: Whether its end is missing.
    """
    rest = re.sub(r"(?i)^(?:[a-z][a-z0-9+.-]*:/{1,3})?(?:www\.)?", "", url)
    if rest[:4].lower() == "tel:":
        return say_phone(rest[4:]) if rest[4:].strip("+0123456789-.()") == "" and any(map(str.isdigit, rest)) else ""
    host, mark, path = re.match(r"([^/?#]*)([/?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]  # always matches
    host = host.rpartition("@")[2].partition(":")[0].rpartition("www.")[2]
    if (cut and not mark) or not re.fullmatch(_HOST, host, re.IGNORECASE) or len(host) > 40:
        return "the website" if english else ""
    steps = [step for step in path.split("/") if step]
    speakable = mark == "/" and not cut and len(steps) <= 2 and all(_PATH.fullmatch(step) for step in steps)
    if not english:
        return host
    return " slash ".join([_dotted(host), *(map(_dotted, steps) if speakable else ())])


def _say_email(found: re.Match[str]) -> str:
    local = re.sub(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", found[1])
    return f"{_dotted(local)} at {_dotted(found[2])}"


def _dotted(name: str) -> str:
    for mark, word in ((".", "dot"), ("-", "dash"), ("_", "underscore"), ("+", "plus")):
        name = name.replace(mark, f" {word} ")
    return " ".join(name.split())


_Rules = tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]
_SPELLED: Final[_Rules] = (
    (_PLACE, _say_place),
    (_CODE, lambda m: spell_out(m[0])),
    (_DIGITS, lambda m: spell_digits(m[0])),
)
_NEUTRAL: Final[_Rules] = (
    (_EMAIL, lambda m: f"{m[1]}@{m[2]}"),
    (_URL, lambda m: say_url(m[0], english=False)),
    (_DATE, lambda m: m[0]),
    (_FLIGHT, lambda m: f"{m[1]} {m[2]}"),
    *_SPELLED,
)
_ENGLISH: Final[_Rules] = (
    (_EMAIL, _say_email),
    (_URL, lambda m: say_url(m[0])),
    (_DATE, _say_date),
    (_SLASH_DATE, _say_slash_date),
    (_TIME, say_time),
    (_HOUR, _say_hour),
    (_MONEY, _say_money),
    (_PLACES, lambda m: f"{m[1]} {m[2]} to {m[3]} {m[4]}"),
    (_RANGE, _say_range),
    (_QUANTITY, _say_quantity),
    (_FLIGHT, lambda m: f"{m[1]} {spell_digits(m[2]) or m[2]}"),
    *_SPELLED,
)
