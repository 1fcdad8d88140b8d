"""Show one simulated call step by step: ``make replay SEED=…``."""

from __future__ import annotations

import sys

from tests.simulation.properties import faults
from tests.simulation.world import World


def main(seed: int) -> int:
    """Run one seed and print what happened; the exit status tells whether everything held."""
    world = World(seed)
    print(world.plan)
    world.run()
    print("\n".join(world.log))
    print("caller heard:", world.phone.heard)
    found = faults(world)
    print("\n".join(found) if found else "everything held")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1])))
