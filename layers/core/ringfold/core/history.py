"""From the folded view to what the model is told (Converse messages) and what is kept (transcript entries).

Converse accepts: the first message is the user's, roles alternate, no blank text, every tool call is answered in
the next user message. Whatever order events came in and wherever a worker died, :func:`messages` yields that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ringfold.core import events as ev
from ringfold.core.fold import View
from ringfold.core.journal import Post, Reply

Entry = Mapping[str, Any]
"""``{"role": "caller", "key", "text", "typed"}`` or ``{"role": "agent", "key", "text", "steps": [...]}``, a step being
``{"text", "tools": [{"id", "name", "input", "result", "ok"}]}``; or ``{"role": "event", "key", "text"}``: what befell
the call, for the agent to know."""
Message = dict[str, Any]

UNKNOWN_OUTCOME: Final = {"error": "outcome unknown: the connection to the tool was lost; check before repeating it"}
GO_ON: Final = "(There was a pause on the line. Continue from where you stopped, without repeating what was said.)"
SPEAK_FIRST: Final = "(The caller is on the line.)"
MAX_ENTRIES: Final = 60
"""How many transcript entries the model is shown; older ones stay in the transcript."""


def entries(view: View) -> list[Entry]:
    """The transcript of the window, in order: what the caller said and what they heard."""
    found: list[tuple[str, int, Entry]] = []
    for utterance in view.utterances:
        if utterance.text.strip():
            said = {"role": "caller", "key": utterance.key, "text": utterance.text}
            found.append((utterance.key, 0, {**said, "typed": True} if utterance.typed else said))
    for key, event in view.events.items():
        if event["type"] == ev.RETURNED and str(event.get("text", "")).strip():
            found.append((key, 0, {"role": "event", "key": key, "text": str(event.get("text", ""))}))
    for reply in view.replies:
        entry = agent_entry(reply)
        if entry["text"] or any(step["tools"] for step in entry["steps"]):
            found.append((reply.key, 1, entry))
    return [entry for _, _, entry in sorted(found, key=lambda item: item[:2])]


def agent_entry(reply: Reply) -> Entry:
    """One reply as a transcript entry, cut to what was heard."""
    last = max([p.step for p in reply.posts] + [t.step for t in reply.tools], default=-1)
    steps = [_step(reply, number) for number in range(last + 1)]
    return {"role": "agent", "key": reply.key, "text": _joined(reply.posts).strip(), "steps": steps}


def _step(reply: Reply, number: int) -> dict[str, Any]:
    text = _joined([post for post in reply.posts if post.step == number])
    tools = [
        {"id": t.tool_use_id, "name": t.name, "input": t.arguments, "result": t.result, "ok": t.ok}
        for t in reply.tools
        if t.step == number
    ]
    return {"text": text, "tools": tools}


def _joined(posts: Sequence[Post]) -> str:
    """What was heard of them; behind a cut, words do not run together."""
    text, cut = "", False
    for post in posts:
        more = heard_text(post)
        glued = cut and text and more and not text[-1].isspace() and not more[0].isspace()
        text += " " + more if glued else more
        cut = cut or post.heard < len(post.text)
    return text


def heard_text(post: Post) -> str:
    """What the caller heard of a post."""
    return post.text[: post.heard]


def messages(transcript: Iterable[Entry]) -> list[Message]:
    """Converse messages of a transcript. The greeting is told in the system prompt, since the user must speak first."""
    built: list[Message] = []
    for entry in list(transcript)[-MAX_ENTRIES:]:
        if entry["role"] == "caller":
            _add(built, "user", [{"text": _caller_text(entry)}])
        elif entry["role"] == "event":
            _add(built, "user", [{"text": entry["text"]}])
        else:
            for step in entry["steps"]:
                add_step(built, step["text"], step["tools"])
    return legal(built)


def add_step(built: list[Message], text: str, tools: Sequence[Mapping[str, Any]]) -> None:
    """Add one round of the agent: its words, its tool calls, and their results."""
    content: list[dict[str, Any]] = [{"text": text.strip()}] if text.strip() else []
    content += [{"toolUse": {"toolUseId": t["id"], "name": t["name"], "input": _object(t["input"])}} for t in tools]
    if content:
        _add(built, "assistant", content)
    if tools:
        _add(built, "user", [_tool_result(t) for t in tools])


def legal(built: list[Message]) -> list[Message]:
    """Make a list of messages one that Converse accepts and that asks for an answer."""
    built = [m for m in built if m["content"]]
    while built and built[0]["role"] != "user":
        built = _without_orphans(built[1:])
    if not built:
        return [{"role": "user", "content": [{"text": SPEAK_FIRST}]}]
    if built[-1]["role"] == "assistant":
        built = [*built, {"role": "user", "content": [{"text": GO_ON}]}]
    return built


def _without_orphans(built: list[Message]) -> list[Message]:
    """Leave out the tool results whose calls have been left out of the window; the words beside them stay."""
    if not built:
        return []
    content = [block for block in built[0]["content"] if "toolResult" not in block]
    return [{**built[0], "content": content}, *built[1:]] if content else built[1:]


def _add(built: list[Message], role: str, content: list[dict[str, Any]]) -> None:
    if built and built[-1]["role"] == role:
        merged = [*built[-1]["content"], *content]
        results = [block for block in merged if "toolResult" in block]
        built[-1]["content"] = results + [block for block in merged if "toolResult" not in block]
    else:
        built.append({"role": role, "content": list(content)})


def _caller_text(entry: Entry) -> str:
    text = str(entry["text"]).strip()
    return f"(The caller pressed these keys: {' '.join(text)})" if entry.get("typed") else text


def _tool_result(tool: Mapping[str, Any]) -> dict[str, Any]:
    known = tool["result"] is not None
    result = _object(tool["result"]) if known else UNKNOWN_OUTCOME
    status = "success" if known and tool["ok"] else "error"
    return {"toolResult": {"toolUseId": tool["id"], "content": [{"json": result}], "status": status}}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"value": value}
