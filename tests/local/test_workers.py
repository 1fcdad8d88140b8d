"""Worker processes: environment, concurrency, snapshots, death, faults."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from local.template import FunctionRef
from local.workers import Outcome
from tests.local.conftest import Stack, StartStack, is_running, rewrite, until

WEB, FRAMES = FunctionRef("test-web", "live"), FunctionRef("FramesFunction")


def frame(**fields: Any) -> bytes:
    event = {"requestContext": {"connectionId": "none"}, "body": json.dumps({"do": "quiet", **fields})}
    return json.dumps(event).encode()


async def look(stack: Stack) -> Any:
    return json.loads((await stack.workers.invoke(WEB, b"{}")).json()["body"])


def give_a_second(template: Path) -> None:
    template.write_text(template.read_text().replace("Timeout: 5", "Timeout: 1"))


def error_of(outcome: Outcome) -> Any:
    assert outcome.failed
    return outcome.json()


async def test_environment_is_lambdas(stack: Stack) -> None:
    """A handler sees Lambda's variables and its own, its folder as module root, and nothing of ours."""
    told = await look(stack)

    environment = told["environment"]
    assert ("test-web", "us-east-1", "1", "test") == tuple(
        environment[name] for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "OWN", "STAGE")
    )
    assert told["cwd"].endswith("functions/web")
    assert "PYTHONPATH" not in environment
    assert ("test-web", 36) == (told["context"]["name"], len(told["context"]["aws_request_id"]))
    assert told["context"]["arn"].endswith(":function:test-web:live")
    assert 4000 < told["context"]["left_ms"] <= 5000


async def test_snapshots_are_restored_and_cold_starts_import(stack: Stack) -> None:
    """With SnapStart a worker is forked from a loaded handler; without it each worker loads it itself."""
    told = await look(stack)

    assert not told["loaded_here"]
    assert "snap-start" == told["environment"]["AWS_LAMBDA_INITIALIZATION_TYPE"]


async def test_what_nobody_waits_for_starts_when_it_is_asked(stack: Stack) -> None:
    """A function behind a token has no process until its first event, and is then as quick as the others."""
    desk = stack.workers.pool(FunctionRef("test-desk"))
    event = json.dumps({"requestContext": {"http": {"method": "GET"}}}).encode()
    before = desk.describe()

    outcomes = await asyncio.gather(*(stack.workers.invoke(FunctionRef("test-desk"), event) for _ in range(3)))

    assert (0, []) == (before["image"], before["workers"])
    assert [False] * 3 == [outcome.failed for outcome in outcomes]
    assert is_running(desk.describe()["image"])
    assert not [record for record in stack.traffic.records(kind="log") if "image ended" in record["line"]]


async def test_a_function_that_cannot_start_fails_its_event(stack_copy: Path, start_stack: StartStack) -> None:
    """Whoever waits for the first worker is told when its image ends before it is ready, and so is the next."""
    stack = await start_stack(template=stack_copy)
    stack.workers.pool(FunctionRef("test-desk")).image._python = "/bin/false"

    async with asyncio.timeout(20):
        together = await asyncio.gather(*(stack.workers.invoke(FunctionRef("test-desk"), b"{}") for _ in range(3)))
        later = await stack.workers.invoke(FunctionRef("test-desk"), b"{}")

    assert {"Runtime.ExitError"} == {error_of(outcome)["errorType"] for outcome in [*together, later]}


async def test_snapstart_hooks_run(stack_copy: Path, start_stack: StartStack) -> None:
    """Hooks registered with SnapStart's package run before the snapshot and after each restore."""
    rewrite(
        stack_copy,
        "web",
        "import os\n"
        "from snapshot_restore_py import register_after_restore, register_before_snapshot\n"
        "SEEN = []\n"
        "register_before_snapshot(lambda: SEEN.append(['before', os.getpid()]))\n"
        "register_after_restore(lambda: SEEN.append(['after', os.getpid()]))\n"
        "def handler(event, context):\n"
        "    return {'seen': SEEN, 'pid': os.getpid()}\n",
    )
    stack = await start_stack(template=stack_copy)

    told = (await stack.workers.invoke(WEB, b"{}")).json()

    (before, image_pid), (after, worker_pid) = told["seen"]
    assert ("before", "after", told["pid"]) == (before, after, worker_pid)
    assert image_pid != worker_pid


