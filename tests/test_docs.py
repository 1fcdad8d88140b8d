"""The documentation says what is so: its commands exist, its links lead somewhere, its tables are the code's."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.calls.script import parse_script
from local.cloudformation import load_yaml
from local.faults import parse_faults
from ringfold import config
from ringfold.adapters import codec
from ringfold.core.agent import Agent, agent_from_doc
from ringfold.core.end_reasons import MEANINGS
from ringfold.core.lines import account_from_item, number_from_item
from ringfold.core.relay_settings import DEFAULTS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "layers" / "core" / "ringfold"
DOCS = ROOT / "docs"
FAULTS_OF_CALLS = range(1, 63)
"""Rows of the list of faults that this page must answer."""

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("bench/*.md")])
DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))
PARTS_OF_A_DECISION = ["Context", "Decision", "Alternatives refused", "Consequences"]

ADMINISTERED = {
    "bin/ringfold login --profile dev": "access.py::test_an_invited_administrator_logs_in_and_chooses_a_password",
    "bin/ringfold accounts add --name Main --sid AC…": "accounts.py::test_an_account_is_added_and_tested_at_once",
    "bin/ringfold organizations add Acme": ("organizations.py::test_an_organization_is_made_shown_renamed_and_removed"),
    "bin/ringfold agents add -o Acme --name Eve --instructions-file eve.txt": (
        "agents.py::test_instructions_come_from_a_text_file"
    ),
    "bin/ringfold numbers search --area-code 512": "numbers.py::test_numbers_are_found_by_area_code",
    'bin/ringfold numbers buy +15125550100 -o Acme --agent Eve --greeting "Hello. How can I help?"': (
        "numbers.py::test_a_number_is_bought_with_its_settings"
    ),
    "bin/ringfold numbers verify +15125550100": "numbers.py::test_the_first_broken_link_is_named",
}
# Commands of the README, each with the test that runs it, or CI for what belongs to the gate.
PROOFS = {
    "make run": "tests/local/test_supervisor.py::test_a_run_from_start_to_restart",
    "make demo": "tests/e2e/test_demo.py::test_the_story_plays_by_itself",
    "make call": "tests/e2e/test_make_call.py::test_a_call_can_be_piped_in",
    "make deploy STAGE=dev": (
        "tests/scripts/test_deploy.py::test_one_command_checks_deploys_invites_and_says_what_is_next"
    ),
    **{command: f"tests/cli/commands/test_{proof}" for command, proof in ADMINISTERED.items()},
    "make check": "CI",
}

TEST_NAME = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
CODE_SPAN = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FILE_NAME = re.compile(r"(?<![\w./>:-])((?:[\w.-]+/)*[\w-]+\.(?:py|yaml|toml|md|js|json)|(?:[\w.-]+/)+)(?![\w*{])")
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)(?=[\s`)\],.;:]|$)")


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def fences(path: Path, *languages: str) -> Iterator[str]:
    """Code blocks of these languages."""
    return (body for language, body in FENCE.findall(path.read_text()) if language in languages)


def prose(path: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", path.read_text())


def rows(path: Path, heading: str = "") -> dict[str, list[str]]:
    """Rows of the tables below a heading (of the whole page without one): names in the first cell → the other cells."""
    text = prose(path)
    if heading:
        text = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
        text = re.split(r"^#{1,3} ", text, flags=re.MULTILINE)[0]
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        for name in CODE_SPAN.findall(cells[0]) if cells else []:
            found[name] = cells[1:]
    return found


@cache
def slugs(path: Path) -> frozenset[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles)


@cache
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def source_of(path: str) -> str:
    """A file of the tree or of the package."""
    return next(each for each in (ROOT / path, PACKAGE / path) if each.is_file()).read_text()


def is_test(name: str) -> bool:
    path, _, function = name.partition("::")
    return (ROOT / path).is_file() and function in functions_of(ROOT / path)


@cache
def make_targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def template() -> dict[str, Any]:
    document: dict[str, Any] = load_yaml(ROOT / "template.yaml")
    return document


# --- commands and links -------------------------------------------------------------------------------------------


def test_every_command_of_the_readme_is_run_by_a_test_or_by_ci() -> None:
    """A newcomer types nothing that nobody has tried."""
    lines = (line.strip() for block in fences(ROOT / "README.md", "sh") for line in block.splitlines())
    commands = [line for line in lines if line]

    gate = re.search(r"^check: (.+?) ##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    ci = re.search(r"^make .*\bcheck\b", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    by_ci = {"make check", *(f"make {target}" for target in gate[1].split())} if gate and ci else set()

    assert sorted(PROOFS) == sorted(commands)
    assert [] == [name for name, proof in PROOFS.items() if not (is_test(proof) or (proof == "CI" and name in by_ci))]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_make_target_exists(page: Path) -> None:
    """Whatever a page tells to make can be made."""
    code = [*CODE_SPAN.findall(prose(page)), *fences(page, "sh", "text")]
    named = {target for text in code for target in MAKE.findall(text)}

    assert set() == named - make_targets()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Relative links name a file, and their anchors a heading of it."""
    lost = []
    for link in LINK.findall(prose(page)):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in slugs(path)):
            lost.append(link)

    assert [] == lost


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_test_named_exists(page: Path) -> None:
    """A proof that is named can be run."""
    named = {f"{path}::{function}" for path, function in TEST_NAME.findall(page.read_text())}

    assert [] == sorted(name for name in named if not is_test(name))


