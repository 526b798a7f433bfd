"""`preview --watch`: each saved change of payload or template appears at once, with its problems."""

import contextlib
import json
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests import forked
from tests.graph_servers import closed_port
from tests.local_stack import PATIENCE, ROOT, environment, polling, workplace

PULL = "pull_request.opened.json"
OWN = "templates/github/pull_request.html"


@dataclass
class Watching:
    """A running preview. posts: those that it sends, one after the other."""

    address: str
    folder: Path
    posts: Iterator[dict]
    process: forked.Process

    def terminal(self) -> str:
        return (self.folder / "log").read_text()

    def save(self, name: str, text: str, encoding: str = "utf-8") -> None:
        """Replace the file in one step, so it is never half written."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        written = path.with_suffix(".new")
        written.write_text(text, encoding)
        written.replace(path)

    def until(self, wanted) -> dict:
        """The next post that meets the condition."""
        return next(post for post in self.posts if wanted(post))


@pytest.fixture
def watching(tmp_path):
    folder = workplace(tmp_path)
    shutil.copy(ROOT / "bridge/sources/github/samples" / PULL, folder)
    (folder / "templates/github").mkdir(parents=True)
    port = closed_port()
    env = environment(PORT=str(port), BRIDGE_TEMPLATES=str(folder / "templates"))
    command = ["bridge", "preview", "github", PULL, "--watch"]
    process = forked.start(command, folder, env, folder / "out", folder / "log")
    try:
        address = f"http://127.0.0.1:{port}"
        with contextlib.closing(stream(address, process)) as posts:
            yield Watching(address, folder, posts, process)
    finally:
        process.kill()
        process.wait()


def stream(address: str, process: forked.Process) -> Iterator[dict]:
    answer = None
    for _ in polling():
        assert process.poll() is None
        with contextlib.suppress(requests.ConnectionError):
            answer = requests.get(f"{address}/preview/events", stream=True, timeout=PATIENCE)
            break
    assert answer, "the page did not answer"
    deadline = time.monotonic() + PATIENCE
    with answer:
        for line in answer.iter_lines(chunk_size=1):
            assert time.monotonic() < deadline, "the expected post did not come"
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))
                deadline = time.monotonic() + PATIENCE


def test_each_saved_change_appears_at_once(watching):
    first = next(watching.posts)
    assert first["topic"] == "#12 Stop the pump when the tank is empty · contoso/pump"
    assert [name for name, used in first["templates"] if used] == ["github/pull_request.html"]
    assert first["problems"] == []

    payload = json.loads((watching.folder / PULL).read_text())
    payload["pull_request"]["title"] = "Stop the fan"
    watching.save(PULL, json.dumps(payload))
    assert watching.until(lambda post: "fan" in post["topic"])["topic"] == "#12 Stop the fan · contoso/pump"

    override = '{% extends "default:github/pull_request.html" %}{% block summary %}{{ event.title }}!{% endblock %}'
    watching.save(OWN, override)
    assert watching.until(lambda post: "!" in post["summary"])["summary"] == "Stop the fan #12!"


def test_problems_are_shown_until_they_are_fixed(watching):
    next(watching.posts)
    watching.save(OWN, '{% extends "layout.html" %}\n{% block body %}')
    broken = watching.until(lambda post: post["problems"])
    assert broken["problems"][0].startswith("github/pull_request.html, line 2: `block` is not closed")
    assert "Stop the pump" in broken["html"]  # the plainer post that would be sent instead
    assert [name for name, used in broken["templates"] if used] == ["event.html"]
    assert len(broken["problems"]) == 1
    assert watching.terminal().splitlines() == broken["problems"]
    watching.save(OWN, '{% extends "layout.html" %}{% block body %}{{ 1 / 0 }}{% endblock %}')
    failing = watching.until(lambda post: "ZeroDivisionError" in str(post["problems"]))
    assert "The template of pull_request.opened failed" in failing["problems"][0]
    (watching.folder / OWN).unlink()
    assert watching.until(lambda post: not post["problems"])["topic"]


def test_a_template_that_is_not_utf_8_is_a_problem(watching):
    next(watching.posts)
    text = '{% extends "default:event.html" %}{% block topic %}Caf\u00e9{% endblock %}'
    watching.save(OWN, text, "latin-1")
    assert "it is not saved as UTF-8" in watching.until(lambda post: post["problems"])["problems"][0]
    watching.save(OWN, text)
    assert watching.until(lambda post: not post["problems"])["topic"] == "Caf\u00e9"


@pytest.mark.parametrize(("content", "problem"), [("{", "The body is not JSON"), (None, "No such file")])
def test_an_unusable_payload_is_a_problem(watching, content, problem):
    next(watching.posts)
    if content is None:
        (watching.folder / PULL).unlink()
    else:
        watching.save(PULL, content)
    assert problem in watching.until(lambda post: post["problems"])["problems"][0]


def test_other_sites_are_refused(watching):
    next(watching.posts)
    page = requests.get(watching.address, timeout=PATIENCE)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert requests.get(watching.address, headers={"Host": "evil.example"}, timeout=PATIENCE).status_code == 421
    events = f"{watching.address}/preview/events"
    assert requests.get(events, headers={"Origin": "https://evil.example"}, timeout=PATIENCE).status_code == 403


def test_ctrl_c_ends_it_while_a_page_is_open(watching):
    next(watching.posts)
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(PATIENCE) == 0
    assert watching.terminal() == ""
