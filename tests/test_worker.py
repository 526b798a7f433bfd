"""The same function_app.py in Microsoft's own worker library, as Azure runs it."""

import contextlib
import json
import subprocess
import threading
from pathlib import Path

import pytest

from bridge.entries import from_message
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.sources import SOURCES
from tests.graph_servers import GROUP, mailbox_at
from tests.local_stack import ROOT, SECRET, environment

WORKER = ROOT / ".venv-worker"
PATIENCE = 60.0
OPENED = (ROOT / "samples/github/issues.opened.json").read_bytes()

pytestmark = pytest.mark.skipif(
    not (WORKER / "ready").exists(),
    reason="no Functions worker library here: `make test` installs it where there is Python 3.13 or newer",
)


class Worker:
    """A process with the worker library, driven by lines of JSON."""

    def __init__(self, process, mailbox, outbox):
        self._process, self.mailbox, self.outbox = process, mailbox, outbox

    def ask(self, **asked):
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        # A worker that does not answer must not keep the suite.
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            return json.loads(self._process.stdout.readline())
        finally:
            watchdog.cancel()

    def webhook(self, secret=SECRET):
        source = SOURCES["github"]
        headers = {**source.headers("issues", "d"), **source.scheme.sign(OPENED, secret)}
        headers = {name.lower(): value for name, value in headers.items()}
        request = {"method": "POST", "headers": headers, "body": OPENED.decode()}
        return self.ask(name="webhook_github", http=request)

    def get(self, name):
        answer = self.ask(name=name, http={"method": "GET", "headers": {}, "body": ""})
        return answer["status"], json.loads(answer["body"])

    def publish(self, message):
        return self.ask(name="publish", queue=message)


@contextlib.contextmanager
def worker(folder: Path, **settings: str):
    outbox = folder / "outbox.sqlite"
    with mailbox_at(folder) as (mailbox, address), (folder / "log").open("wb") as log:
        identity = {"IDENTITY_ENDPOINT": f"{address}/msi/token", "IDENTITY_HEADER": "local"}
        graph = {"BRIDGE_GRAPH_URL": f"{address}/graph/v1.0", "BRIDGE_OUTBOX": str(outbox)}
        own = {"BRIDGE_GROUP": GROUP, "BRIDGE_GITHUB_SECRET": SECRET, "BRIDGE_SETTLE_SECONDS": "0"}
        # The worker's interpreter reports its own coverage to nobody.
        process = subprocess.Popen(
            [WORKER / "bin/python", ROOT / "tests/worker_driver.py"],
            cwd=ROOT,
            env=environment(**identity, **graph, **own | settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        with process:
            try:
                yield Worker(process, mailbox, outbox)
            finally:
                process.kill()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A worker that has indexed the app, with good settings."""
    with worker(tmp_path_factory.mktemp("worker")) as good:
        good.functions = good.ask(index=str(ROOT))
        yield good


def bindings(functions):
    """(type, the binding's own words) for each binding of each function."""
    own = ("route", "methods", "authLevel", "queueName", "connection", "schedule")
    return {
        name: {binding["type"]: {word: binding[word] for word in own if word in binding} for binding in found}
        for name, found in functions.items()
    }


QUEUE = {"queueName": "entries", "connection": "AzureWebJobsStorage"}


def test_every_function_is_indexed_with_its_bindings(good):
    assert bindings(good.functions) == {
        "webhook_github": {
            "httpTrigger": {"route": "webhooks/github", "methods": ["POST"], "authLevel": "ANONYMOUS"},
            "queue": QUEUE,
            "http": {},
        },
        "publish": {"queueTrigger": QUEUE},
        "sweep": {"timerTrigger": {"schedule": "0 */5 * * * *"}},
        "health": {"httpTrigger": {"route": "health", "methods": ["GET"], "authLevel": "ANONYMOUS"}, "http": {}},
        "health_details": {
            "httpTrigger": {"route": "health/details", "methods": ["GET"], "authLevel": "FUNCTION"},
            "http": {},
        },
    }


def test_a_webhook_an_entry_and_a_wake_end_in_a_thread(good):
    answer = good.webhook()
    (message,) = answer["outputs"]["entries"]
    assert (int(answer["status"]), json.loads(answer["body"])) == (202, {"accepted": [from_message(message).id]})
    for _ in range(2):  # the same again is a repeat
        assert good.publish(message) == {"outputs": {}}
    with contextlib.closing(SqliteQueue(good.outbox)) as wakes:
        while wake := wakes.take(60):
            assert good.publish(wake.body) == {"outputs": {}}
            wakes.delete(wake)
    (thread,) = good.mailbox.threads(GROUP)
    assert (thread.topic, thread.posts) == ("contoso/pump: The pump runs dry #7", 1)
    assert good.get("health") == ("200", {"ok": True})
    assert good.get("health_details") == ("200", {"ok": True, "open": 0, "dead": 0, "held": {}, "paused": []})


def test_who_is_not_proved_puts_nothing_on_the_queue(good):
    answer = good.webhook(secret="another")
    assert (answer["status"], answer["outputs"]) == ("401", {})


def test_wrong_settings_are_indexed_all_the_same_and_answer_503(tmp_path, good):
    with worker(tmp_path, BRIDGE_GROUP="no-object-id", BRIDGE_GITHUB_SECRET="hush") as wrong:
        assert bindings(wrong.ask(index=str(ROOT))) == bindings(good.functions)
        assert wrong.webhook()["status"] == "503"
        assert wrong.get("health") == ("503", {"ok": False})
        status, told = wrong.get("health_details")
        assert status == "503"
        assert "BRIDGE_GROUP" in str(told)
        # The message stays in the queue until the settings are mended.
        assert "BRIDGE_GROUP" in wrong.publish("{}")["failure"]
    log = (tmp_path / "log").read_text()
    assert "BRIDGE_GROUP" in log
    assert "hush" not in str(told) + log


def test_without_a_secret_the_function_key_is_asked_for(tmp_path):
    with worker(tmp_path, BRIDGE_GITHUB_SECRET="") as keyed:
        functions = bindings(keyed.ask(index=str(ROOT)))
        assert functions["webhook_github"]["httpTrigger"]["authLevel"] == "FUNCTION"
        assert keyed.webhook()["status"] == "202"
