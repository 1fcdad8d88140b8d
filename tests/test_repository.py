"""Rules about the tree itself: who may import what, and that tests stand where the code stands."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import twilio.rest

from ringfold import config

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "layers" / "core" / "ringfold"
ADMIN = ROOT / "layers" / "admin" / "ringfold_admin"
FUNCTIONS = sorted(path.parent for path in (ROOT / "functions").glob("*/app.py"))

# Where the tests of each folder's modules stand.
MIRRORS = {
    PACKAGE: ROOT / "tests",
    PACKAGE / "core": ROOT / "tests" / "core",
    PACKAGE / "service": ROOT / "tests" / "service",
    PACKAGE / "adapters": ROOT / "tests" / "adapters",
    PACKAGE / "tools": ROOT / "tests" / "tools",
    ADMIN: ROOT / "tests" / "admin",
    **{ADMIN / part: ROOT / "tests" / "admin" / part for part in ("carrier", "models", "routes", "services", "stores")},
}

# Pieces of a whole that are tested through its door. Every other module with behaviour has a test file of its own.
_ADMIN = "admin/ringfold_admin"
TESTED_THROUGH: dict[str, str] = {
    # A resource's routes, service and store are one way of a request; they are tested from its beginning.
    **{
        f"{_ADMIN}/{part}/{name}.py": f"tests/admin/routes/test_{name}.py"
        for name in ("organizations", "accounts", "agents", "audit", "messages", "conversations")
        for part in ("services", "stores")
    },
    "core/ringfold/service/asking.py": "tests/service/test_answerer.py",
    f"{_ADMIN}/carrier/messages.py": "tests/admin/routes/test_messages.py",
    f"{_ADMIN}/services/people.py": "tests/admin/routes/test_profiles.py",
    f"{_ADMIN}/routes/parts.py": "tests/admin/test_api.py",
    f"{_ADMIN}/models/common.py": "tests/admin/test_api.py",
}

# What the layer ships, see requirements/layer.in.
LAYER_LIBRARIES = {"botocore", "urllib3"}

# What the administration layer ships beside it, see requirements/admin.in.
ADMIN_LIBRARIES = {"aws_lambda_powertools", "phonenumbers", "pydantic", "requests", "twilio", "websockets"}

# Functions that nobody on the line waits for.
UNHURRIED = {"provision"}

# What no call may wait for; toolchain figures: twilio 99 ms, boto3 30, pydantic 67, powertools 41 and more.
TOO_SLOW = {"twilio", "boto3", "s3transfer", "pydantic", "aws_lambda_powertools", "requests", "aiohttp"}


def python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


def strangers(path: Path, allowed: set[str]) -> set[str]:
    """Top-level packages a file imports beside the standard library and what is allowed."""
    roots = {name.split(".")[0] for name in imports_of(path)}
    return roots - set(sys.stdlib_module_names) - allowed


def test_core_imports_only_itself() -> None:
    """The core is pure: the standard library, its own modules and the error tree, nothing else of ours or others'."""
    for path in python_files(PACKAGE / "core"):
        inside = [name for name in imports_of(path) if name.startswith("ringfold")]
        assert set() == strangers(path, {"ringfold"}), path
        assert [] == [
            name for name in inside if not re.match(r"ringfold\.(core|errors)\b", name) and name != "ringfold"
        ], path


def test_core_asks_neither_clock_nor_chance_nor_environment() -> None:
    """Time, randomness and the environment come into the core as values."""
    forbidden = {"os", "time", "random", "secrets", "logging", "socket", "threading", "asyncio", "subprocess"}

    for path in python_files(PACKAGE / "core"):
        assert set() == {name.split(".")[0] for name in imports_of(path)} & forbidden, path


def test_arrows_point_inward() -> None:
    """Services know no adapters' libraries, adapters know no services, tools know neither's insides."""
    for path in python_files(PACKAGE / "service"):
        assert set() == strangers(path, {"ringfold"}), path
    for path in python_files(PACKAGE / "adapters"):
        assert not [name for name in imports_of(path) if name.startswith("ringfold.service")], path


def test_the_layer_imports_only_what_it_ships() -> None:
    """The package and the functions find on Lambda whatever they import."""
    for path in python_files(PACKAGE):
        assert set() == strangers(path, LAYER_LIBRARIES | {"ringfold"}), path
    for folder in FUNCTIONS:
        package = {"provision": {"ringfold_admin"}, "token_claims": set()}.get(folder.name, {"ringfold"})
        assert set() == strangers(folder / "app.py", package), folder


def test_the_administration_layer_imports_only_what_it_ships() -> None:
    """Its own libraries, and the core layer's."""
    for path in python_files(ADMIN):
        assert set() == strangers(path, ADMIN_LIBRARIES | LAYER_LIBRARIES | {"ringfold", "ringfold_admin"}), path


def test_the_core_layer_does_not_know_the_administration() -> None:
    """Arrows point from the administration to the core; a call's functions do not ship the former."""
    for path in python_files(PACKAGE):
        assert not [name for name in imports_of(path) if name.startswith("ringfold_admin")], path


def test_the_product_does_not_know_where_it_runs() -> None:
    """There is no `if local` in the product: nothing of it imports or names the local system."""
    for path in [*python_files(PACKAGE), *python_files(ADMIN), *python_files(ROOT / "functions")]:
        assert not [name for name in imports_of(path) if name.split(".")[0] in {"local", "tests", "bench"}], path


