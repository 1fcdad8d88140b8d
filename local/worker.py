"""One function's execution environments: a process that loads the handler and forks one worker per concurrent event.

Started by `local.workers` as a script of its own (`python -I local/worker.py`), so that the handler finds nothing of
`local` on its path. It uses the standard library only.

The first process is the *image*. It reads its configuration from the control socket, whose descriptor is
its argument. For a function
with SnapStart it imports the handler once and every worker is forked from that snapshot, as SnapStart restores one:
imported modules and built clients are there, sockets and threads are not. For any other function the worker is forked
first and imports the handler itself: a cold start. A handler that starts threads while it is imported cannot be
forked safely; the image says so and is started again in the cold way.

Control socket, towards the image: `F` with two descriptors (the invocation socket and the log pipe) asks for a
worker; `K` and a process id kills one. From the image: lines of JSON.
Invocation socket, from the worker: `R` once the handler is loaded (loading does not count against the function's
timeout, as at AWS). Towards it: two big-endian lengths, a JSON header, the event. Back: a byte (0 result, 1 error), a
length, the answer.
"""

import ctypes
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable
from typing import Any, Final

REQUEST: Final = struct.Struct("!II")
RESPONSE: Final = struct.Struct("!BI")
ORDER: Final = struct.Struct("!cI")
READY: Final = b"R"
_PR_SET_PDEATHSIG: Final = 1

Handler = Callable[[Any, Any], Any]


