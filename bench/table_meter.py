"""Stands between the system and its table engine, passes every request on, and counts it as DynamoDB would bill it.

Write units: 1 KB each of the larger of the item before and after, doubled in a transaction; a condition that fails is
billed too. Read units: 4 KB each of whole items, whatever is projected, halved where eventually consistent. Counting
happens after the answer has gone out, so that it does not slow what is measured; what must be read for it is read from
the engine directly.
"""

from __future__ import annotations

import base64
import http.client
import json
import queue
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Item = Mapping[str, Any]
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})
_BILLED_REFUSALS = ("ConditionalCheckFailedException", "TransactionCanceledException")


def item_size(item: Item) -> int:
    """Bytes of an item as DynamoDB counts them: UTF-8 names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Item) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = content.lstrip("-").replace(".", "").strip("0") or "0"
            return (len(digits) + 1) // 2 + 1 + content.startswith("-")
        case "B":
            return len(base64.b64decode(content))
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _value_size(each) for each in content)
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: each}) for each in content)
    return 1  # BOOL, NULL


def units(size: int, unit: int) -> int:
    """Started units; nothing at all is one."""
    return max(1, -(-size // unit))


class TableMeter:
    """The counts.

    Attributes:
        requests: By operation.
        units: ``write`` and ``read``.
        items: Write units by kind of item.
    """

    def __init__(self, host: str, port: int) -> None:
        self.requests: Counter[str] = Counter()
        self.units = {"write": 0.0, "read": 0.0}
        self.items: Counter[str] = Counter()
        self._address = (host, port)
        self._sizes: dict[str, int] = {}
        self._keys: dict[str, list[str]] = {}
        self._waiting: queue.Queue[tuple[str, Item, int, bytes]] = queue.Queue()
        self._own = threading.local()
        self._headers: dict[str, str] = {}

    def forward(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask the engine, over a connection that each thread keeps."""
        for last in (False, True):
            if getattr(self._own, "connection", None) is None:
                self._own.connection = http.client.HTTPConnection(*self._address, timeout=30)
            try:
                self._own.connection.request("POST", path, body, dict(headers))
                answer = self._own.connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (http.client.HTTPException, OSError):
                self._own.connection = None  # The engine closes what was idle.
                if last:
                    raise
        raise AssertionError

    def noticed(self, headers: Mapping[str, str], body: bytes, status: int, answer: bytes) -> None:
        """Count a request, soon."""
        service, _, operation = headers.get("X-Amz-Target", "").partition(".")
        if service.startswith("DynamoDB_"):
            self._headers = {name: value for name, value in headers.items() if name.lower() not in _HOP}
            self._waiting.put((operation, json.loads(body or b"{}"), status, answer))

    def settle(self) -> None:
        """Wait until everything noticed has been counted."""
        self._waiting.join()

    def count(self) -> None:
        """Count for ever; for a thread of its own."""
        counters: dict[str, Callable[[Item, Item], None]] = {
            "PutItem": self._write, "UpdateItem": self._write, "DeleteItem": self._write,
            "TransactWriteItems": self._transact, "GetItem": self._get, "BatchGetItem": self._batch_get,
            "Query": self._query,
        }  # fmt: skip
        while True:
            operation, request, status, answer = self._waiting.get()
            try:
                billed = status < 300 or any(name.encode() in answer for name in _BILLED_REFUSALS)
                if operation in counters and billed:
                    self.requests[operation] += 1
                    counters[operation](request, json.loads(answer or b"{}") if status < 300 else {})
                elif not operation.startswith(("Create", "Describe", "List", "Scan", "Update")):
                    self.requests[f"{operation} (not counted)"] += 1
            finally:
                self._waiting.task_done()

    # --- writes

    def _write(self, request: Item, _: Item, times: int = 1) -> None:
        table = request["TableName"]
        key = request.get("Key") or {name: request["Item"][name] for name in self._key_of(table)}
        name = json.dumps([table, key], sort_keys=True)
        before = self._sizes.get(name, 0)
        after = item_size(self._stored(table, key))
        self._sizes[name] = after
        billed = times * units(max(before, after), 1024)
        self.units["write"] += billed
        self.items[" ".join(re.split("[^A-Z_]", key[part]["S"])[0] or "…" for part in sorted(key))] += billed

    def _transact(self, request: Item, _: Item) -> None:
        for action in request["TransactItems"]:
            ((_kind, each),) = action.items()
            self._write(each, {}, times=2)

    def _key_of(self, table: str) -> list[str]:
        if table not in self._keys:
            schema = self._ask("DescribeTable", {"TableName": table})["Table"]["KeySchema"]
            self._keys[table] = [each["AttributeName"] for each in schema]
        return self._keys[table]

    # --- reads

    def _get(self, request: Item, _: Item) -> None:
        self._read(item_size(self._stored(request["TableName"], request["Key"])), request)

    def _batch_get(self, request: Item, _: Item) -> None:
        for table, wanted in request["RequestItems"].items():
            for key in wanted["Keys"]:
                self._read(item_size(self._stored(table, key)), wanted)

    def _query(self, request: Item, _: Item) -> None:
        """What was read, before it was filtered and projected."""
        kept = (
            "TableName", "KeyConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "Limit",
            "ExclusiveStartKey", "ScanIndexForward", "ConsistentRead", "IndexName",
        )  # fmt: skip
        found = self._ask("Query", {name: request[name] for name in kept if name in request})
        self._read(sum(item_size(item) for item in found.get("Items", [])), request)

    def _read(self, size: int, request: Item) -> None:
        self.units["read"] += units(size, 4096) * (1 if request.get("ConsistentRead") else 0.5)

    def _stored(self, table: str, key: Item) -> Item:
        item: Item = self._ask("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}).get("Item") or {}
        return item

    def _ask(self, operation: str, request: Item) -> dict[str, Any]:
        headers = {**self._headers, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        _, _, answer = self.forward("/", headers, json.dumps(request).encode())
        found: dict[str, Any] = json.loads(answer)
        return found


@contextmanager
def metered(host: str, port: int) -> Iterator[tuple[TableMeter, str]]:
    """A meter in front of a table engine, and the URL it is to be reached at."""
    meter = TableMeter(host, port)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            status, answered, answer = meter.forward(self.path, headers, body)
            self.send_response_only(status)
            for name, value in answered:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            self.wfile.flush()
            meter.noticed(headers, body, status, answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Whoever hung up has ended; nothing to say."""

    with Server((host, 0), Handler) as server:
        for loop in (server.serve_forever, meter.count):
            threading.Thread(target=loop, daemon=True).start()
        yield meter, f"http://{host}:{server.server_address[1]}"
        server.shutdown()
