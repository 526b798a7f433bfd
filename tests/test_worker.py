"""The same function_app.py in Microsoft's own worker library, as Azure runs it."""

import contextlib
import json
import re
import subprocess
import threading
from pathlib import Path

import pytest
import requests

from bridge import __version__
from bridge.deliveries import DeliveryRecord
from bridge.entries import Entry, from_message, records_in
from bridge.local.sending import OutgoingWebhook, event_name, signed, with_function_key
from bridge.outbox.azure_queue import AzureQueue
from bridge.outbox.azure_storage import Account
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.payloads import from_bytes
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.azurite import needs_azurite
from tests.graph_servers import GROUP, fake_graph_at
from tests.local_stack import ROOT, SECRET, environment, polling, running

WORKER = ROOT / ".venv-worker"
PATIENCE = 60.0
# Standard Webhooks takes none but Base64.
STANDARD = dict.fromkeys(("standard_webhooks", "incident_io"), "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHMh")
PLAIN_SECRETS = dict.fromkeys(SOURCES, SECRET) | STANDARD
SECRETS = {source.secret_setting: PLAIN_SECRETS[name] for name, source in SOURCES.items()}
CREDENTIALS = Settings(secrets={name: (secret,) for name, secret in PLAIN_SECRETS.items()})
# One of each that differs for a host, by its bindings and by its verifier: tests/test_sources.py has all of them.
SHAPES = {(source.methods, type(source.verifier)): name for name, source in sorted(SOURCES.items(), reverse=True)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (WORKER / "ready").exists(),
        reason="no Functions worker library here: `make test` installs it where there is Python 3.13 or newer",
    ),
]


class Worker:
    """A process with the worker library, driven by lines of JSON."""

    def __init__(self, process, fake_graph, outbox, log):
        self._process, self.fake_graph, self.outbox, self._log = process, fake_graph, outbox, log
        self._answers = []

    def ask(self, **asked):
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        # A worker that does not answer must not keep the suite.
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            self._answers.append(self._process.stdout.readline())
            return json.loads(self._answers[-1])
        finally:
            watchdog.cancel()

    @property
    def written(self):
        """Everything that it has written: its log, in full detail, and its answers."""
        return self._log.read_text() + "".join(self._answers)

    def webhook(self, sample="issues.opened", secret=SECRET):
        source, body = SOURCES["github"], (ROOT / f"bridge/sources/github/samples/{sample}.json").read_bytes()
        headers = {**source.headers(sample.split(".")[0], "d"), **source.verifier.sign(body, secret)}
        return self.post("github", headers, body)

    def post(self, source, headers, body):
        headers = {name.lower(): value for name, value in headers.items()}
        return self.ask(name=f"webhook_{source}", http={"method": "POST", "headers": headers, "body": body.decode()})

    def get(self, name):
        answer = self.ask(name=name, http={"method": "GET", "headers": {}, "body": ""})
        return answer["status"], json.loads(answer["body"])

    def publish(self, message):
        return self.ask(name="publish", queue=message)


@contextlib.contextmanager
def worker(folder: Path, **settings: str):
    outbox = folder / "outbox.sqlite"
    with fake_graph_at(folder) as (fake_graph, address), (folder / "log").open("wb") as log:
        identity = {"IDENTITY_ENDPOINT": f"{address}/msi/token", "IDENTITY_HEADER": "local"}
        graph = {"BRIDGE_GRAPH_URL": f"{address}/graph/v1.0", "BRIDGE_OUTBOX": str(outbox)}
        own = {"BRIDGE_GROUP": GROUP, **SECRETS, "BRIDGE_SETTLE_SECONDS": "0"}
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
                yield Worker(process, fake_graph, outbox, folder / "log")
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


def webhook_bindings(source):
    """Those of a webhook's function, where its secret is set."""
    level = "ANONYMOUS" if source.verifier else "FUNCTION"
    return {
        "httpTrigger": {"route": f"webhooks/{source.name}", "methods": list(source.methods), "authLevel": level},
        "queue": QUEUE,
        "http": {},
    }


def test_every_function_is_indexed_with_its_bindings(good):
    assert bindings(good.functions) == {
        **{f"webhook_{name}": webhook_bindings(source) for name, source in SOURCES.items()},
        "publish": {"queueTrigger": QUEUE},
        "sweep": {"timerTrigger": {"schedule": "0 */5 * * * *"}},
        "health": {"httpTrigger": {"route": "health", "methods": ["GET"], "authLevel": "ANONYMOUS"}, "http": {}},
        "health_details": {
            "httpTrigger": {"route": "health/details", "methods": ["GET"], "authLevel": "FUNCTION"},
            "http": {},
        },
        "doctor": {"httpTrigger": {"route": "doctor", "methods": ["GET", "POST"], "authLevel": "ADMIN"}, "http": {}},
        "sign_in": {"httpTrigger": {"route": "sign-in", "methods": ["GET"], "authLevel": "ADMIN"}, "http": {}},
        "sign_in_callback": {
            "httpTrigger": {"route": "sign-in/callback", "methods": ["POST"], "authLevel": "ANONYMOUS"},
            "http": {},
        },
    }