def test_the_local_run_installs_what_it_imports() -> None:
    """`make run` installs requirements/local.in only, so that is all that local/ may import."""
    names = {
        "yaml": "pyyaml", "multipart": "python-multipart", "python_multipart": "python-multipart",
        "jwt": "pyjwt", "cryptography": "pyjwt",
    }  # fmt: skip
    lines = (ROOT / "requirements" / "local.in").read_text().splitlines()
    listed = {line.partition("[")[0].strip() for line in lines}

    for path in python_files(ROOT / "local"):
        missing = strangers(path, {"ringfold", "ringfold_admin", "local", "functions", *LAYER_LIBRARIES})
        assert set() == {name for name in missing if names.get(name, name) not in listed}, path


def test_only_settings_are_read_from_the_environment() -> None:
    """The bootstraps hand the environment to config.py, at cold start; nobody else in the product reads it."""
    sources = [*python_files(PACKAGE), *python_files(ADMIN)]
    readers = [path.name for path in sources if re.search(r"os\.environ|getenv", path.read_text())]

    assert [] == [name for name in readers if not name.startswith("bootstrap")]


HURRIED = [folder for folder in FUNCTIONS if folder.name not in UNHURRIED]


@pytest.mark.parametrize("folder", HURRIED, ids=lambda folder: folder.name)
def test_importing_a_handler_is_cheap(folder: Path) -> None:
    """What runs at a cold start pulls none of the libraries that cost a caller time."""
    code = f"import functions.{folder.name}.app, sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    settings = dict.fromkeys([*config.NAMES, "AWS_LAMBDA_FUNCTION_NAME"], "x") | {
        "PUBLIC_BASE_URL": "https://example.com",
        "RELAY_URL": "wss://example.com/dev",
        "CONNECTIONS_URL": "https://example.com/dev",
        "TURN_DISPATCH": "inline",
        "HANDSHAKE_SIGNATURE": "observe",
        "LOG_LEVEL": "INFO",
    }
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "core")])

    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "" == answer.stderr
    assert set() == set(answer.stdout.split()) & TOO_SLOW


def test_the_layer_keeps_the_services_it_calls() -> None:
    """The layer's makefile deletes botocore's other service models; a client for one of those would not come up."""
    kept = re.search(r"^SERVICES := (.*)$", (ROOT / "layers" / "core" / "Makefile").read_text(), re.MULTILINE)
    assert kept
    files = [*python_files(PACKAGE), *python_files(ADMIN), *python_files(ROOT / "functions")]
    sources = [path.read_text() for path in files]

    called = {name for text in sources for name in re.findall(r"\bclient\(\s*\"([a-z0-9-]+)\"", text)}

    assert called <= set(kept[1].split())


def test_the_administration_layer_keeps_the_products_it_asks() -> None:
    """Its makefile deletes Twilio's other products; whatever is no product is a way to say `api`."""
    kept = re.search(r"^PRODUCTS := (.*)$", (ROOT / "layers" / "admin" / "Makefile").read_text(), re.MULTILINE)
    assert kept
    products = {path.name for path in Path(twilio.rest.__file__).parent.iterdir() if path.is_dir()}
    sources = [path.read_text() for path in python_files(ADMIN / "carrier")]

    asked = {name for text in sources for name in re.findall(r"\bclient\.([a-z_0-9]+)", text)}

    assert {"accounts", "api", "voice"} <= asked & products
    assert {"api", *(asked & products)} <= set(kept[1].split())


def has_behaviour(path: Path) -> bool:
    """Whether a module does anything: declarations, exceptions and Protocols alone need no test of their own."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return any(not function.name.startswith("__") and not is_stub(function) for function in functions)


def is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has a docstring or `...` for its body."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in function.body)


def modules_with_behaviour() -> list[tuple[Path, Path]]:
    return [
        (source, mirror)
        for folder, mirror in MIRRORS.items()
        for source in sorted(folder.glob("*.py"))
        if not source.name.startswith("__") and has_behaviour(source)
    ]


@pytest.mark.parametrize(
    ("source", "mirror"), modules_with_behaviour(), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_every_module_has_its_tests(source: Path, mirror: Path) -> None:
    """Tests mirror the tree: `x.py` is tested by `test_x.py` (or `test_x_….py`) in the folder of the same name."""
    through = TESTED_THROUGH.get(source.relative_to(ROOT / "layers").as_posix())
    tests = (
        [ROOT / through]
        if through
        else [*mirror.glob(f"test_{source.stem}.py"), *mirror.glob(f"test_{source.stem}_*.py")]
    )

    assert [test for test in tests if test.exists()]


def test_every_part_of_the_local_system_has_its_tests() -> None:
    """The local system is tested folder by folder: its modules are seen through the doors of their part."""
    local = ROOT / "local"
    parts = {path.parent for path in [*local.glob("*.py"), *local.glob("*/*.py")] if not path.name.startswith("__")}

    assert [] == [part for part in parts if not list((ROOT / "tests" / part.relative_to(ROOT)).rglob("test_*.py"))]


def test_every_function_has_its_tests() -> None:
    """Each function's handler is tested under its folder's name."""
    tests = ROOT / "tests" / "functions"

    assert [] == [folder.name for folder in FUNCTIONS if not list(tests.glob(f"test_{folder.name}*.py"))]


def test_requirements_name_no_registry() -> None:
    """Compiled requirements hold hashes and no address, so they install from whatever registry pip is set to."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"://|--index-url|--find-links", text), path


def test_what_make_installs_is_what_the_layer_ships() -> None:
    """The local run and the tests use the very versions that Lambda runs."""
    pins = {
        name: dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("layer.txt", "local.txt", "dev.txt")
    }

    assert pins["layer.txt"].items() <= pins["local.txt"].items()
    assert pins["local.txt"].items() <= pins["dev.txt"].items()
