"""`ringfold numbers agents`: a number's pool, which dynamic routing chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ringfold_cli.command import command, group
from ringfold_cli.commands.number_parts import Number
from ringfold_cli.shell import AGENTS, NUMBERS, Shell, one

app = group("A number's pool: the agents that dynamic routing chooses from.")
Agent = Annotated[str, typer.Argument(help="Id or name of an agent.")]


@command(app, "list")
def list_pool(shell: Shell, number: Number) -> None:
    """List the agents of a number's pool."""
    _tell(shell, shell.client.get(_pool(shell, number)).document)


@command(app, "set")
def set_pool(
    shell: Shell, number: Number, agents: Annotated[list[str], typer.Argument(help="Ids or names of agents.")]
) -> None:
    """Replace a number's pool."""
    path = _pool(shell, number)
    etag = shell.client.get(path).etag
    _tell(shell, shell.client.put(path, {"agents": _ids(shell, agents)}, if_match=etag).document)


@command(app, "add")
def add(shell: Shell, number: Number, agent: Agent) -> None:
    """Add an agent to a number's pool."""
    _tell(shell, shell.client.post(_pool(shell, number), {"agent_id": shell.agent(agent)}).document)


@command(app, "remove")
def remove(shell: Shell, number: Number, agent: Agent) -> None:
    """Take an agent out of a number's pool; the agent itself stays."""
    path = _pool(shell, number)
    shell.client.delete(one(path, shell.agent(agent)))
    _tell(shell, shell.client.get(path).document)


def _pool(shell: Shell, number: str) -> str:
    return one(NUMBERS, shell.number(number), "agents")


def _ids(shell: Shell, agents: Sequence[str]) -> list[str]:
    return [shell.agent(each) for each in agents]


def _tell(shell: Shell, pool: dict[str, Any]) -> None:
    shell.out.document(pool)
    if shell.out.as_json:
        return
    rows = []
    for agent_id in pool["agents"]:
        found = shell.client.get(one(AGENTS, agent_id)).document
        rows.append((agent_id, found["name"], found["description"]))
    shell.out.table(("ID", "NAME", "FOR"), rows, nothing="The pool is empty: the default agent answers.")
