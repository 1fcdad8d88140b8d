"""Timed measurements; never part of the test suite (bench/README.md)."""

import sys
from pathlib import Path

# The product's packages are installed nowhere: functions get them as layers, pytest by its own `pythonpath`.
for _layer in ("core", "admin"):
    sys.path.append(str(Path(__file__).resolve().parent.parent / "layers" / _layer))
