"""What `sam build` made; in the gate the build comes before the tests."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.conftest import ROOT

BUILD = ROOT / ".aws-sam" / "build"
CORE = BUILD / "CoreLayer" / "python"
ADMIN = BUILD / "AdminLayer" / "python"

pytestmark = pytest.mark.skipif(not ADMIN.is_dir(), reason="nothing was built: make build")


def files() -> list[Path]:
    return [path for path in BUILD.rglob("*") if path.is_file()]


def packages(site: Path) -> set[str]:
    """What a layer makes importable."""
    found = {path for path in site.iterdir() if not path.name.startswith(".") and path.suffix != ".dist-info"}
    return {path.stem for path in found} - {"__pycache__"}


def test_functions_and_layers_are_small() -> None:
    """Functions and layers together stay far under 60 MB unzipped."""
    assert sum(path.stat().st_size for path in files()) < 60_000_000


@pytest.mark.parametrize("site", [CORE, ADMIN], ids=lambda site: site.parent.name)
def test_every_module_is_compiled_and_never_checked(site: Path) -> None:
    """A layer has bytecode for each module, used without looking at the source's time, which zipping changes."""
    modules = [path for path in site.rglob("*.py") if "__pycache__" not in path.parts]
    unchecked_hash = (1).to_bytes(4, "little")

    assert modules
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        assert compiled.read_bytes()[4:8] == unchecked_hash, module


def test_the_core_layer_holds_what_is_used_and_nothing_else() -> None:
    """The package, botocore and what it needs: no boto3, no twilio, no pydantic."""
    assert packages(CORE) == {"ringfold", "botocore", "dateutil", "jmespath", "six", "urllib3"}


def test_nothing_is_shipped_twice() -> None:
    """What the core layer holds is not in the administration layer too, nor what only Twilio's other client imports."""
    assert {"ringfold_admin", "aws_lambda_powertools", "pydantic", "twilio"} <= packages(ADMIN)
    assert set() == packages(ADMIN) & (packages(CORE) | {"aiohttp", "aiohttp_retry", "multidict", "yarl"})


def test_nothing_was_compiled_for_another_machine() -> None:
    """Shared libraries are for arm64."""
    wrong = [path for path in files() if re.search(r"\.so(\.|$)", path.name) and "aarch64" not in path.name]

    assert [] == wrong


# Imports the whole administration, and every product of Twilio's that the layer keeps, and tells which files that took.
LOAD = """
import importlib, pathlib, sys
import ringfold_admin
root = pathlib.Path(ringfold_admin.__file__).parent
for path in sorted(root.rglob("*.py")):
    importlib.import_module(".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__"))
from twilio.rest import Client
client = Client("AC" + "0" * 32, "0" * 32)
for product in sys.argv[1:]:
    getattr(getattr(client, product), {"api": "v2010"}.get(product, "v1"))
print(*sorted({module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)}), sep="\\n")
"""
SITES = re.compile(r".*/(?:site-packages|layers/core|layers/admin)/")


def test_the_layers_hold_all_that_administration_imports() -> None:
    """What was cut from the layer is imported by nothing of ours, whatever product of Twilio's is asked."""
    products = [path.name for path in (ADMIN / "twilio" / "rest").iterdir() if (path / "__init__.py").exists()]
    path = ":".join(str(ROOT / "layers" / name) for name in ("core", "admin"))
    told = subprocess.run(
        [sys.executable, "-c", LOAD, *products], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )

    theirs = {SITES.sub("", line) for line in told.stdout.split() if SITES.match(line) and line.endswith(".py")}
    missing = [name for name in sorted(theirs) if not any((site / name).exists() for site in (CORE, ADMIN))]

    assert len(theirs) > 300
    assert {"pydantic/__init__.py", "twilio/rest/voice/__init__.py", "ringfold_admin/vault.py"} <= theirs
    assert [] == missing


def test_the_layers_are_of_the_versions_that_are_tested() -> None:
    """The libraries in the artefact are those of this environment."""
    for name in ("botocore", "boto3", "pydantic", "twilio"):
        module = importlib.import_module(name)
        version = getattr(module, "__version__", getattr(module, "VERSION", ""))
        assert any((site / f"{name}-{version}.dist-info").is_dir() for site in (CORE, ADMIN)), f"{name} {version}"
