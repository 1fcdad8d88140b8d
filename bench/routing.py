"""First utterances over the example pools: who is chosen, how, how often rightly, and what it costs in time.

    python -m bench.routing                      # the local model answers where words do not decide
    MODEL_ID=… AWS_ENDPOINT_URL_BEDROCK_RUNTIME=… python -m bench.routing --wire

With ``--wire`` the question goes to Bedrock, or to whatever stands at its endpoint, by the deployed client.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from local.model.dialogue.engine import answer
from local.model.request import parse_request
from ringfold.adapters import aws
from ringfold.adapters.bedrock import Bedrock
from ringfold.core.agent import Agent, agent_from_doc
from ringfold.core.commands import ModelSaid
from ringfold.core.routing import answer_of, by_words, question

ROOT = Path(__file__).resolve().parent.parent
DEADLINE_MS = Agent.routing_ms
UTTERANCES = Path(__file__).with_name("routing.json")
Ask = Callable[[dict[str, Any]], str]


def local_model(request: dict[str, Any]) -> str:
    """What the local model says to it, without its pace."""
    return answer(parse_request("r", "local", json.dumps(request).encode())).text


def wire_model() -> Ask:
    """What the model at Bedrock's endpoint says to it."""
    model, model_id = Bedrock(aws.client("bedrock-runtime", read_timeout_s=5, attempts=1)), os.environ["MODEL_ID"]

    def ask(request: dict[str, Any]) -> str:
        said: list[str] = []
        model.run(model.stream(0), model_id, request, lambda e: said.append(e.text if isinstance(e, ModelSaid) else ""))
        return "".join(said)

    return ask


def pools() -> dict[str, list[Agent]]:
    """The demo's office line, and one of a clinic."""
    rows = json.loads((ROOT / "local" / "demo" / "agents.json").read_text())
    demo = {row["agent_id"]: agent_from_doc({**row, "instructions": "…"}) for row in rows}
    office = [demo[f"agt_skyowl_{name}"] for name in ("sales", "support", "billing")]
    about = json.loads(UTTERANCES.read_text())["pools"]
    made = {
        name: [agent_from_doc({"organization_id": "org", "instructions": "…", **agent}) for agent in agents]
        for name, agents in about.items()
    }
    return {"office": office, **made}


def route(text: str, pool: Sequence[Agent], ask: Ask) -> tuple[Agent | None, str, float]:
    """Whom, how, and after how many milliseconds."""
    began = time.perf_counter()
    found = by_words(text, pool)
    how = "words"
    if found is None:
        found = answer_of(ask(question(text, pool)), pool)
        how = "model" if found else "default"
    took_ms = (time.perf_counter() - began) * 1000
    return (None, "default", DEADLINE_MS) if took_ms > DEADLINE_MS else (found, how, took_ms)


def main() -> int:
    """Print one table; 1 when fewer than nine in ten are right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--wire", action="store_true", help="ask the model at Bedrock's endpoint")
    parser.add_argument("--show", action="store_true", help="list what went wrong")
    options = parser.parse_args()
    ask = wire_model() if options.wire else local_model
    everyone = pools()
    right, count, times = Counter[str](), Counter[str](), dict[str, list[float]]()
    for row in json.loads(UTTERANCES.read_text())["utterances"]:
        pool = everyone[row["pool"]]
        found, how, took_ms = route(row["text"], pool, ask)
        assert found is None or found in pool
        count[how] += 1
        times.setdefault(how, []).append(took_ms)
        # Nobody in particular is right where the default agent is as good as any.
        ok = row["agent"] == (found.name if found else "")
        right[how] += ok
        if options.show and not ok:
            got, meant = found.name if found else "default", row["agent"] or "default"
            print(f"{row['pool']}: {row['text']!r}: {got}, not {meant}")
    total = sum(count.values())
    print("| chosen by | utterances | right | added, median | added, worst |\n|---|---|---|---|---|")
    for how in sorted(count):
        took = times[how]
        share = f"{100 * right[how] / count[how]:.0f} %"
        print(f"| {how} | {count[how]} | {share} | {statistics.median(took):.2f} ms | {max(took):.2f} ms |")
    share = sum(right.values()) / total
    print(f"| all | {total} | {100 * share:.0f} % | | |")
    return int(share < 0.9)


if __name__ == "__main__":
    sys.exit(main())
