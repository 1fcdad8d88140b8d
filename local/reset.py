"""`python -m local.reset`: forget all data of the local run; tools and logs stay (`make reset`)."""

import fcntl
import shutil
import sys
from pathlib import Path

from local.settings import SettingsError, load_settings


def forget(home: Path) -> None:
    """Remove the state below `.local`.

    Raises:
        BlockingIOError: If a run holds it.
    """
    if not home.exists():
        return
    with (home / "lock").open("a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for name in ("state", "tmp"):
            shutil.rmtree(home / name, ignore_errors=True)
        (home / "run.json").unlink(missing_ok=True)


def main() -> int:
    """Forget; returns the exit status."""
    try:
        home = load_settings().home
        forget(home)
    except SettingsError as exc:
        print(f"Ringfold cannot reset: {exc}", file=sys.stderr)
        return 1
    except BlockingIOError:
        print("Ringfold is running; stop it first (Ctrl-C where it runs).", file=sys.stderr)
        return 1
    print(f"All local data is forgotten ({home / 'state'}).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