async def test_threads_at_import_mean_cold_starts(stack_copy: Path, start_stack: StartStack) -> None:
    """A handler that starts threads while imported is not forked from a snapshot: threads do not survive that."""
    rewrite(
        stack_copy,
        "web",
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "LOADED_BY = os.getpid()\n"
        "def handler(event, context):\n"
        "    return {'own': LOADED_BY == os.getpid(), 'threads': threading.active_count()}\n",
    )
    stack = await start_stack(template=stack_copy)

    assert {"own": True, "threads": 2} == (await stack.workers.invoke(WEB, b"{}")).json()


async def test_import_errors_are_lambdas(stack_copy: Path, start_stack: StartStack) -> None:
    """A handler that cannot be imported answers every event with Lambda's import error."""
    rewrite(stack_copy, "web", "import nowhere_at_all\n")
    stack = await start_stack(template=stack_copy)

    error = error_of(await stack.workers.invoke(WEB, b"{}"))

    assert "Runtime.ImportModuleError" == error["errorType"]
    assert "nowhere_at_all" in error["errorMessage"]


async def test_dying_while_loading_fails_the_event(stack_copy: Path, start_stack: StartStack) -> None:
    """A handler that ends its process while it is imported fails its events; nobody waits for ever."""
    stack = await start_stack(template=stack_copy)
    gate = stack.workers.pool(FunctionRef("GateFunction"))
    rewrite(stack_copy, "gate", "import os\nos._exit(1)\n")
    pids = [worker["pid"] for worker in gate.describe()["workers"]]
    for pid in pids:
        gate.image.kill(pid)
    await until(lambda: not set(pids) & {worker["pid"] for worker in gate.describe()["workers"]})

    async with asyncio.timeout(5):
        error = error_of(await stack.workers.invoke(FunctionRef("GateFunction"), b"{}"))

    assert "Runtime.ExitError" == error["errorType"]


async def test_loading_does_not_count_against_the_timeout(stack_copy: Path, start_stack: StartStack) -> None:
    """A cold start may take longer than the function's timeout."""
    give_a_second(stack_copy)
    rewrite(stack_copy, "gate", "import time\ntime.sleep(1.5)\ndef handler(event, context):\n    return 'there'\n")
    stack = await start_stack(template=stack_copy)

    assert "there" == (await stack.workers.invoke(FunctionRef("GateFunction"), b"{}")).json()


async def test_pool_grows_and_shrinks(stack: Stack) -> None:
    """Events at the same time get workers of their own; idle workers end, down to the prewarmed ones."""
    pool = stack.workers.pool(FRAMES)

    await asyncio.gather(*(stack.workers.invoke(FRAMES, frame(sleep=0.2)) for _ in range(6)))
    grown = len(pool.describe()["workers"])
    pool.shrink(time.monotonic() + 3600)
    await until(lambda: len(pool.describe()["workers"]) == 2)

    assert 6 == grown
    assert 2 == pool.describe()["idle"]


async def test_cap_makes_events_wait(start_stack: StartStack) -> None:
    """At the cap an event waits for a worker; none is lost."""
    stack = await start_stack(cap=2)

    outcomes = await asyncio.gather(*(stack.workers.invoke(FRAMES, frame(sleep=0.05)) for _ in range(8)))

    assert [False] * 8 == [outcome.failed for outcome in outcomes]
    assert 2 == len(stack.workers.pool(FRAMES).describe()["workers"])


async def test_abandoned_event_keeps_its_worker_usable(start_stack: StartStack) -> None:
    """A caller that gives up, waiting for a worker or for an answer, takes no worker with it."""
    stack = await start_stack(cap=1)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await stack.workers.invoke(FRAMES, frame(sleep=0.2))

    assert not (await stack.workers.invoke(FRAMES, frame())).failed


async def test_timeout_kills(stack_copy: Path, start_stack: StartStack) -> None:
    """A handler beyond its timeout is killed, the event ends with Lambda's error, the next one gets a new worker."""
    give_a_second(stack_copy)
    stack = await start_stack(template=stack_copy)
    pids = {worker["pid"] for worker in stack.workers.pool(FRAMES).describe()["workers"]}

    error = error_of(await stack.workers.invoke(FRAMES, frame(sleep=30)))

    assert "Sandbox.Timedout" == error["errorType"]
    assert "timed out after 1.00 seconds" in error["errorMessage"]
    assert not (await stack.workers.invoke(FRAMES, frame())).failed
    assert 1 == len(pids & {worker["pid"] for worker in stack.workers.pool(FRAMES).describe()["workers"]})


