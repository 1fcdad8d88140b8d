import sys
from pathlib import Path

import pytest

from scripts import setup

PIP_CONFIG = """global.index-url='https://packages.example/simple'
:env:.cert='/etc/certificates.pem'
global.timeout='60'
"""


def test_uv_is_told_what_pip_is_set_to() -> None:
    """Who has set an index and a certificate for pip does not have to set them again for uv."""
    settings = setup.uv_settings(PIP_CONFIG, {})

    assert {
        "UV_DEFAULT_INDEX": "https://packages.example/simple",
        "SSL_CERT_FILE": "/etc/certificates.pem",
    } == settings


def test_what_uv_was_told_itself_stays() -> None:
    """Variables of uv's own win over pip's settings."""
    environ = {"UV_DEFAULT_INDEX": "https://other.example/simple", "SSL_CERT_FILE": "/mine.pem"}

    assert {} == setup.uv_settings(PIP_CONFIG, environ)


def test_a_stamp_tells_every_reason_to_install_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another set, other pins or another interpreter give another stamp; the same ones the same."""
    monkeypatch.setattr(setup, "REQUIREMENTS", tmp_path)
    (tmp_path / "local.txt").write_text("a==1")
    (tmp_path / "dev.txt").write_text("a==1")
    python = Path(sys.executable)
    first = setup.stamp_of("local", python)

    again, other_set, other_python = (
        setup.stamp_of("local", python),
        setup.stamp_of("dev", python),
        setup.stamp_of("local", tmp_path / "python"),
    )
    (tmp_path / "local.txt").write_text("a==2")

    assert first == again
    assert 4 == len({first, other_set, other_python, setup.stamp_of("local", python)})


def test_an_environment_that_does_not_run_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-made or moved environment is seen as such, and is built again."""
    monkeypatch.delenv("PYTHON", raising=False)

    assert not setup.usable(tmp_path / "bin" / "python")
    assert setup.usable(Path(sys.executable))
