"""What `sam build` made; in the gate the build comes before the tests."""

import re
from pathlib import Path

import pytest

from tests.template.conftest import ROOT

BUILD = ROOT / ".aws-sam" / "build"
SITE = BUILD / "CoreLayer" / "python"

pytestmark = pytest.mark.skipif(not SITE.is_dir(), reason="nothing was built: make build")


def files() -> list[Path]:
    return [path for path in BUILD.rglob("*") if path.is_file()]


def test_functions_and_layer_are_small() -> None:
    """Function and layer together stay far under 60 MB unzipped."""
    assert sum(path.stat().st_size for path in files()) < 60_000_000


def test_every_module_is_compiled_and_never_checked() -> None:
    """The layer has bytecode for each module, used without looking at the source's time, which zipping changes."""
    modules = [path for path in SITE.rglob("*.py") if "__pycache__" not in path.parts]
    unchecked_hash = (1).to_bytes(4, "little")

    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        assert compiled.read_bytes()[4:8] == unchecked_hash, module


def test_the_layer_holds_what_is_used_and_nothing_else() -> None:
    """The package, botocore and what it needs: no boto3, no twilio, no pydantic."""
    packages = {path.name for path in SITE.iterdir() if "." not in path.name} - {"__pycache__"}

    assert packages == {"ringfold", "botocore", "dateutil", "jmespath", "urllib3"}


def test_nothing_was_compiled_for_another_machine() -> None:
    """Shared libraries, if any, are for arm64."""
    wrong = [path for path in files() if re.search(r"\.so(\.|$)", path.name) and "aarch64" not in path.name]

    assert [] == wrong
