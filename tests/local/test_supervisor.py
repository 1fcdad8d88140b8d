"""`python -m local` as a whole, over the product's own template."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.home import FunctionLogs, RunFile, prepare_home
from local.processes import StartError, free_port
from local.reset import forget
from local.services import Endpoints
from local.settings import load_settings
from local.supervisor import Supervisor, worker_environment
from tests.local.conftest import is_running

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".local" / "tools"
needs_ministack = pytest.mark.skipif(
    not (TOOLS / "ministack").exists(), reason="MiniStack is not installed; `make test` installs it"
)


class Run:
    """One `python -m local`."""

    def __init__(self, home: Path, port: int, **environment: str) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{port}"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**inherited, "RINGFOLD_HOME": str(home), "PORT": str(port), **environment},
        )

    def wait_until_ready(self) -> Any:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200:
                    return json.loads((self.home / "run.json").read_text())
            except (httpx.HTTPError, FileNotFoundError):
                pass
            time.sleep(0.05)
        raise AssertionError(self.finish())

    def finish(self, number: signal.Signals | None = None) -> tuple[int, str]:
        if number is not None:
            self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "tools").symlink_to(TOOLS)
    yield folder
    assert [] == processes_of(folder)


def processes_of(home: Path) -> list[int]:
    """The processes that were told where `.local` is: the supervisor and the services."""
    marked = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = str(home).encode() in (entry / "environ").read_bytes()
        except OSError:
            continue
        if told and is_running(int(entry.name)):
            marked.append(int(entry.name))
    return marked


def workers_of(run: Run) -> list[int]:
    """The images and workers of every function."""
    pools = httpx.get(f"{run.url}/local/workers", trust_env=False).json()["pools"]
    return [pid for pool in pools for pid in (pool["image"], *(worker["pid"] for worker in pool["workers"]))]


@needs_ministack
@pytest.mark.slow
@pytest.mark.accept("G14")
def test_a_run_from_start_to_restart(home: Path) -> None:
    """A run is ready in seconds, tells clients what they need, ends whole on a signal, and keeps its state."""
    port = free_port()
    run = Run(home, port)
    document = run.wait_until_ready()
    file_mode = stat.S_IMODE((home / "run.json").stat().st_mode)
    home_mode = stat.S_IMODE(home.stat().st_mode)
    second = Run(home, port).finish()
    elsewhere = home.parent / "elsewhere"
    taken = Run(elsewhere, port).finish()
    with pytest.raises(BlockingIOError):
        forget(home)
    workers = workers_of(run)
    status, output = run.finish(signal.SIGTERM)
    leftover = processes_of(home) + [pid for pid in workers if is_running(pid)]
    gone = not (home / "run.json").exists()

    again = Run(home, port)
    restarted = again.wait_until_ready()
    again.finish(signal.SIGINT)
    forget(home)

    assert {
        "public_base_url", "platform_admin_token", "organizations", "accounts", "numbers", "carrier_url",
        "aws_endpoint_url",
    } == set(document)  # fmt: skip
    assert f"http://127.0.0.1:{port}" == document["public_base_url"]
    assert (0o600, 0o700) == (file_mode, home_mode)
    assert {"id", "organization_id", "account_sid", "auth_token"} == set(document["accounts"][0])
    assert {"id", "name", "admin_token", "viewer_token"} == set(document["organizations"][0])
    listed = {"id", "phone_number", "organization_id", "account_id", "routing_mode", "transfer_number", "language"}
    assert listed == set(document["numbers"][0])
    assert (1, True) == (second[0], "runs here already" in second[1])
    assert (1, True) == (taken[0], f"port {port} is taken" in taken[1])
    assert len(workers) >= 12
    assert (0, True) == (status, "Ringfold is ready" in output)
    assert "Traceback" not in output + second[1] + taken[1]
    assert ([], True) == (leftover, gone)
    assert document["accounts"] == restarted["accounts"]
    assert not (home / "state").exists()


@needs_ministack
@pytest.mark.slow
def test_what_twilios_side_knows_survives_a_restart(home: Path) -> None:
    """A number bought at the carrier and a rotated token are there after a restart, and clients are told the token."""
    port = free_port()
    run = Run(home, port)
    account = run.wait_until_ready()["accounts"][0]
    twilio = f"{run.url}/local/carrier"
    sid, auth = account["account_sid"], (account["account_sid"], account["auth_token"])
    numbers = f"{twilio}/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json"
    with httpx.Client(trust_env=False, auth=auth) as http:
        bought = http.post(numbers, data={"PhoneNumber": "+17375550101"}).json()
        secondary = http.post(f"{twilio}/v1/AuthTokens/Secondary").json()["secondary_auth_token"]
        http.post(f"{twilio}/v1/AuthTokens/Promote").raise_for_status()
    deadline = time.monotonic() + 10
    told = account
    while told["auth_token"] == account["auth_token"] and time.monotonic() < deadline:
        time.sleep(0.05)
        told = json.loads((home / "run.json").read_text())["accounts"][0]
    run.finish(signal.SIGTERM)

    again = Run(home, free_port())
    restarted = again.wait_until_ready()["accounts"][0]
    twilio = f"{again.url}/local/carrier"
    listed = httpx.get(
        f"{twilio}/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers/{bought['sid']}.json",
        auth=(sid, secondary),
        trust_env=False,
    )
    callable_numbers = httpx.get(f"{twilio}/numbers", trust_env=False).json()["numbers"]
    again.finish(signal.SIGINT)
    forget(home)

    assert (secondary, secondary) == (told["auth_token"], restarted["auth_token"])
    assert "+17375550101" == listed.json()["phone_number"]
    assert "+17375550101" in [each["phone_number"] for each in callable_numbers]
    assert not (home / "state").exists()


def test_books_that_cannot_be_read_are_explained(tmp_path: Path) -> None:
    """The carrier's books of another version end the run with what forgets them."""
    prepare_home(tmp_path)
    (tmp_path / "state" / "carrier.json").write_text("{}")
    settings = load_settings({"RINGFOLD_HOME": str(tmp_path)})
    run = RunFile(settings, None, "http://127.0.0.1:1", ENDPOINTS)

    with pytest.raises(StartError, match="make reset"):
        Supervisor(settings)._carrier(run, lambda: None)


