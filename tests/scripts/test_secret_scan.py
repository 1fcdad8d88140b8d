import random
import subprocess
from pathlib import Path

import pytest

from scripts import secret_scan

RANDOM = random.Random(62)


def hex_digits() -> str:
    """32 digits as Twilio makes them; drawn here, so that this file itself holds none."""
    return f"{RANDOM.getrandbits(128):032x}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository that ignores its build."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(".aws-sam/\n")
    return tmp_path


@pytest.mark.accept("A7")
def test_a_planted_pair_is_found(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A SID and a token in one file fail the scan, which tells the place and keeps the secret to itself."""
    token = hex_digits()
    (repository / "notes.md").write_text(f"account AC{hex_digits()}\n\ntoken {token}\n")

    status = secret_scan.main([str(repository)])

    output = capsys.readouterr()
    assert status == 1
    assert "notes.md:3: Twilio SID and token in one file" in output.err
    assert token not in output.err + output.out


@pytest.mark.accept("A7")
def test_a_pair_in_the_build_is_found(repository: Path) -> None:
    """What is built is scanned too, though it is ignored by git."""
    planted = repository / ".aws-sam" / "build" / "IncomingFunction" / "app.py"
    planted.parent.mkdir(parents=True)
    planted.write_text(f"SID = 'SK{hex_digits()}'\nTOKEN = '{hex_digits()}'\n")

    assert 1 == secret_scan.main([str(repository)])


@pytest.mark.accept("A7")
def test_a_key_with_a_form_of_its_own_is_found(repository: Path) -> None:
    """Keys that show what they are need no pair."""
    letters = "".join(RANDOM.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    (repository / "deploy.sh").write_text(f"export AWS_ACCESS_KEY_ID=AKIA{letters}\n")

    assert 1 == secret_scan.main([str(repository)])


def test_examples_are_no_secrets(repository: Path) -> None:
    """A SID alone, digests, and values that are plainly made up pass."""
    (repository / "one.py").write_text(f"SID = 'AC{hex_digits()}'\n")
    (repository / "two.py").write_text(f"SID = 'AC{'ab' * 16}'\nTOKEN = '{hex_digits()}'\n")
    (repository / "lock.txt").write_text(f"SID = 'AC{hex_digits()}' sha256:{hex_digits()}{hex_digits()}\n")

    assert 0 == secret_scan.main([str(repository)])


@pytest.mark.accept("A7")
def test_this_repository_holds_no_secret() -> None:
    """The repository itself passes, whatever was built."""
    findings = list(secret_scan.find_pairs(secret_scan.repository_files(secret_scan.ROOT)))

    assert [] == findings