class LambdaContext:
    """What Lambda hands to a Python handler beside the event."""

    def __init__(self, header: dict[str, Any]) -> None:
        self.aws_request_id: str = header["id"]
        self.invoked_function_arn: str = header["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline_ms: int = header["deadline_ms"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until this invocation is killed; never negative."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


class HandlerError(Exception):
    """The handler could not be loaded; carries Lambda's error document."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(document["errorMessage"])
        self.document = document


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent dies (Linux; elsewhere the closed sockets tell)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def load_handler(name: str) -> Handler:
    """Import `module.function` the way Lambda's runtime does.

    Raises:
        HandlerError: If there is no such module or function, or importing it fails.
    """
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except BaseException as exc:
        kind = "Runtime.ImportModuleError" if isinstance(exc, ImportError) else type(exc).__name__
        message = f"Unable to import module '{module_name}': {exc}" if kind.startswith("Runtime.") else str(exc)
        raise HandlerError({**error_document(exc), "errorType": kind, "errorMessage": message}) from exc
    handler = getattr(module, function_name, None)
    if not callable(handler):
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise HandlerError({"errorType": "Runtime.HandlerNotFound", "errorMessage": message, "stackTrace": []})
    return handler  # type: ignore[no-any-return]  # whatever the function's module calls its handler


def error_document(exc: BaseException, skip: int = 0) -> dict[str, Any]:
    """Lambda's description of an exception; `skip` of our own frames are left out of the stack."""
    return {
        "errorMessage": str(exc),
        "errorType": type(exc).__name__,
        "stackTrace": traceback.format_tb(exc.__traceback__)[skip:],
    }


# --- the worker --------------------------------------------------------------------------------------------------


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """Read `size` bytes; leaves the process when the other side is gone."""
    chunks = b""
    while len(chunks) < size:
        chunk = sock.recv(min(size - len(chunks), 1 << 20))
        if not chunk:
            os._exit(0)
        chunks += chunk
    return chunks


def serve(sock: socket.socket, handler: Handler | None, handler_name: str) -> None:
    """Answer one event after another until the socket closes."""
    failure: dict[str, Any] | None = None
    if handler is None:
        try:
            handler = load_handler(handler_name)
        except HandlerError as exc:
            failure = exc.document
            print_error(failure)
    sock.sendall(READY)
    while True:
        header_size, event_size = REQUEST.unpack(read_exactly(sock, REQUEST.size))
        received = read_exactly(sock, header_size + event_size)
        context = LambdaContext(json.loads(received[:header_size]))
        if handler is None:
            assert failure is not None
            status, answer = 1, json.dumps({**failure, "requestId": context.aws_request_id}).encode()
        else:
            status, answer = invoke(handler, received[header_size:], context)
        sys.stdout.flush()
        sys.stderr.flush()
        sock.sendall(RESPONSE.pack(status, len(answer)) + answer)


def invoke(handler: Handler, payload: bytes, context: LambdaContext) -> tuple[int, bytes]:
    """Run the handler once; a raised exception becomes Lambda's error document, as does an unserialisable answer."""
    try:
        answer = handler(json.loads(payload), context)
    except Exception as exc:  # noqa: BLE001 - whatever the handler raises is its answer
        document = {**error_document(exc, skip=1), "requestId": context.aws_request_id}
        print_error(document)
        return 1, json.dumps(document).encode()
    try:
        return 0, json.dumps(answer).encode()
    except (TypeError, ValueError) as exc:
        message = f"Unable to marshal response: {exc}"
        document = {"errorType": "Runtime.MarshalError", "errorMessage": message, "stackTrace": []}
        print_error(document)
        return 1, json.dumps({**document, "requestId": context.aws_request_id}).encode()


def print_error(document: dict[str, Any]) -> None:
    """Log an error as Lambda's runtime does, on one line."""
    where = "".join(document["stackTrace"]).rstrip().replace("\n", "\r")
    print(f"[ERROR] {document['errorType']}: {document['errorMessage']}\r{where}".rstrip("\r"), flush=True)


# --- the image ---------------------------------------------------------------------------------------------------


class Image:
    """The process workers are forked from."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._config = self._read_config()
        self._handler: Handler | None = None
        self._children: set[int] = set()
        self._hooks = offer_hooks()

    def _read_config(self) -> dict[str, Any]:
        (size,) = struct.unpack("!I", read_exactly(self._control, 4))
        config: dict[str, Any] = json.loads(read_exactly(self._control, size))
        return config

    def run(self) -> None:
        """Load what is to be loaded, then fork on request until the control socket closes."""
        os.chdir(self._config["root"])
        sys.path[:0] = self._config["path"]
        started = time.perf_counter()
        if self._config["snap"]:
            self._take_snapshot()
        took_ms = round((time.perf_counter() - started) * 1000)
        self._say(event="ready", init_ms=took_ms, threads=threading.active_count(), loaded=self._handler is not None)
        waker, _ = wakeup_pipe()
        while True:
            control = self._control.fileno()
            readable, _, _ = select.select([control, waker], [], [])
            if waker in readable:
                os.read(waker, 512)
                self._reap()
            if control in readable and not self._obey():
                return

    def _take_snapshot(self) -> None:
        try:
            self._handler = load_handler(self._config["handler"])
        except HandlerError:
            return  # Each worker tries again and answers with the error.
        for hook in reversed(self._hooks["before_snapshot"]):
            hook()
        gc.collect()
        gc.freeze()

    def _obey(self) -> bool:
        """Carry out one request; false when the parent is gone."""
        data, descriptors, _, _ = socket.recv_fds(self._control, ORDER.size, 2)
        if len(data) < ORDER.size:
            return False
        order, pid = ORDER.unpack(data)
        if order == b"F":
            self._fork(descriptors[0], descriptors[1])
        elif pid in self._children:
            os.kill(pid, signal.SIGKILL)
        return True

    def _fork(self, invocations: int, logs: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_worker(invocations, logs)
        os.close(invocations)
        os.close(logs)
        self._children.add(pid)
        self._say(event="started", pid=pid)

    def _become_worker(self, invocations: int, logs: int) -> None:
        try:
            die_with_parent()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            os.dup2(logs, 1)
            os.dup2(logs, 2)
            os.close(logs)
            if self._handler is not None:
                for hook in self._hooks["after_restore"]:
                    hook()
            serve(socket.socket(fileno=invocations), self._handler, self._config["handler"])
        except BaseException:  # noqa: BLE001 - a forked child must never return into the image's loop
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(1)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._say(event="exited", pid=pid, status=os.waitstatus_to_exitcode(status))

    def _say(self, **fields: Any) -> None:
        self._control.sendall(json.dumps(fields).encode() + b"\n")


def wakeup_pipe() -> tuple[int, int]:
    """A pipe that becomes readable when a child ends."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
    signal.set_wakeup_fd(writer)
    return reader, writer


def offer_hooks() -> dict[str, list[Callable[[], Any]]]:
    """Stand in for `snapshot_restore_py`, which Lambda's runtime brings along; returns the registered hooks."""
    hooks: dict[str, list[Callable[[], Any]]] = {"before_snapshot": [], "after_restore": []}

    def register(moment: str) -> Callable[..., Any]:
        def add(hook: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
            hooks[moment].append(functools.partial(hook, *args, **kwargs))
            return hook

        return add

    module = types.ModuleType("snapshot_restore_py", "SnapStart's runtime hooks, local stand-in.")
    vars(module).update({f"register_{moment}": register(moment) for moment in hooks})
    sys.modules[module.__name__] = module
    return hooks


def main() -> None:
    """Run an image; the parent's end closes everything it started."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group: the supervisor decides.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a text file here
    try:
        Image(socket.socket(fileno=int(sys.argv[1]))).run()
    except BaseException:  # noqa: BLE001 - said before the group, this process included, is killed
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