@needs_ministack
@pytest.mark.slow
def test_administrators_are_served_and_noted(home: Path) -> None:
    """The tokens of run.json open the API; what they change is in run.json at once, and at the next start."""
    run = Run(home, free_port())
    document = run.wait_until_ready()
    platform = {"authorization": f"Bearer {document['platform_admin_token']}"}
    viewer = {"authorization": f"Bearer {document['organizations'][0]['viewer_token']}"}
    account = {"name": "Ours", "account_sid": f"AC{'0123456789abcdef' * 2}", "auth_token": "x" * 20}

    with httpx.Client(base_url=run.url, trust_env=False, timeout=30) as client:
        nobody = client.get("/api/organizations")
        seen = client.get("/api/organizations", headers=viewer)
        refused = client.post("/api/organizations", json={"name": "No"}, headers=viewer)
        made = client.post("/api/organizations", json={"name": "New"}, headers=platform)
        added = client.post("/api/voice/accounts", json=account, headers=platform)
        fallback = client.post("/fallback/voice?transfer=%2B15125550190", data={"CallSid": "CA1"})
        traffic = client.get("/local/traffic").text
    deadline = time.monotonic() + 10
    noted = document
    while len(noted["accounts"]) == len(document["accounts"]) and time.monotonic() < deadline:
        time.sleep(0.05)
        noted = json.loads((home / "run.json").read_text())
    run.finish(signal.SIGTERM)
    again = Run(home, free_port())
    restarted = again.wait_until_ready()
    key_mode = stat.S_IMODE((home / "state" / "token_key.pem").stat().st_mode)
    again.finish(signal.SIGTERM)

    assert [401, 200, 403, 201, 201, 200] == [
        each.status_code for each in (nobody, seen, refused, made, added, fallback)
    ]
    assert ["org_skyowl"] == [each["id"] for each in seen.json()["organizations"]]
    assert "unauthenticated" == nobody.json()["error"]["code"]
    assert "<Dial" in fallback.text
    for told in (noted, restarted):
        assert made.json()["id"] in {each["id"] for each in told["organizations"]}
        assert (added.json()["id"], "x" * 20) in {(each["id"], each["auth_token"]) for each in told["accounts"]}
    logs = "".join(path.read_text() for path in (home / "log").glob("*.log"))
    assert "x" * 20 not in traffic + logs
    assert "eyJ" not in traffic + logs
    assert 0o600 == key_mode


