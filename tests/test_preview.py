"""`preview --watch`: each save of payload or template shows at once, and so does what is wrong with it."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.graph_servers import closed_port
from tests.local_stack import PATIENCE, ROOT, environment, workplace

PULL = "pull_request.opened.json"


@dataclass
class Watching:
    """A preview that runs. posts: what it tells, one after the other."""

    address: str
    folder: Path
    posts: Iterator[dict]
    process: subprocess.Popen

    def save(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def until(self, wanted) -> dict:
        """The next post that is as wanted."""
        return next(post for post in self.posts if wanted(post))


@pytest.fixture
def watching(tmp_path):
    folder = workplace(tmp_path)
    shutil.copy(ROOT / "samples/github" / PULL, folder)
    (folder / "templates/github").mkdir(parents=True)
    port = closed_port()
    env = environment(PORT=str(port), BRIDGE_TEMPLATES=str(folder / "templates"))
    command = [sys.executable, "-m", "bridge", "preview", "github", PULL, "--watch"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, cwd=folder, env=env, stderr=log) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            with contextlib.closing(stream(address, process)) as posts:
                yield Watching(address, folder, posts, process)
        finally:
            process.kill()


def stream(address: str, process: subprocess.Popen) -> Iterator[dict]:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = requests.get(f"{address}/preview/events", stream=True, timeout=PATIENCE)
            break
        except requests.ConnectionError:
            assert process.poll() is None
            assert time.monotonic() < deadline
    with answer:
        for line in answer.iter_lines(chunk_size=1):
            assert time.monotonic() < deadline, "what was waited for did not come"
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))


def test_each_save_shows_at_once(watching):
    first = next(watching.posts)
    assert first["topic"] == "contoso/pump: Stop the pump when the tank is empty #12"
    assert [name for name, taken in first["templates"] if taken] == ["github/pull_request.html"]
    assert first["problems"] == []

    payload = json.loads((watching.folder / PULL).read_text())
    payload["pull_request"]["title"] = "Stop the fan"
    watching.save(PULL, json.dumps(payload))
    assert watching.until(lambda post: "fan" in post["topic"])["topic"] == "contoso/pump: Stop the fan #12"

    override = '{% extends "default:github/pull_request.html" %}{% block summary %}{{ event.title }}!{% endblock %}'
    watching.save("templates/github/pull_request.html", override)
    assert watching.until(lambda post: "!" in post["summary"])["summary"] == "Stop the fan #12!"


def test_what_is_wrong_is_shown_until_it_is_mended(watching):
    next(watching.posts)
    watching.save("templates/github/pull_request.html", '{% extends "layout.html" %}\n{% block body %}')
    broken = watching.until(lambda post: post["problems"])
    assert broken["problems"][0].startswith("github/pull_request.html, line 2: Unexpected end of template")
    assert "Stop the pump" in broken["html"]  # the plainer post that would be sent
    watching.save(
        "templates/github/pull_request.html", '{% extends "layout.html" %}{% block body %}{{ 1 / 0 }}{% endblock %}'
    )
    failing = watching.until(lambda post: "ZeroDivisionError" in str(post["problems"]))
    assert "The template of pull_request.opened failed" in failing["problems"][0]
    (watching.folder / "templates/github/pull_request.html").unlink()
    assert watching.until(lambda post: not post["problems"])["topic"]


@pytest.mark.parametrize(("content", "problem"), [("{", "The body is not JSON"), (None, "No such file")])
def test_a_payload_that_is_none_is_shown_as_that(watching, content, problem):
    next(watching.posts)
    if content is None:
        (watching.folder / PULL).unlink()
    else:
        watching.save(PULL, content)
    assert problem in watching.until(lambda post: post["problems"])["problems"][0]


def test_the_page_answers_only_to_itself(watching):
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
    assert (watching.folder / "log").read_text() == ""
