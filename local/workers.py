"""Lambda's side of the local run: a pool of worker processes for every function, one invocation at a time each.

A function has one image process (`local/worker.py`), which forks workers on request; a pool grows when no worker is
free, up to its cap, and shrinks when workers stay idle. Timeouts are enforced by killing the worker, as Lambda does.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.image import Image, LogLine, function_environment
from local.pool import DEFAULT_CAP, IDLE_S, PREWARMED, Outcome, Pool, Throttled, WorkerFaults
from local.resources import FunctionRef, Template

__all__ = ["Outcome", "Throttled", "UnknownFunction", "WorkerFaults", "Workers"]


class UnknownFunction(Exception):
    """No function of this name is in the template."""


@dataclass
class Workers:
    """The pools of all functions of a template.

    Attributes:
        template: Whose functions are run.
        environment: What every function gets besides its own variables (AWS endpoints, credentials).
        log: Told every line the handlers print.
        cap: The most workers a function may have.
        prewarmed: How many it has at least.
    """

    template: Template
    environment: Mapping[str, str]
    log: LogLine
    cap: int = DEFAULT_CAP
    prewarmed: int = PREWARMED
    python: str = sys.executable
    pools: dict[str, Pool] = field(default_factory=dict)
    _shrinking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the functions that callers wait for, image and first workers, all at once; the rest when asked for."""
        for function in self.template.functions.values():
            environment = function_environment(function, self.environment)
            image = Image(function, environment, self.python, self.log)
            self.pools[function.name] = Pool(function, image, self.log, self.cap)
        hurried = self.template.called - self.template.unhurried
        await asyncio.gather(*(self.pools[name].prewarm(self.prewarmed) for name in hurried))
        self._shrinking = asyncio.create_task(self._shrink())

    async def stop(self) -> None:
        """Kill every worker."""
        if self._shrinking is not None:
            self._shrinking.cancel()
        await asyncio.gather(*(pool.stop() for pool in self.pools.values()))

    async def invoke(self, ref: FunctionRef, payload: bytes, request_id: str | None = None) -> Outcome:
        """Invoke a function and wait for its answer.

        Raises:
            UnknownFunction: If the template has no such function.
            Throttled: If it may not run more at once.
        """
        pool = self.pool(ref)
        arn = pool.function.arn(ref.qualifier, self.environment.get("AWS_REGION", "us-east-1"))
        return await pool.invoke(payload, arn, request_id or str(uuid.uuid4()))

    def pool(self, ref: FunctionRef) -> Pool:
        """The pool of a function, named by its name, its logical id or its folder."""
        if ref.name in self.pools:
            return self.pools[ref.name]
        for pool in self.pools.values():
            if ref.name in {pool.function.logical_id, pool.function.label}:
                return pool
        raise UnknownFunction(ref.name)

    async def _shrink(self) -> None:
        while True:
            await asyncio.sleep(IDLE_S / 4)
            for pool in self.pools.values():
                pool.shrink(time.monotonic(), keep=self.prewarmed)