@needs_ministack
@pytest.mark.slow
def test_killed_run_leaves_nothing_behind(home: Path) -> None:
    """When the supervisor itself is killed, its workers and services end too, and MiniStack still saves its state."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent died")
    run = Run(home, free_port())
    run.wait_until_ready()
    workers = workers_of(run)

    run.process.kill()
    run.process.communicate()
    deadline, left = time.monotonic() + 15, [0]
    while left and time.monotonic() < deadline:
        left = processes_of(home) + [pid for pid in workers if is_running(pid)]
        time.sleep(0.05)

    assert [] == left
    assert (home / "state" / "aws" / "dynamodb.json").exists()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PORT": "http"}, "PORT is 'http'; expected a whole number"),
        ({"MODEL": "other"}, "MODEL is 'other'; expected bedrock"),
        ({"PUBLIC_BASE_URL": "name.example"}, "PUBLIC_BASE_URL is 'name.example'; expected http"),
        ({"GATEWAY_FRAMES": "sideways"}, "GATEWAY_FRAMES or GATEWAY_POSTS: frames.mode is 'sideways'"),
        ({"RINGFOLD_TEMPLATE": "/nowhere.yaml"}, "cannot read /nowhere.yaml"),
        ({"TURN_DISPATCH": "both"}, "allowed: inline, async"),
        ({"FALLBACK_SENTENCE": "Fish & chips"}, "parameter FallbackSentence is 'Fish & chips'; it must match"),
    ],
)
def test_mistakes_are_told_plainly(home: Path, environment: dict[str, str], told: str) -> None:
    """A setting that cannot be meant ends the run at once, with one sentence and no traceback."""
    status, output = Run(home, environment.pop("PORT", free_port()), **environment).finish()  # type: ignore[arg-type]

    assert 1 == status
    assert output.startswith("Ringfold cannot run: ")
    assert told in output
    assert "Traceback" not in output


def test_home_of_another_version_is_refused(tmp_path: Path) -> None:
    """State another version wrote is not touched; the message says what forgets it."""
    prepare_home(tmp_path)
    (tmp_path / "state" / "version").write_text("0")

    with pytest.raises(StartError, match="make reset"):
        prepare_home(tmp_path)


def test_home_that_cannot_be_used_is_explained(tmp_path: Path) -> None:
    """A file where the folder should be is a plain message."""
    (tmp_path / "home").write_text("")

    with pytest.raises(StartError, match="cannot use"):
        prepare_home(tmp_path / "home")


def test_reset_keeps_tools_and_logs(tmp_path: Path) -> None:
    """Forgetting removes the state only; on a machine without any it does nothing."""
    prepare_home(tmp_path)
    for name in ("tools", "log"):
        (tmp_path / name).mkdir()

    forget(tmp_path)
    forget(tmp_path / "never")

    assert {"tools", "log", "lock"} == {path.name for path in tmp_path.iterdir()}


ENDPOINTS = Endpoints("us-east-1", "http://127.0.0.1:1", "http://127.0.0.1:2")


def test_functions_reach_this_machine_only() -> None:
    """Functions get made-up keys and an endpoint here for every service."""
    environment = worker_environment(load_settings({}), ENDPOINTS, "http://127.0.0.1:3", "http://127.0.0.1:4")

    assert ("local", "local") == (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    assert {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:2",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:3",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:8000",
        "TWILIO_API_BASE_URL": "http://127.0.0.1:4",
    }.items() <= environment.items()


def test_real_bedrock_gets_the_callers_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """With MODEL=bedrock the caller's credentials are passed on and only Bedrock is left to its own endpoint."""
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMINE")

    environment = worker_environment(load_settings({"MODEL": "bedrock"}), ENDPOINTS, None, "http://127.0.0.1:4")

    assert ("mine", "AKIAMINE") == (environment["AWS_PROFILE"], environment["AWS_ACCESS_KEY_ID"])
    assert {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"}.isdisjoint(environment)
    assert "http://127.0.0.1:1" == environment["AWS_ENDPOINT_URL_SQS"]


def test_logs_are_kept_by_function(tmp_path: Path) -> None:
    """Each function has a log file only its owner reads."""
    logs = FunctionLogs(tmp_path / "log")
    logs.write("web", "one")
    logs.write("web", "two")
    logs.close()

    path = tmp_path / "log" / "web.log"
    assert ("one\ntwo\n", 0o600) == (path.read_text(), stat.S_IMODE(path.stat().st_mode))
