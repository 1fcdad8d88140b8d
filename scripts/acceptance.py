"""Keep docs/acceptance.md true: beside every statement stand the tests that are marked as proving it.

    python scripts/acceptance.py            rewrite the third column from the marks
    python scripts/acceptance.py --check    only say whether it is true

A statement that a page or a command proves, not a test, has that in its third column, written by hand and left alone.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "acceptance.md"
TESTS: Final = ROOT / "tests"
ROW: Final = re.compile(r"^\| (?P<id>[A-P]\d+a?) \| (?P<statement>.*?) \| (?P<proof>.*?) \|$")
NOTHING: Final = "not yet"


def main(arguments: Sequence[str]) -> int:
    """Rewrite or check the page; 1 if it is, or was, not true."""
    page = PAGE.read_text()
    proofs = proofs_of(TESTS)
    unknown = sorted(set(proofs) - set(ids_of(page)))
    if unknown:
        print(f"Marked in tests, but not in {PAGE.relative_to(ROOT)}: {', '.join(unknown)}", file=sys.stderr)
        return 1
    wanted = refresh(page, proofs)
    if wanted == page:
        return 0
    if "--check" in arguments:
        print(f"{PAGE.relative_to(ROOT)} is behind the tests' marks: python scripts/acceptance.py", file=sys.stderr)
        return 1
    PAGE.write_text(wanted)
    return 0


def proofs_of(folder: Path) -> dict[str, list[str]]:
    """Acceptance id to the test files whose tests are marked with it."""
    proofs: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for name in marks_in(path):
            proofs.setdefault(name, set()).add(path.relative_to(folder.parent).as_posix())
    return {name: sorted(paths) for name, paths in proofs.items()}


def marks_in(path: Path) -> Iterator[str]:
    """Every id given to `pytest.mark.accept(...)` in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.accept":
            yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))


def ids_of(page: str) -> list[str]:
    """The ids that have a row."""
    return [match["id"] for line in page.splitlines() if (match := ROW.match(line))]


def refresh(page: str, proofs: dict[str, list[str]]) -> str:
    """The page with its third column as the marks say."""
    return "".join(refresh_line(line, proofs) + "\n" for line in page.splitlines())


def refresh_line(line: str, proofs: dict[str, list[str]]) -> str:
    match = ROW.match(line)
    if match is None:
        return line
    by_hand = [part for part in match["proof"].split(", ") if not part.startswith("`tests/") and part != NOTHING]
    proof = ", ".join([*(f"`{path}`" for path in proofs.get(match["id"], [])), *by_hand]) or NOTHING
    return f"| {match['id']} | {match['statement']} | {proof} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
