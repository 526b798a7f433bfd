"""The memory of an instance: Microsoft's worker library with the app, as it receives and as it posts.

In Azure these are two instances, as the webhooks and each queue function scale by themselves. The Functions host runs
beside the worker; the platform adds 272 MB to each instance for it and for the system, which are not charged:
https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#instance-memory
Without the worker library, which needs Python 3.13, there are no rows.
"""

import contextlib
import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Wake, to_message
from bridge.settings import Settings
from tests.azurite import AZURITE, azurite
from tests.bench import outage
from tests.bench.answer import DOWN, RATE, THREADS
from tests.bench.executions import instance_memory
from tests.bench.graph import graph
from tests.bench.payloads import SECRET, SUBJECTS, Subject
from tests.bench.rows import Row, scratch
from tests.bench.start import app_of_package
from tests.local_stack import GROUPS, NAMES, ROOT, environment

WORKER = ROOT / ".venv-worker"
GROUP = GROUPS[NAMES[0]]
WEBHOOKS, POSTS = 1000, 100
DRAIN = 20  # entries between two wakes
LONGEST = 24 * 1024  # KB: GitHub sends up to 25 MB
SECRETS = {f"BRIDGE_{subject.source.upper()}_SECRET": SECRET for subject in SUBJECTS}


def rows() -> Iterator[Row]:
    """The most memory that a worker has had, against that of an instance."""
    if not (WORKER / "ready").exists():
        return
    memory = instance_memory()
    with tempfile.TemporaryDirectory() as folder:
        app = app_of_package(Path(folder) / "app")
        with _worker(app, {}) as worker:
            requests = [_request(subject, 5) for subject in SUBJECTS]
            for request in itertools.islice(itertools.cycle(requests), WEBHOOKS):
                worker.receive(request)
            yield Row(f"memory of an instance that receives {WEBHOOKS} webhooks", worker.peak(), memory, "MB", 0.5)
            worker.receive(_request(SUBJECTS[0], LONGEST))
            yield Row(
                f"memory of an instance that receives one of {LONGEST // 1024} MB", worker.peak(), memory, "MB", 0.75
            )
        with _storage() as storage, graph() as address:
            posting = {"BRIDGE_GRAPH_URL": f"{address}/graph/v1.0", "IDENTITY_ENDPOINT": f"{address}/msi/token"}
            with _worker(app, posting | storage) as worker:
                _post(worker)
                yield Row(f"memory of an instance that posts {POSTS} entries", worker.peak(), memory, "MB", 0.5)
            with scratch() as files, _worker(app, posting | {"BRIDGE_OUTBOX": str(files / "outbox.sqlite")}) as worker:
                outage.leave(files / "outbox.sqlite", GROUP, DOWN, RATE, THREADS)
                worker.ask(name="publish", queue=to_message(Wake(GROUP)))
                yield Row(
                    f"memory of an instance that drains a group with {DOWN * RATE} open entries",
                    worker.peak(),
                    memory,
                    "MB",
                    0.5,
                )


@contextlib.contextmanager
def _storage() -> Iterator[Mapping[str, str]]:
    """The settings of an outbox: in Azurite where it is installed, else in a file."""
    with scratch() as folder:
        if not AZURITE.exists():
            yield {"BRIDGE_OUTBOX": str(folder / "outbox.sqlite")}
            return
        with azurite(folder) as storage:
            yield {"AzureWebJobsStorage": storage.account()}


class _Worker:
    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def ask(self, **asked: object) -> dict:
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "failure" not in answer, answer
        return answer

    def receive(self, request: Mapping[str, object]) -> None:
        assert self.ask(**request)["outputs"]

    def peak(self) -> float:
        """Megabytes that it has had in memory at the most."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextlib.contextmanager
def _worker(app: Path, settings: Mapping[str, str]) -> Iterator[_Worker]:
    """A worker that has loaded the app."""
    env = environment(BRIDGE_GROUP=GROUP, IDENTITY_HEADER="bench", **SECRETS, **settings)
    process = subprocess.Popen(
        [WORKER / "bin/python", ROOT / "tests/worker_driver.py"],
        cwd=app,
        env=env | {"PYTHONPATH": str(app)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        worker = _Worker(process)
        worker.ask(index=str(app))
        yield worker
    finally:
        process.kill()
        process.wait()


def _request(subject: Subject, size: int) -> Mapping[str, object]:
    webhook = subject.webhook(size)
    headers = {name.lower(): value for name, value in webhook.headers.items()}
    http = {"method": "POST", "headers": headers, "body": webhook.body.decode()}
    return {"name": f"webhook_{subject.source}", "http": http}


def _post(worker: _Worker) -> None:
    """Have it record and post entries of threads of their own."""
    receiver = Bridge(Configuration.of(Settings(GROUP, secrets={"github": (SECRET,)}))).receiver
    (card,) = receiver.receive("github", SUBJECTS[0].webhook(5)).entries
    for number in range(POSTS):
        entry = to_message(card).replace(card.id, f"{number:032x}").replace(card.correlation_key, f"thread {number}")
        worker.ask(name="publish", queue=entry)
        if number % DRAIN == DRAIN - 1:
            worker.ask(name="publish", queue=to_message(Wake(GROUP)))