@pytest.mark.parametrize("page", [*DOCS.glob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "README.md"], ids=page_id)
def test_every_file_named_exists(page: Path) -> None:
    """A path in code style, or in a diagram, is a file or folder of the tree or of the package."""
    text = " ".join([*CODE_SPAN.findall(prose(page)), *fences(page, "mermaid")]).replace("<br/>", " ")
    named = {name for name in FILE_NAME.findall(text) if "/" in name and "://" not in name}
    made_by_running = (".local/", ".venv/", ".aws-sam/")
    lost = {name for name in named if not (ROOT / name).exists() and not (PACKAGE / name).exists()}

    assert [] == sorted(name for name in lost if not name.startswith(made_by_running))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_no_page_is_unfinished_or_of_one_machine(page: Path) -> None:
    """Nothing is left to do, and no path is of whoever wrote it."""
    text = page.read_text()
    found = re.findall(r"TODO|FIXME|XXX|(?<![\w.])/(?:home|root|work|Users|tmp)/\S*", text)

    assert [] == found


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_sequence_diagrams_can_be_drawn(page: Path) -> None:
    """A semicolon ends a statement there, also inside a message, and nothing is drawn at all."""
    assert [] == [block for block in fences(page, "mermaid") if block.startswith("sequenceDiagram") and ";" in block]


# --- architecture -------------------------------------------------------------------------------------------------


def test_every_amendment_has_its_place_and_its_test() -> None:
    """A1 to A13: where it is in the code, and a test that fails without it."""
    table = re.findall(r"^\| (A\d+) \| .+? \| (.+?) \| (.+?) \|$", (DOCS / "architecture.md").read_text(), re.MULTILINE)

    assert [f"A{n}" for n in range(1, 14)] == [name for name, _, _ in table]
    assert [] == [name for name, where, test in table if not CODE_SPAN.search(where) or not TEST_NAME.search(test)]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_name_beside_a_file_is_in_it(page: Path) -> None:
    """`core/turn.py` (`_late`): what is named is there."""
    found = re.findall(r"`([\w/]+\.py)`\s+\(([^)]*)\)", prose(page))
    named = [(path, name) for path, names in found for name in re.findall(r"`(\w+)`", names)]

    assert [] == [f"{path}: {name}" for path, name in named if name not in source_of(path)]


