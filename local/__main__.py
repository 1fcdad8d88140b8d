"""`python -m local`: the whole system on this machine (`make run`)."""

import asyncio
import importlib.util
import sys
from collections.abc import Callable

from local.processes import StartError
from local.settings import LocalSettings, SettingsError, load_settings
from local.supervisor import Supervisor


def main() -> int:
    """Run until stopped; returns the exit status."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_supervise(load_settings()))
    except (SettingsError, StartError, OSError) as exc:  # OSError: a full disk, a port taken meanwhile
        print(f"Ringfold cannot run: {exc}", file=sys.stderr)
        return 1
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where there is a wheel of it; the run is only a little slower without."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return factory


async def _supervise(settings: LocalSettings) -> None:
    await Supervisor(settings).run()


if __name__ == "__main__":
    sys.exit(main())
