"""The whole bridge as `make run` starts it: in a process of its own, used over HTTP."""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests
from azure.core.exceptions import ResourceNotFoundError

from bridge.outbox import azure_rows
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_storage import Account
from bridge.outbox.base import Outbox
from bridge.outbox.sqlite import SqliteOutbox
from bridge.sources import SOURCES
from tests import forked
from tests.graph_servers import closed_port

ROOT = Path(__file__).parent.parent
SECRET = "demo-secret-for-local-use-only"
PATIENCE = 30.0  # seconds to wait for something that must happen, even on a slow machine
NAMES = [f"group-{number}" for number in range(60)]
GROUPS = {name: f"00000000-0000-4000-8000-{number:012d}" for number, name in enumerate(NAMES, 1)}
CONFIG = "[groups]\n" + "\n".join(f'{name} = "{group}"' for name, group in GROUPS.items())
TOKEN = re.compile(r"(?<![\w-])[0-9a-f]{16}(?![\w-])")


# One process does all in the tests of everything else than that: the second one takes a second of processor time.
_PROCESSES = {"BRIDGE_LOCAL_PROCESSES": "1"} if "PYTEST_VERSION" in os.environ else {}
_OURS = ("BRIDGE_", "IDENTITY_", "PORT", "AzureWebJobsStorage")


def workplace(folder: Path) -> Path:
    """A working directory with the settings of a fresh clone, and nobody's own settings."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("host.json", "local.settings.example.json"):
        shutil.copy(ROOT / name, folder)
    return folder


@contextlib.contextmanager
def working_in(folder: Path, monkeypatch, *names: str) -> Iterator[Path]:
    """The working directory of a fresh clone, and an environment without what begins with those names.

    What a command changes in the environment is undone.
    """
    for name in [name for name in os.environ if name.startswith(names)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(workplace(folder))
    before = dict(os.environ)
    yield folder
    os.environ.clear()
    os.environ.update(before)


def environment(**settings: str) -> dict[str, str]:
    """The environment of a process, with no settings of the bridge except `settings`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**env, "PYTHONPATH": str(ROOT), **settings}


def polling(patience: float = PATIENCE) -> Iterator[None]:
    """Come again at once, and then ever more rarely, until the patience is at its end."""
    deadline = time.monotonic() + patience
    pause = 0.02
    while time.monotonic() < deadline:
        yield
        time.sleep(pause)
        pause = min(1.3 * pause, 0.25)


