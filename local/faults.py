"""Faults the gateway can play, settable at start (`GATEWAY_FRAMES`, `GATEWAY_POSTS`) and at run time.

`PUT /local/gateway/faults` takes any of the sections `frames`, `posts`, `async_events`, `disconnects`; a section given
replaces the old one. `DELETE` puts everything back.
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, TypeVar, get_args

FrameMode = Literal["parallel", "serial", "shuffle"]
Stamps = Literal["true", "tied", "swapped", "skewed"]
PostFaultKind = Literal[
    "gone", "limit", "too_large", "forbidden", "error", "slow", "timeout_delivered", "reset", "reset_delivered"
]
TIED_MS: Final = 1000
SKEW_MS: Final = 50


class FaultError(ValueError):
    """A fault that cannot be meant; the message says what was expected."""


@dataclass
class FrameFaults:
    """How frames of one connection are delivered.

    Attributes:
        mode: Each at once; one at a time; or each after a delay of its own, so that they overtake one another.
        seed: Of the delays and duplicates.
        delay_ms: Least and greatest delay before delivery; in `shuffle` the default is 0 to 300.
        duplicate: Probability that a frame is delivered twice.
        stamps: `requestTimeEpoch` as it is, the same for all frames of a second (`tied`), exchanged between
            neighbours (`swapped`), or off by up to 50 ms (`skewed`).
    """

    mode: FrameMode = "parallel"
    seed: int = 0
    delay_ms: tuple[int, int] = (0, 0)
    duplicate: float = 0.0
    stamps: Stamps = "true"

    def __post_init__(self) -> None:
        _one_of("frames.mode", self.mode, get_args(FrameMode))
        _one_of("frames.stamps", self.stamps, get_args(Stamps))
        low, high = self.delay_ms
        if not 0 <= low <= high:
            raise FaultError(f"frames.delay_ms is {self.delay_ms!r}; expected [least, greatest]")
        if self.mode == "shuffle" and high == 0:
            self.delay_ms = (0, 300)
        self.delay_ms = (int(self.delay_ms[0]), int(self.delay_ms[1]))
        self._random = random.Random(self.seed)

    def delays_s(self) -> list[float]:
        """Draw when a frame is delivered: one delay, or two when it is delivered twice."""
        count = 2 if self.duplicate and self._random.random() < self.duplicate else 1
        return [self._random.uniform(*self.delay_ms) / 1000 if self.delay_ms[1] else 0.0 for _ in range(count)]

    def stamp(self, now_ms: int, previous_ms: int) -> int:
        """The stamp a frame gets that arrives now; `previous_ms` is the one before it on this connection."""
        if self.stamps == "tied":
            return now_ms - now_ms % TIED_MS
        if self.stamps == "swapped" and previous_ms and now_ms - previous_ms < TIED_MS:
            return previous_ms - 1
        if self.stamps == "skewed":
            return now_ms + self._random.randint(-SKEW_MS, SKEW_MS)
        return now_ms


@dataclass
class PostFault:
    """What befalls posts to connections.

    Attributes:
        fault: The answer (`gone` 410, `limit` 429, `too_large` 413, `forbidden` 403, `error` 500), `slow` (delivered
            after `ms`), `timeout_delivered` (delivered at once, answered after `ms`), `reset` (the connection to us
            breaks, nothing delivered) or `reset_delivered` (delivered, then it breaks).
        after: How many posts pass unharmed first.
        times: How many are harmed then; None means all.
        ms: For the slow ones.
        call_sid: Only posts to this call; None means any.
    """

    fault: PostFaultKind
    after: int = 0
    times: int | None = None
    ms: int = 0
    call_sid: str | None = None

    def __post_init__(self) -> None:
        _one_of("posts.fault", self.fault, get_args(PostFaultKind))

    def strikes(self, call_sid: str | None) -> bool:
        """Whether this post is harmed; counts it."""
        if self.call_sid is not None and self.call_sid != call_sid:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass
class AsyncFaults:
    """What befalls asynchronous invocations: so many are dropped, so many are run twice, all come late."""

    drop: int = 0
    duplicate: int = 0
    delay_ms: int = 0


@dataclass
class DisconnectFaults:
    """How `$disconnect` comes: `times` times (0: never), after a delay."""

    times: int = 1
    delay_ms: int = 0


@dataclass
class Faults:
    """Everything the gateway is told to do wrong."""

    frames: FrameFaults = field(default_factory=FrameFaults)
    posts: list[PostFault] = field(default_factory=list)
    async_events: AsyncFaults = field(default_factory=AsyncFaults)
    disconnects: DisconnectFaults = field(default_factory=DisconnectFaults)

    def post_fault(self, call_sid: str | None) -> PostFault | None:
        """The fault that strikes this post, if any."""
        return next((fault for fault in self.posts if fault.strikes(call_sid)), None)

    def update(self, document: Mapping[str, Any]) -> None:
        """Replace the sections given.

        Raises:
            FaultError: If one of them cannot be meant; nothing is changed then.
        """
        if unknown := set(document) - {each.name for each in fields(self)}:
            raise FaultError(f"unknown section {', '.join(sorted(unknown))}")
        new: dict[str, Any] = {}
        if "frames" in document:
            new["frames"] = _build(FrameFaults, document["frames"], "frames")
        if "posts" in document:
            new["posts"] = [_build(PostFault, each, "posts") for each in document["posts"]]
        if "async_events" in document:
            new["async_events"] = _build(AsyncFaults, document["async_events"], "async_events")
        if "disconnects" in document:
            new["disconnects"] = _build(DisconnectFaults, document["disconnects"], "disconnects")
        for name, value in new.items():
            setattr(self, name, value)

    def describe(self) -> dict[str, Any]:
        """The sections as `update` takes them."""
        return asdict(self)


def parse_faults(frames: str, posts: str) -> Faults:
    """Read `GATEWAY_FRAMES` and `GATEWAY_POSTS`.

    For example `shuffle,seed=7,delay_ms=0-300,duplicate=0.1` and `gone,after=3,times=1;slow,ms=500`.

    Raises:
        FaultError: If they cannot be meant.
    """
    faults = Faults()
    document: dict[str, Any] = {"frames": _parse_options(frames or "parallel", "mode")}
    document["posts"] = [_parse_options(each, "fault") for each in posts.split(";") if each.strip()]
    faults.update(document)
    return faults


def _parse_options(text: str, first: str) -> dict[str, Any]:
    head, *rest = [part.strip() for part in text.split(",")]
    options: dict[str, Any] = {first: head}
    for part in rest:
        name, _, value = part.partition("=")
        if name == "delay_ms":
            low, _, high = value.partition("-")
            options[name] = (_number(name, low), _number(name, high or low))
        elif name in {"stamps", "call_sid"}:
            options[name] = value
        else:
            options[name] = float(value) if name == "duplicate" else _number(name, value)
    return options


def _number(name: str, text: str) -> int:
    if not text.isdigit():
        raise FaultError(f"{name} is {text!r}; expected a whole number")
    return int(text)


_Section = TypeVar("_Section")


def _build(kind: type[_Section], document: Any, name: str) -> _Section:
    try:
        values = dict(document)
        if "delay_ms" in values and kind is FrameFaults:
            values["delay_ms"] = tuple(values["delay_ms"])
        return kind(**values)
    except FaultError:
        raise
    except (TypeError, ValueError) as exc:
        raise FaultError(f"{name}: {exc}") from exc


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise FaultError(f"{name} is {value!r}; expected one of {', '.join(allowed)}")
