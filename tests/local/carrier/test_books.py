"""The carrier's books: entered once, kept over restarts, moved with the system's address."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from local.carrier.books import Books
from local.carrier.exchange import BOOKS_FILE, load_directory

SID, OTHER = "AC" + "a" * 32, "AC" + "b" * 32


def a_run(base_url: str = "http://127.0.0.1:8000", sid: str = SID) -> dict[str, Any]:
    return {
        "public_base_url": base_url,
        "accounts": [{"id": "acc_1", "account_sid": sid, "auth_token": "token-of-" + sid}],
        "numbers": [{"id": "num_1", "phone_number": "+15125550100", "account_id": "acc_1", "routing_mode": "fixed"}],
        "organizations": [],
    }


def opened(path: Path, run: dict[str, Any] | None = None) -> Books:
    books = Books(path)
    books.enter_run(run or a_run())
    return books


def test_the_books_are_for_the_owners_eyes_only(tmp_path: Path) -> None:
    """They hold tokens, and are written whole or not at all."""
    opened(tmp_path / "books.json")

    assert 0o600 == stat.S_IMODE((tmp_path / "books.json").stat().st_mode)
    assert ["books.json"] == [path.name for path in tmp_path.iterdir()]


def test_a_run_is_entered_once(tmp_path: Path) -> None:
    """What was released stays released, however often the run begins again."""
    books = opened(tmp_path / "books.json")
    books.numbers.clear()
    books.save()

    assert {} == opened(tmp_path / "books.json").numbers


def test_a_number_has_the_same_sid_at_every_first_start(tmp_path: Path) -> None:
    """So that what a client has noted down stays true after `make reset` gave the same account."""
    assert set(opened(tmp_path / "one.json").numbers) == set(opened(tmp_path / "two.json").numbers)


def test_a_run_that_lost_its_state_gets_its_numbers_back(tmp_path: Path) -> None:
    """New account SIDs: the number goes to the account that has it now."""
    opened(tmp_path / "books.json")

    books = opened(tmp_path / "books.json", a_run(sid=OTHER))

    assert [OTHER] == [number.account_sid for number in books.numbers.values()]


def test_urls_move_with_the_system(tmp_path: Path) -> None:
    """Another port: what pointed at the system still does; what pointed elsewhere stays."""
    books = opened(tmp_path / "books.json")
    bought = books.add_number(
        SID,
        "+15125550101",
        {"voice_url": "http://127.0.0.1:8000/api/voice/incoming", "sms_url": "http://127.0.0.1:80001/sms"},
    )
    books.save()

    moved = opened(tmp_path / "books.json", a_run("https://tunnel.example"))

    assert "https://tunnel.example/api/voice/incoming" == moved.numbers[bought.sid].url("voice_url")
    assert "http://127.0.0.1:80001/sms" == moved.numbers[bought.sid].url("sms_url")
    assert all(
        number.url("status_callback") in ("", "https://tunnel.example/api/voice/status")
        for number in moved.numbers.values()
    )


def test_books_of_another_version_are_not_touched(tmp_path: Path) -> None:
    """The message says what forgets them."""
    (tmp_path / "books.json").write_text(json.dumps({"version": 0}), encoding="utf-8")

    with pytest.raises(ValueError, match="make reset"):
        Books(tmp_path / "books.json")


def test_a_shell_calls_by_the_books(tmp_path: Path) -> None:
    """`make call` reads them beside run.json: what was bought, its URLs, the token of the moment; nothing released."""
    (tmp_path / "run.json").write_text(json.dumps(a_run()), encoding="utf-8")
    (tmp_path / "state").mkdir()
    books = opened(tmp_path / BOOKS_FILE)
    books.numbers.clear()
    books.add_number(SID, "+15125550101", {"voice_url": "http://elsewhere.example/voice", "friendly_name": "Desk"})
    books.make_secondary(books.accounts[SID])
    books.promote(books.accounts[SID])

    directory = load_directory(tmp_path / "run.json")

    line = directory.line("+15125550101")
    assert [("+15125550101", "Desk")] == [(each["phone_number"], each["name"]) for each in directory.listed()]
    assert "http://elsewhere.example/voice" == line.configured.voice_url
    assert books.accounts[SID].auth_token == line.auth_token != "token-of-" + SID
    with pytest.raises(LookupError, match="no account has the number"):
        directory.line("+15125550100")


def test_without_books_the_runs_own_paths_are_called(tmp_path: Path) -> None:
    """A client that plays the carrier itself needs nothing but run.json."""
    (tmp_path / "run.json").write_text(json.dumps(a_run()), encoding="utf-8")

    line = load_directory(tmp_path / "run.json").line("+15125550100")

    assert "http://127.0.0.1:8000/api/voice/incoming" == line.configured.voice_url
    assert "http://127.0.0.1:8000/api/voice/status" == line.configured.status_url