def test_the_session_item_is_described_as_the_code_has_it() -> None:
    """Every attribute that the code's own table names is in the page's."""
    source = (PACKAGE / "core" / "session.py").read_text()
    cells = re.findall(r"^\| (``.*?) \|", source, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"``(\w+)``", cell)}

    assert named <= set(rows(DOCS / "architecture.md", "What is stored"))


def test_every_fault_of_calls_is_answered() -> None:
    """Rows 1 to 62: tests that prove it, or a reason."""
    table = re.findall(r"^\| (\d+) \| (.+?) \| (.+) \|$", (DOCS / "faults.md").read_text(), re.MULTILINE)

    assert list(FAULTS_OF_CALLS) == [int(number) for number, _, _ in table]
    assert [] == [number for number, _, proof in table if not TEST_NAME.search(proof) and not proof.startswith("Not ")]


# --- configuration ------------------------------------------------------------------------------------------------


def test_every_parameter_is_in_the_readme_with_its_default() -> None:
    """The configuration table is the template's."""
    table = rows(ROOT / "README.md", "Configuration")
    parameters = template()["Parameters"]

    assert set(parameters) == {name for name in table if not name.isupper() and name in parameters}
    for name, parameter in parameters.items():
        default = str(parameter.get("Default", ""))
        if default and "arn:" not in default:
            assert f"`{default}`" in table[name][2], name


def test_every_variable_is_documented() -> None:
    """What a function is told is what the page says it is told."""
    assert {*config.NAMES, *config.OPTIONAL} == set(rows(DOCS / "configuration.md", "What a function is told"))


def test_every_field_of_an_agent_is_documented_with_its_default() -> None:
    """Numbers are compared; texts are only counted on to be there."""
    table = rows(DOCS / "configuration.md", "An agent")

    assert {field.name for field in dataclasses.fields(Agent)} == set(table) - {"doc"}
    for field in dataclasses.fields(Agent):
        if isinstance(field.default, int):
            assert str(field.default).lower() == table[field.name][-1], field.name


def test_what_is_sent_unless_said_otherwise_is_documented() -> None:
    """The attributes that make barge-in work."""
    table = rows(DOCS / "configuration.md", "A number")

    assert DEFAULTS == {name: table[name][0].strip("`") for name in DEFAULTS}


def test_every_local_setting_is_documented() -> None:
    """Whatever the local run reads from the environment."""
    source = (ROOT / "local" / "settings.py").read_text()
    read = set(re.findall(r"environ(?:\.get\(|, )\"([A-Z_]+)\"", source))
    read |= set(re.findall(r"^    \"([A-Z_]+)\": \"", source, re.MULTILINE))

    assert read <= set(rows(DOCS / "local.md", "Settings"))


def test_the_examples_of_the_local_run_can_be_meant() -> None:
    """The script plays, and the faults are faults."""
    for script in fences(DOCS / "local.md", "yaml"):
        assert parse_script(script).steps

    modes, posts = (block.split() for block in fences(DOCS / "local.md", "text"))
    for mode in modes:
        parse_faults(mode, "")
    for fault in posts:
        assert parse_faults("", fault).posts


# --- operations ---------------------------------------------------------------------------------------------------


@pytest.mark.accept("A9")
def test_the_runbook_knows_every_credential() -> None:
    """Each secret that a function may read: where it is, and how it is rotated."""
    text = (DOCS / "runbook.md").read_text()
    secrets = [name for name, each in template()["Resources"].items() if each["Type"] == "AWS::SecretsManager::Secret"]

    assert {name for name in secrets if f"`{name}`" in text} == set(secrets)
    assert "`SecretsKmsKey`" in text and "`AdminUserPool`" in text
    assert "/ringfold/<stage>/accounts/<account_id>/twilio" in text
    assert {"where-each-credential-is", "rotate", "troubleshoot"} <= slugs(DOCS / "runbook.md")