def until(happened: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until something has happened."""
    assert any(happened() for _ in polling(patience))


@dataclass
class Stack:
    """A running bridge."""

    address: str
    process: forked.Process
    folder: Path = Path()
    settings: Mapping[str, str] = field(default_factory=dict)

    def send(
        self,
        event: str,
        payload: object,
        group: str = "",
        secret: str = SECRET,
        delivery: str = "",
        timeout: float = 60,
    ):
        """Post a webhook as GitHub does; with an empty secret it is unsigned."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = dict(SOURCES["github"].headers(event, delivery or str(uuid.uuid4())))
        headers["Content-Type"] = "application/json"
        if secret:
            headers |= SOURCES["github"].verifier.sign(body, secret)
        query = {"group": group} if group else {}
        return requests.post(
            f"{self.address}/api/webhooks/github", body, params=query, headers=headers, timeout=timeout
        )

    def get(self, path: str, **options) -> requests.Response:
        return requests.get(self.address + path, timeout=60, **options)

    def fault(self, *faults: object) -> None:
        requests.post(f"{self.address}/graph/_faults", json=faults, timeout=60).raise_for_status()

    def threads(self, group: str) -> list[tuple[str, list[str]]]:
        """The threads of a group as the page shows them, newest first: the topic, and the posts, oldest first."""
        page = self._mail(group)
        if page["group"] != GROUPS[group]:
            return []
        found = [(thread, self._mail(group, thread["id"])) for thread in page["threads"]]
        return [(thread["topic"], [post["html"] for post in mail["posts"]]) for thread, mail in found]

    def wait_for_posts(
        self, group: str, *answers: requests.Response, patience: float = PATIENCE
    ) -> list[tuple[str, list[str]]]:
        """The threads of a group, as soon as they contain the posts of all entries that the answers accepted."""
        accepted = {entry[:12] for answer in answers for entry in answer.json()["accepted"]}
        with self.outbox() as outbox:
            for _ in polling(patience):
                # The outbox is asked first, which costs less than the page.
                if accepted <= _delivered(outbox) and accepted <= set(posted(threads := self.threads(group), outbox)):
                    return threads
        raise AssertionError(f"{group} has {self.threads(group)} after {patience} seconds, not {accepted}")

    def posted(self, threads: list[tuple[str, list[str]]]) -> list[str]:
        """The entries whose posts these are, as `posted` finds them."""
        with self.outbox() as outbox:
            return posted(threads, outbox)

    @contextlib.contextmanager
    def outbox(self) -> Iterator[Outbox]:
        """What the bridge keeps, read from beside it."""
        if account := self.settings.get("AzureWebJobsStorage"):
            opened: Outbox = AzureOutbox(Account(account).table(make=False))
        else:
            opened = SqliteOutbox(self.folder / self.settings.get("BRIDGE_OUTBOX", ".bridge/outbox.sqlite"))
        with contextlib.closing(opened):
            yield opened

    def first_event(self, topic: str):
        """The content of a topic that the page receives when it is opened."""
        with self.get("/page/events", stream=True) as answer:
            lines = answer.iter_lines(decode_unicode=True)
            next(line for line in lines if line == f"event: {topic}")
            return json.loads(next(lines).removeprefix("data: "))

    def health(self) -> dict:
        return self.get("/api/health/details", params={"code": "local"}).json()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _mail(self, group: str, thread: str = "") -> dict:
        return self.get("/page/mail", params={"group": GROUPS[group], "thread": thread}).json()


def start(folder: Path, command: str | list[str] = "bridge run", **settings: str) -> Stack:
    """Run a module, or the command of a list, in the folder; return when it answers requests."""
    port = settings.get("PORT") or str(closed_port())
    log = workplace(folder) / "log"
    base = {"BRIDGE_CONFIG": CONFIG, "BRIDGE_SETTLE_SECONDS": "0", "BRIDGE_GROUP": GROUPS[NAMES[-1]]}
    env = environment(**base | _PROCESSES | settings | {"PORT": port})
    if isinstance(command, str):
        process = forked.start(command.split(), folder, env, log)
    else:
        with log.open("ab") as written:
            process = subprocess.Popen(command, cwd=folder, env=env, stdout=written, stderr=written)
    stack = Stack(f"http://127.0.0.1:{port}", process, folder, settings)
    try:
        _wait_until_it_answers(stack, log)
    except BaseException:
        stack.kill()
        raise
    return stack


@contextlib.contextmanager
def running(folder: Path, command: str | list[str] = "bridge run", **settings: str) -> Iterator[Stack]:
    """Run the command in the folder until the block ends, then stop it as Ctrl-C does."""
    stack = start(folder, command, **settings)
    try:
        yield stack
        stack.process.send_signal(signal.SIGINT)
        # The test may have killed it.
        status = stack.process.wait(PATIENCE)
        assert status in {0, -signal.SIGKILL}, f"exit status {status}\n{(folder / 'log').read_text()}"
    finally:
        stack.kill()


def _wait_until_it_answers(stack: Stack, log: Path) -> None:
    for _ in polling():
        if stack.process.poll() is not None:
            break
        with contextlib.suppress(requests.ConnectionError):
            stack.get("/")
            return
    raise AssertionError(log.read_text())


_numbers = itertools.count(10_000)  # above those that tests choose: an equal body is a replay


def issue(action: str, number: int = 0, **more: object) -> dict:
    """A GitHub payload about an issue, by default with a new number."""
    number = number or next(_numbers)
    url = f"https://github.com/contoso/pump/issues/{number}"
    return {
        "action": action,
        "issue": {
            "id": number,
            "number": number,
            "title": f"The pump runs dry {number}",
            "html_url": url,
            "body": "Dry",
        },
        "repository": {"id": 900100, "full_name": "contoso/pump", "html_url": "https://github.com/contoso/pump"},
        "sender": {"login": "octocat"},
        **more,
    }


def posted(threads: list[tuple[str, list[str]]], outbox: Outbox) -> list[str]:
    """The beginnings of the ids of the entries whose posts these are, by the tokens in their last lines.

    A post that the outbox does not know, as one that doubles another, is there by its token.
    """
    entries = entries_by_token(outbox)
    tokens = [token for _, posts in threads for html in posts for token in TOKEN.findall(html)[-1:]]
    return [entry for token in tokens for entry in entries.get(token, [token])]


def _delivered(outbox: Outbox) -> set[str]:
    return set(itertools.chain(*entries_by_token(outbox).values()))


def entries_by_token(outbox: Outbox) -> dict[str, list[str]]:
    """The beginnings of the ids of the delivered entries, by the tokens of their posts."""
    if isinstance(outbox, AzureOutbox):
        rows = outbox._table.query_entities("RowKey ge 'seen-' and RowKey lt 'seen.' and token gt ''")
        pairs = []
        # The bridge makes the table when it records its first entry.
        with contextlib.suppress(ResourceNotFoundError):
            pairs = [(azure_rows.row_id(row), row["token"]) for row in rows]
    else:
        pairs = [tuple(row) for row in outbox._rows("SELECT id, token FROM token")]
    found: dict[str, list[str]] = {}
    for entry_id, token in pairs:
        found.setdefault(token, []).append(entry_id[:12])
    return found