async def test_death_is_an_error_of_its_event_only(stack: Stack) -> None:
    """A worker that dies fails its own event; others go on."""
    slow = asyncio.ensure_future(stack.workers.invoke(FRAMES, frame(sleep=0.3)))
    error = error_of(await stack.workers.invoke(FRAMES, frame(do="exit")))

    assert "Runtime.ExitError" == error["errorType"]
    assert not (await slow).failed


async def test_kill_fault(stack: Stack) -> None:
    """A worker may be told to be killed so long after it took an event, so many times."""
    await stack.http.put("/local/workers/frames/faults", json={"kill_after_ms": 50, "times": 1})

    first = await stack.workers.invoke(FRAMES, frame(sleep=1))
    second = await stack.workers.invoke(FRAMES, frame(sleep=0.1))

    assert (True, False) == (first.failed, second.failed)


async def test_memory_fault(stack: Stack) -> None:
    """A worker may be told to run out of memory; it fails its event, and the next one gets another worker."""
    if sys.platform != "linux":
        pytest.skip("resource limits of other processes are Linux's")
    await stack.http.put("/local/workers/frames/faults", json={"memory_mb": 1})

    outcome = await stack.workers.invoke(FRAMES, json.dumps({"a": "x" * 20_000_000}).encode())

    await stack.http.delete("/local/workers/frames/faults")
    assert outcome.failed
    assert not (await stack.workers.invoke(FRAMES, frame())).failed


async def test_lost_image_is_started_again(stack: Stack) -> None:
    """When the process that forks the workers is killed, another takes its place."""
    image = stack.workers.pool(FRAMES).image.pid
    os.killpg(image, signal.SIGKILL)
    await until(lambda: not is_running(image))

    async with asyncio.timeout(5):
        while (await stack.workers.invoke(FRAMES, frame())).failed:
            pass


async def test_output_reaches_the_feed(stack: Stack) -> None:
    """What a handler prints is a log record with its request; an exception is one line."""
    outcome = await stack.workers.invoke(FRAMES, frame(do="raise"))

    record = await stack.record("log", lambda record: "[ERROR]" in record["line"])
    assert ("frames", outcome.request_id) == (record["function"], record["request_id"])
    assert record["line"].startswith("[ERROR] ValueError: asked for\r")


async def test_round_trip_is_short(stack: Stack) -> None:
    """An invocation costs well below a millisecond and a half, median of two hundred, on a busy machine too."""
    event = frame()
    times = sorted([(await stack.workers.invoke(FRAMES, event)).duration_ms for _ in range(200)])

    assert times[100] < 1.5


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """When the gateway is killed, its workers end by themselves, even in the middle of an event."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(Path(__file__).with_name("stack") / "template.yaml")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert parent.stdout is not None
    pids = json.loads(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert [] == [pid for pid in pids if is_running(pid)]


PARENT = """
import asyncio, json, sys
from pathlib import Path
from local.template import FunctionRef, read_template
from local.workers import Workers

async def main():
    workers = Workers(read_template(Path(sys.argv[1])), {"AWS_REGION": "us-east-1"}, lambda *_: None)
    await workers.start()
    event = {"requestContext": {"connectionId": "x"}, "body": '{"do": "quiet", "sleep": 60}'}
    asyncio.ensure_future(workers.invoke(FunctionRef("FramesFunction"), json.dumps(event).encode()))
    await asyncio.sleep(0.3)
    pools = workers.pools.values()
    pids = [worker["pid"] for pool in pools for worker in pool.describe()["workers"]]
    print(json.dumps(pids + [pool.image.pid for pool in pools]), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_slow_image_is_waited_for(start_stack: StartStack) -> None:
    """Many events while it gets no processor: each gets its worker once it does, none is told that it had ended."""
    stack = await start_stack(cap=300)
    pool = stack.workers.pool(WEB)
    image = pool.describe()["image"]
    os.kill(image, signal.SIGSTOP)
    try:
        asking = [asyncio.create_task(stack.workers.invoke(WEB, b"{}")) for _ in range(300)]
        await asyncio.sleep(0.5)
    finally:
        os.kill(image, signal.SIGCONT)
    outcomes = await asyncio.gather(*asking)
    await until(lambda: pool.describe()["idle"] == 300)

    assert [False] * 300 == [outcome.failed for outcome in outcomes]
    assert not [record for record in stack.traffic.records(kind="log") if "image ended" in record["line"]]