def test_every_alarm_and_every_metric_is_in_the_runbook() -> None:
    """Whoever is woken finds what to do."""
    alarms = {name for name, each in template()["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    source = "".join(path.read_text() for path in sorted((PACKAGE / "service").glob("*.py")))
    counted = set(re.findall(r"_count\(\"(\w+)\"", source))
    counted |= set(re.findall(r"\"([A-Z]\w+)\": \([^()]*\"(?:Count|Milliseconds)\"\)", source))
    text = (DOCS / "runbook.md").read_text()

    assert alarms == set(rows(DOCS / "runbook.md", "Alarms"))
    assert set() == {name for name in counted if f"`{name}`" not in text}


@pytest.mark.accept("N7")
def test_the_runbook_knows_what_twilio_reports() -> None:
    """Every code of ConversationRelay whose meaning is known: what it means, whether the session ends, what to do."""
    text = (DOCS / "runbook.md").read_text()
    codes = {
        code
        for row in re.findall(r"^\| ([\d, ]+) \| .+ \| .+ \| .+ \|$", text, re.MULTILINE)
        for code in row.split(", ")
    }

    assert {"64101", "64102", "64104", "64105", "64106", "64107", "64108", "64109", "64111", "64112", "64114"} <= codes


def test_every_end_reason_is_in_the_runbook() -> None:
    """The fixed table, in the same words."""
    assert MEANINGS == {name: cells[0] for name, cells in rows(DOCS / "runbook.md", "Logs").items() if name in MEANINGS}


def test_a_number_entered_by_hand_is_one_the_product_reads() -> None:
    """The runbook's items, as `aws dynamodb put-item` takes them, through the product's own readers."""
    documents = [json.loads(block) for block in fences(DOCS / "runbook.md", "json")]
    items = [codec.load_item(each) for each in documents[1:]]
    by_key = {item["pk"].split("#")[0] + item["sk"].split("#")[0]: item for item in items}
    number, account = number_from_item(by_key["NUMBERMETA"]), account_from_item(by_key["ACCOUNTMETA"])
    agent = agent_from_doc(json.loads(by_key["ORGAGENT"]["doc"]))

    assert {"account_sid", "auth_token", "secondary_token"} == set(documents[0])
    assert "" == number.fault
    assert number.is_active and account.is_active
    assert (account.account_id, account.account_sid) == (number.account.account_id, number.account.account_sid)
    assert (number.organization_id, number.default_agent_id) == (agent.organization_id, agent.agent_id)
    assert by_key["ACCOUNT_SIDMETA"]["pk"] == f"ACCOUNT_SID#{account.account_sid}"


# --- decisions ----------------------------------------------------------------------------------------------------


def test_decisions_are_numbered_and_listed() -> None:
    """No number is missing or used twice, and the index has them all."""
    index = (DOCS / "adr" / "README.md").read_text()

    assert [f"{n:04}" for n in range(1, len(DECISIONS) + 1)] == [path.name[:4] for path in DECISIONS]
    assert [] == [path.name for path in DECISIONS if f"]({path.name})" not in index]


@pytest.mark.parametrize("page", DECISIONS, ids=page_id)
def test_a_decision_is_one_page_with_every_part(page: Path) -> None:
    """Status, date, context, decision, what was refused and why, what follows."""
    text = page.read_text()

    assert text.startswith(f"# {page.name[:4]} ")
    assert re.search(r"^Status: (?:accepted|superseded by \[\d{4}\]\(.+\)) · \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    assert PARTS_OF_A_DECISION == re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert len(text.splitlines()) <= 70


def test_every_decision_the_code_names_exists() -> None:
    """A comment that says why by number leads to a page."""
    files = [path for folder in (PACKAGE, ROOT / "functions", ROOT / "local") for path in folder.rglob("*.py")]
    named = {number for path in files for number in re.findall(r"\bADR (\d{4})\b", path.read_text())}

    assert set() == named - {path.name[:4] for path in DECISIONS}
