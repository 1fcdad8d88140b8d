"""Fault settings: reading, refusing, striking."""

import pytest

from local.faults import FaultError, Faults, FrameFaults, PostFault, parse_faults


def test_environment_forms() -> None:
    """`GATEWAY_FRAMES` and `GATEWAY_POSTS` give the same settings as JSON does."""
    parsed = parse_faults("shuffle,seed=7,delay_ms=5-90,duplicate=0.25,stamps=tied", "gone,after=3;slow,ms=500,times=1")

    assert ("shuffle", 7, (5, 90), 0.25, "tied") == (
        parsed.frames.mode, parsed.frames.seed, parsed.frames.delay_ms, parsed.frames.duplicate, parsed.frames.stamps,
    )  # fmt: skip
    assert [("gone", 3, None, 0), ("slow", 0, 1, 500)] == [
        (each.fault, each.after, each.times, each.ms) for each in parsed.posts
    ]


def test_nothing_set_means_no_faults() -> None:
    """Empty settings deliver every frame at once and harm no post."""
    faults = parse_faults("", "")

    assert ("parallel", [0.0]) == (faults.frames.mode, faults.frames.delays_s())
    assert faults.post_fault("CA1") is None


@pytest.mark.parametrize(
    ("frames", "posts"),
    [("sideways", ""), ("shuffle,delay_ms=9-1", ""), ("shuffle,delay_ms=x", ""), ("parallel,colour=red", ""),
     ("shuffle,stamps=odd", ""), ("", "vanish"), ("", "gone,after=-1"), ("", "gone,duplicate=often")],
)  # fmt: skip
def test_mistakes_are_refused(frames: str, posts: str) -> None:
    """A setting that cannot be meant is refused."""
    with pytest.raises((FaultError, ValueError)):
        parse_faults(frames, posts)


def test_update_replaces_sections_or_nothing() -> None:
    """An update replaces the sections it names; a wrong one changes nothing."""
    faults = Faults()
    faults.update({"frames": {"mode": "serial"}, "disconnects": {"times": 2}})
    with pytest.raises(FaultError):
        faults.update({"frames": {"mode": "parallel"}, "posts": [{"fault": "odd"}]})
    with pytest.raises(FaultError):
        faults.update({"weather": {}})

    assert ("serial", 2) == (faults.frames.mode, faults.disconnects.times)


def test_shuffle_has_delays_and_repeats_with_its_seed() -> None:
    """The same seed gives the same delays and duplicates."""
    first, again, other = (FrameFaults("shuffle", seed, duplicate=0.5) for seed in (3, 3, 4))
    drawn = [[each.delays_s() for _ in range(50)] for each in (first, again, other)]

    assert drawn[0] == drawn[1] != drawn[2]
    assert {1, 2} == {len(delays) for delays in drawn[0]}
    assert all(0 <= delay <= 0.3 for delays in drawn[0] for delay in delays)


def test_stamps() -> None:
    """Stamps are true, tied to the second, swapped with the neighbour's or off by little."""
    assert 12_345 == FrameFaults().stamp(12_345, 0)
    assert 12_000 == FrameFaults(stamps="tied").stamp(12_345, 12_340)
    assert [12_345, 12_344] == [FrameFaults(stamps="swapped").stamp(*each) for each in ((12_345, 0), (12_350, 12_345))]
    assert abs(FrameFaults(stamps="skewed").stamp(12_345, 0) - 12_345) <= 50


def test_post_fault_strikes_its_call_only_and_so_often() -> None:
    """A post fault counts the posts of its call: some pass, some are struck, the rest pass."""
    fault = PostFault("gone", after=1, times=2, call_sid="CA1")

    struck = [fault.strikes(call_sid) for call_sid in ("CA2", "CA1", "CA1", "CA1", "CA1")]

    assert [False, False, True, True, False] == struck