def queued(answer):
    """The entries of a webhook and its record, which travels with the first of them, or alone."""
    messages = answer["outputs"]["entries"]
    items = list(map(from_message, messages))
    alone = [item for item in items if isinstance(item, DeliveryRecord)]
    (record,) = alone + [record for message in messages for record in records_in(message)]
    return [item for item in items if isinstance(item, Entry)], record


@pytest.mark.parametrize("sample", ["ping", "issues.opened", "push.created"])
def test_what_a_webhook_is_told_to_be_accepted_is_on_the_queue(good, sample):
    answer = good.webhook(sample)
    entries, record = queued(answer)
    accepted = [entry.id for entry in entries]
    assert record.outcome == ("ignored" if sample == "ping" else "accepted")
    if sample == "ping":
        assert (answer["status"], accepted) == ("200", [])
    else:
        assert (answer["status"], json.loads(answer["body"])) == ("202", {"accepted": accepted})
        assert accepted


def test_the_hosts_trace_context_is_in_the_entry(good):
    driver = (ROOT / "tests/worker_driver.py").read_text()
    entries, _ = queued(good.webhook("issues.opened"))
    for entry in entries:
        assert f'TRACE = "{entry.trace}"' in driver


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The local host, with the same settings."""
    with running(tmp_path_factory.mktemp("local"), BRIDGE_CONFIG="", BRIDGE_GROUP=GROUP, **SECRETS) as local:
        yield local


SENT = {
    "signed": lambda webhook: webhook,
    "unsigned": lambda webhook: OutgoingWebhook({}, webhook.body),
    "another body": lambda webhook: OutgoingWebhook(webhook.headers, b"{"),
}


@pytest.mark.parametrize("spoil", SENT.values(), ids=SENT)
@pytest.mark.parametrize("name", SHAPES.values())
def test_both_hosts_give_the_same_answer(good, local, name, spoil):
    sample = min((ROOT / "bridge/sources" / name / "samples").glob("*.json"))
    event = event_name(sample.name, SOURCES[name].event_parts)
    # The key of a function is the host's to check, before the worker is asked.
    authentication = SOURCES[name].authentication(CREDENTIALS)
    sent = with_function_key(spoil(signed(SOURCES[name], authentication, sample.read_bytes(), event, "both")))
    answer = good.post(name, sent.headers, sent.body)
    url = f"{local.address}/api/webhooks/{SOURCES[name].path}"
    theirs = requests.post(url, sent.body, headers=sent.headers, timeout=PATIENCE)
    # An entry that is recognised by its content has an id of its own for each arrival.
    assert (answer["status"], without_ids(answer["body"])) == (str(theirs.status_code), without_ids(theirs.text))


def without_ids(body):
    return re.sub(r"[0-9a-f]{32}", "an id", body)


def test_each_entry_is_a_separate_message(tmp_path):
    groups = [GROUP, "00000000-0000-4000-8000-0000000000d1"]
    with worker(tmp_path, BRIDGE_CONFIG=f"[[route]]\ngroups = {json.dumps(groups)}") as routed:
        routed.ask(index=str(ROOT))
        entries, record = queued(routed.webhook())
        assert record.entries == tuple(entry.id for entry in entries)
    assert [entry.group for entry in entries] == groups


def test_a_webhook_an_entry_and_a_wake_end_in_a_thread(good):
    for _ in range(2):  # what was delivered is not delivered again
        (message,) = good.webhook()["outputs"]["entries"]
        for _ in range(2):  # nor twice what waits
            assert good.publish(message) == {"outputs": {}}
        with contextlib.closing(SqliteQueue(good.outbox)) as wakes:
            while wake := wakes.take(60):
                assert good.publish(wake.body) == {"outputs": {}}
                wakes.delete(wake)
        (thread,) = good.fake_graph.threads(GROUP)
        (post,) = good.fake_graph.posts(GROUP, thread.id)
        with contextlib.closing(SqliteOutbox(good.outbox)) as outbox:
            (record,) = outbox.history(from_message(message).id)
        assert record.token in post.html
    assert (thread.topic, thread.posts) == ("#7 The pump runs dry · contoso/pump", 1)
    assert good.get("health") == ("200", {"ok": True})
    details = {"ok": True, "open": 0, "dead": 0, "held": {}, "backoff": {}, "paused": [], "waiting": {}}
    details |= {"overdue": {}, "sweep": {"at": None, "age": None}, "poison": 0, "problems": [], "version": __version__}
    assert good.get("health_details") == ("200", details)


def test_an_unauthenticated_sender_puts_nothing_on_the_queue_but_its_record(good):
    answer = good.webhook(secret="another")
    (note,) = answer["outputs"]["entries"]
    record = from_message(note)
    assert (answer["status"], record.outcome, record.authentication) == ("401", "refused", "")


def test_the_secret_is_in_no_answer_and_in_no_log(good):
    (message,) = good.webhook()["outputs"]["entries"]
    assert SECRET not in message
    good.webhook(secret="another")
    good.publish(message)
    good.get("health_details")
    assert "WARNING:bridge.steps:" in good.written  # the log is there, with the step of each webhook
    assert "X-Hub-Signature-256 does not match this body" in good.written
    assert SECRET not in good.written


def test_with_wrong_settings_the_functions_are_indexed_and_answer_503(tmp_path, good):
    with worker(tmp_path, BRIDGE_GROUP="no-object-id", BRIDGE_GITHUB_SECRET="hush") as wrong:
        found = bindings(wrong.ask(index=str(ROOT)))
        assert found.keys() == {*bindings(good.functions), "webhook_declared"}
        assert {found[f"webhook_{name}"]["httpTrigger"]["authLevel"] for name in SOURCES} == {"ANONYMOUS"}
        assert wrong.webhook()["status"] == "503"
        assert wrong.get("health") == ("503", {"ok": False})
        status, details = wrong.get("health_details")
        assert status == "503"
        assert "BRIDGE_GROUP" in str(details)
        # The message stays in the queue until the settings are mended.
        assert "BRIDGE_GROUP" in wrong.publish("{}")["failure"]
        assert "The settings are wrong, no webhook is accepted: BRIDGE_GROUP" in wrong.written
        assert "no-object-id" not in wrong.written
        assert "hush" not in wrong.written


def test_without_a_secret_the_function_key_is_asked_for(tmp_path):
    with worker(tmp_path, BRIDGE_GITHUB_SECRET="") as keyed:
        functions = bindings(keyed.ask(index=str(ROOT)))
        assert functions["webhook_github"]["httpTrigger"]["authLevel"] == "FUNCTION"
        assert keyed.webhook()["status"] == "202"


def test_where_payloads_are_kept_the_host_writes_a_blob(tmp_path):
    with worker(tmp_path, BRIDGE_KEEP_PAYLOADS_HOURS="24") as keeping:
        functions = keeping.ask(index=str(ROOT))
        (blob,) = [one for one in functions["webhook_github"] if one["type"] == "blob"]
        assert (blob["path"], blob["connection"]) == ("payloads/{DateTime}-{rand-guid}", "AzureWebJobsStorage")
        outputs = keeping.webhook()["outputs"]
        payload, (record,) = from_bytes(outputs["payload"].encode()), records_in(outputs["entries"][0])
        assert (payload.id, record.payload) == (record.id, len(outputs["payload"].encode()))
        assert "payload" not in keeping.webhook(secret="another")["outputs"]


@needs_azurite
def test_with_a_storage_account_outbox_and_wakes_are_there(tmp_path, storage):
    account = storage.account()
    # An entry that has not settled is posted by its wake, which comes when it has.
    with worker(tmp_path, AzureWebJobsStorage=account, BRIDGE_SETTLE_SECONDS="1") as azure:
        azure.ask(index=str(ROOT))
        (message,) = azure.webhook()["outputs"]["entries"]
        assert azure.publish(message) == {"outputs": {}}
        assert [thread.posts for thread in azure.fake_graph.threads(GROUP)] == []
        with contextlib.closing(AzureQueue(Account(account))) as wakes:
            wake = next(taken for _ in polling() if (taken := wakes.take(60)))
            assert azure.publish(wake.body) == {"outputs": {}}
        assert [thread.posts for thread in azure.fake_graph.threads(GROUP)] == [1]
        assert not azure.outbox.exists()


@needs_azurite
def test_an_entry_that_need_not_settle_is_posted_by_the_execution_that_records_it(tmp_path, storage):
    with worker(tmp_path, AzureWebJobsStorage=storage.account(), BRIDGE_SETTLE_SECONDS="0") as azure:
        azure.ask(index=str(ROOT))
        (message,) = azure.webhook()["outputs"]["entries"]
        assert azure.publish(message) == {"outputs": {}}
        assert [thread.posts for thread in azure.fake_graph.threads(GROUP)] == [1]
