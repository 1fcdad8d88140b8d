from __future__ import annotations

from pathlib import Path

import pytest

from ringfold_cli.faults import UsageFault
from ringfold_cli.profiles import Profile, Profiles, config_folder

PROFILE = Profile("dev", "https://dev.example.com", "https://cognito.example/", "client", "a@example.com", "t", "r", 5)


def test_a_profile_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    """File and folder can be read by nobody else, and what was saved is loaded."""
    profiles = Profiles(tmp_path / "config")

    profiles.save(PROFILE)

    file = tmp_path / "config" / "profiles" / "dev.json"
    assert PROFILE == profiles.load("dev")
    assert (0o600, 0o700) == (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777)
    assert [file] == list(file.parent.iterdir())


def test_a_file_others_could_read_is_replaced_by_one_they_cannot(tmp_path: Path) -> None:
    """The mode is the new file's, not the old one's."""
    file = tmp_path / "profiles" / "dev.json"
    file.parent.mkdir()
    file.write_text("{}")
    file.chmod(0o644)

    Profiles(tmp_path).save(PROFILE)

    assert 0o600 == file.stat().st_mode & 0o777


def test_the_current_profile_is_the_one_chosen(tmp_path: Path) -> None:
    """Until it is removed."""
    profiles = Profiles(tmp_path)
    profiles.save(PROFILE)
    profiles.choose("dev")
    before = profiles.current()

    profiles.remove("dev")

    assert ("dev", "", None, []) == (before, profiles.current(), profiles.load("dev"), profiles.names())


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", "a b"])
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    """A profile's name is a file's name, and nothing more."""
    with pytest.raises(UsageFault, match="no name of a profile"):
        Profiles(tmp_path).load(name)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"expires_at": 1}'])
def test_a_file_that_is_no_profile_is_told_as_such(tmp_path: Path, text: str) -> None:
    """With what to do about it."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "dev.json").write_text(text)

    with pytest.raises(UsageFault) as fault:
        Profiles(tmp_path).load("dev")

    assert "ringfold login --profile dev" in fault.value.hint


def test_the_folder_is_the_users_unless_told(tmp_path: Path) -> None:
    """RINGFOLD_CONFIG_DIR wins."""
    assert tmp_path == config_folder({"RINGFOLD_CONFIG_DIR": str(tmp_path)})
    assert "ringfold" == config_folder({}).name
