"""Short conversations: what is remembered of each, and what must not be.

    python -m bench.memory --show                # the local model takes the facts
    python -m bench.memory --bedrock --model …   # Bedrock, or whatever stands at its endpoint, by the deployed client

A fact is found when something of its kind was recorded whose text has all its words, right when it was expected or
allowed, and wrong when the conversation says it must not be recorded.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.model.dialogue.engine import answer
from local.model.request import parse_request
from ringfold.adapters import aws
from ringfold.adapters.bedrock import Bedrock
from ringfold.core.commands import ModelCalled
from ringfold.core.memory import RECORD, Extraction, Found, extraction_request, read_extraction

CONVERSATIONS = Path(__file__).with_name("memory.json")
LEAST_RECALL = 0.85
LEAST_PRECISION = 0.9
Ask = Callable[[dict[str, Any]], Mapping[str, Any]]


def local_model(request: dict[str, Any]) -> Mapping[str, Any]:
    """What the local model records, without its pace."""
    calls = answer(parse_request("r", "local", json.dumps(request).encode())).calls
    return next((call.input for call in calls if call.name == RECORD), {})


def bedrock_model(model_id: str) -> Ask:
    """What the model at Bedrock's endpoint records."""
    model = Bedrock(aws.client("bedrock-runtime", read_timeout_s=30, attempts=2))

    def ask(request: dict[str, Any]) -> Mapping[str, Any]:
        events: list[Any] = []
        model.run(model.stream(0), model_id, request, events.append)
        written = next((e.arguments for e in events if isinstance(e, ModelCalled) and e.name == RECORD), None)
        if written is None:
            print(f"nothing recorded: {events[-1:]}", file=sys.stderr)
            return {}
        arguments = json.loads(written)
        return arguments if isinstance(arguments, dict) else {}

    return ask


def transcript_of(said: Sequence[str]) -> list[dict[str, str]]:
    """The lines of a conversation as they are stored."""
    return [{"role": line.split(": ", 1)[0], "text": line.split(": ", 1)[1]} for line in said]


def has_words(text: str, words: Sequence[str]) -> bool:
    """Whether each word stands in a text, or begins one that does; ``a|b`` is one of two."""
    return all(re.search(rf"\b(?:{word})", text, re.IGNORECASE) for word in words)


def says(found: Found, fact: Mapping[str, Any]) -> bool:
    """Whether a found fact is the one that was meant."""
    return found.kind in fact["kind"].split("|") and has_words(found.text, fact["words"])


def is_wrong(found: Found, ban: Mapping[str, Any]) -> bool:
    """Whether a found fact is one that must not be; it may be said of somebody else, or denied."""
    unless = ban.get("unless")
    return has_words(found.text, ban["words"]) and not (unless and has_words(found.text, [unless]))


def judge(row: Mapping[str, Any], got: Extraction, count: Counter[str]) -> list[str]:
    """Count what was found, right and wrong; what went amiss, one line each."""
    allowed = [*row["found"], *row.get("may", ())]
    missed = [fact for fact in row["found"] if not any(says(found, fact) for found in got.found)]
    wrong = [found for found in got.found if any(is_wrong(found, ban) for ban in row["not"])]
    needless = [f for f in got.found if f not in wrong and not any(says(f, fact) for fact in allowed)]
    amiss = [f"missed: {fact['kind']} {' '.join(fact['words'])}" for fact in missed]
    amiss += [f"must not: {found.text} ({found.quote})" for found in wrong]
    amiss += [f"needless: {found.kind} {found.text} ({found.quote})" for found in needless]
    count["conversations"] += 1
    count["traps"] += "trap" in row
    count["expected"] += len(row["found"])
    count["missed"] += len(missed)
    count["recorded"] += len(got.found)
    count["wrong"] += len(wrong)
    count["needless"] += len(needless)
    count["unsupported"] += got.dropped
    if "name" in row or row.get("no_name"):
        count["names"] += 1
        ok = got.name == row.get("name", "")
        count["names right"] += ok
        amiss += [] if ok else [f"name: {got.name!r}, not {row.get('name', '')!r}"]
    if "unfinished" in row:
        count["ends"] += 1
        ok = bool(got.unfinished) == row["unfinished"]
        count["ends right"] += ok
        amiss += [] if ok else [f"unfinished: {got.unfinished!r}"]
    return amiss


def recall(count: Counter[str]) -> float:
    """The share of the expected facts that were found."""
    return 1 - count["missed"] / max(count["expected"], 1)


def precision(count: Counter[str]) -> float:
    """The share of what was recorded that is right."""
    return 1 - (count["wrong"] + count["needless"]) / max(count["recorded"], 1)


def line_of(name: str, count: Counter[str]) -> str:
    """One row of the table."""
    cells = [f"{count['conversations']} {name}", str(count["traps"]), str(count["expected"])]
    cells += [f"{100 * share:.0f} %" for share in (recall(count), precision(count))]
    cells += [str(count["wrong"]), str(count["unsupported"])]
    cells += [f"{count[f'{what} right']} of {count[what]}" for what in ("names", "ends")]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Print one table; 1 when too little is found, too much is needless, or anything that must not be is recorded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--bedrock", action="store_true", help="ask the model at Bedrock's endpoint")
    parser.add_argument("--model", default="us.anthropic.claude-haiku-4-5-20251001-v1:0", help="its id")
    parser.add_argument("--show", action="store_true", help="list what went wrong")
    options = parser.parse_args()
    ask = bedrock_model(options.model) if options.bedrock else local_model
    rows = json.loads(CONVERSATIONS.read_text())
    counts = {False: Counter[str](), True: Counter[str]()}
    for row in rows:
        transcript = transcript_of(row["said"])
        got = read_extraction(ask(extraction_request(transcript)), transcript)
        count = counts[row.get("held_out", False)]
        amiss = judge(row, got, count)
        if options.show:
            print("".join(f"{row['id']}: {line}\n" for line in amiss), end="")
    print("| conversations | traps | facts | recall | precision | must not | unsupported | names | ended or not |")
    print("|---|---|---|---|---|---|---|---|---|")
    everything = counts[False] + counts[True]
    for name, count in (("known", counts[False]), ("held out", counts[True]), ("all", everything)):
        print(line_of(name, count))
    low = recall(everything) < LEAST_RECALL or precision(everything) < LEAST_PRECISION
    return int(low or everything["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
