"""Structured logs: one JSON object a line on standard output, and EMF metrics inside it.

Written here rather than with Powertools' Logger because this is on the speaking path: its import costs
41 ms of every cold start (ADR 0004). Speech, digits and prompts go out at DEBUG only; numbers are masked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from ringfold.errors import AppError

LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
NAMESPACE: Final = "Ringfold"


def mask(number: str) -> str:
    """Mask an address: ``+15125551234`` becomes ``+1***1234``; anything else shows its kind only."""
    if number.startswith("+") and len(number) > 6:
        return f"{number[:2]}***{number[-4:]}"
    return f"{number.partition(':')[0]}:***" if ":" in number else "***"


def about(exc: BaseException) -> dict[str, str]:
    """What a line may tell of an exception: its kind, its place, and its words only if they are our own.

    A stranger's message may quote what was said (``invalid literal for int(): '…'``).
    """
    told = {"error": type(exc).__name__}
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        told["where"] = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
    return told | ({"detail": str(exc)[:300]} if isinstance(exc, AppError) else {})


class Log:
    """A logger with fields bound once and written on every line.

    Args:
        level: The least level that is written.
        write: Where a finished line goes (without its newline).
    """

    def __init__(self, level: str = "INFO", write: Callable[[str], None] | None = None, **fields: Any) -> None:
        self._level = LEVELS.get(level.upper(), 20)
        self._write = write or _to_stdout
        self._fields = fields

    def bind(self, **fields: Any) -> Log:
        """A logger that writes these fields too."""
        level = next(name for name, value in LEVELS.items() if value == self._level)
        return Log(level, self._write, **{**self._fields, **fields})

    def enabled(self, level: str) -> bool:
        """Whether a line of this level is written at all."""
        return LEVELS[level] >= self._level

    def debug(self, message: str, **fields: Any) -> None:
        """For the developer; the only level that may carry speech."""
        self._line("DEBUG", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        """What happened."""
        self._line("INFO", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        """Something was not as it should be, and was coped with."""
        self._line("WARNING", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        """Somebody has to look at this."""
        self._line("ERROR", message, fields)

    def metrics(
        self, message: str, metrics: Mapping[str, tuple[float, str]], dimensions: Mapping[str, str], **fields: Any
    ) -> None:
        """One INFO line that CloudWatch also reads as metrics (Embedded Metric Format).

        Args:
            message: The fixed sentence.
            metrics: Name to (value, CloudWatch unit).
            dimensions: Few and small: each combination is a metric that is paid for.
            fields: Everything variable.
        """
        declared = [{"Name": name, "Unit": unit} for name, (_, unit) in metrics.items()]
        directive = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": declared}
        values = {name: value for name, (value, _) in metrics.items()}
        emf = {"Timestamp": fields.pop("at_ms", 0), "CloudWatchMetrics": [directive]}
        self._line("INFO", message, {**fields, **values, **dimensions, "_aws": emf})

    def _line(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        if LEVELS[level] < self._level:
            return
        record = {"level": level, "message": message, **self._fields, **fields}
        self._write(json.dumps(record, default=str, separators=(",", ":")))


def _to_stdout(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
