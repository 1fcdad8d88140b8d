"""The relay service as it is built at cold start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ringfold import bootstrap_relay
from ringfold.errors import ConfigError
from tests.test_config import GOOD

ROOT = Path(__file__).resolve().parent.parent
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
BUDGET_MS = 400
"""Import and init of ``relay_message``, CPU, on a small machine (design, "Figures")."""


def test_a_faulty_environment_is_refused_at_cold_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any traffic, and naming what is missing."""
    for name in GOOD:
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigError, match="WATCHDOG_QUEUE_URL is missing"):
        bootstrap_relay.relay_service("relay_message")


@pytest.mark.accept("G17")
def test_the_service_is_built_from_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models and the way turns are dispatched come from the template."""
    for name, value in {**GOOD, **KEYS, "MODEL_ID": "fast", "FALLBACK_MODEL_ID": "second"}.items():
        monkeypatch.setenv(name, value)

    service = bootstrap_relay.relay_service("relay_message")

    assert ("fast", "second") == service.relay.models
    assert "inline" == service.relay.turn_dispatch


def test_import_and_init_stay_within_the_cold_start_budget(tmp_path: Path) -> None:
    """A fresh process, bytecode at hand, as in the layer: the handler imported and its clients built."""
    script = tmp_path / "init.py"
    script.write_text(
        "import sys, time\n"
        f"sys.path[:0] = [{str(ROOT / 'layers' / 'core')!r}, {str(ROOT / 'functions' / 'relay_message')!r}]\n"
        "began = time.process_time()\n"
        "import app\n"
        "print(round((time.process_time() - began) * 1000))\n"
    )
    environment = {**os.environ, **GOOD, **KEYS}

    spent = []
    for _ in range(4):
        done = subprocess.run(
            [sys.executable, str(script)], env=environment, check=True, capture_output=True, text=True, cwd=tmp_path
        )
        spent.append(int(done.stdout))
        time.sleep(0)

    assert min(spent) <= BUDGET_MS


def test_what_runs_an_organizations_own_tools_waits_for_the_first_of_them(tmp_path: Path) -> None:
    """Neither the handler nor a service that is built imports it; most calls need none."""
    script = tmp_path / "init.py"
    script.write_text(
        "import sys\n"
        f"sys.path[:0] = [{str(ROOT / 'layers' / 'core')!r}, {str(ROOT / 'functions' / 'relay_message')!r}]\n"
        "import app\n"
        "from ringfold import bootstrap_relay\n"
        "bootstrap_relay.relay_service('relay_message')\n"
        "late = ('ringfold.tools.http', 'ringfold.adapters.outbound', 'ringfold.adapters.tool_secrets')\n"
        "print([name for name in late if name in sys.modules])\n"
        "bootstrap_relay.own_tools('/ringfold/dev/')\n"
        "print(all(name in sys.modules for name in late))\n"
    )
    environment = {**os.environ, **GOOD, **KEYS}

    done = subprocess.run(
        [sys.executable, str(script)], env=environment, check=True, capture_output=True, text=True, cwd=tmp_path
    )

    assert ["[]", "True"] == done.stdout.split("\n")[:2]


@pytest.mark.accept("H4")
def test_memory_is_not_imported_for_a_turn(tmp_path: Path) -> None:
    """It was chosen when the call was set up; the tool that looks in it imports it when it is first used."""
    script = tmp_path / "init.py"
    script.write_text(
        "import sys\n"
        f"sys.path[:0] = [{str(ROOT / 'layers' / 'core')!r}, {str(ROOT / 'functions' / 'relay_message')!r}]\n"
        "import app\n"
        "from ringfold import bootstrap_relay\n"
        "bootstrap_relay.relay_service('relay_message')\n"
        "print([name for name in sys.modules if name in ('ringfold.core.memory', 'ringfold.core.semantic')])\n"
    )
    environment = {**os.environ, **GOOD, **KEYS}

    done = subprocess.run(
        [sys.executable, str(script)], env=environment, check=True, capture_output=True, text=True, cwd=tmp_path
    )

    assert "[]" == done.stdout.strip()
