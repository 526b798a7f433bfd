"""Storage that fails under the running bridge: accepted webhooks are posted, others are refused and come again."""

import contextlib
import resource
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.outbox.sqlite_queue import queue_file
from tests import forked
from tests.graph_servers import closed_port
from tests.local_stack import NAMES, PATIENCE, environment, issue, running, workplace

pytestmark = pytest.mark.hosts

ENDLESS = resource.RLIM_INFINITY


@pytest.fixture
def stack(tmp_path):
    with running(tmp_path, BRIDGE_OUTBOX=str(tmp_path / "outbox.sqlite")) as stack:
        yield stack


def limit_files(stack, size):
    """From now on no file of the process grows beyond so many bytes, as if the disk were full."""
    resource.prlimit(stack.process.pid, resource.RLIMIT_FSIZE, (size, ENDLESS))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits the files of another process")
def test_webhooks_that_a_full_disk_cannot_keep_are_not_accepted(stack):
    kept = stack.send("issues", issue("opened"), NAMES[0])
    stack.wait_for_posts(NAMES[0], kept)
    limit_files(stack, 0)
    refused = [stack.send("issues", issue("opened", 900 + number), NAMES[0]) for number in range(3)]
    assert [answer.status_code for answer in refused] == [500] * 3  # senders try again
    assert stack.get("/api/health").status_code == 503
    problems = stack.health()["problems"]
    assert "The outbox cannot be written: OperationalError." in problems
    assert "/api/webhooks/github was answered with 500. (3 in the last minutes)" in problems
    limit_files(stack, ENDLESS)
    assert not [problem for problem in stack.health()["problems"] if "outbox" in problem]
    again = [stack.send("issues", issue("opened", 900 + number), NAMES[0]) for number in range(3)]
    assert [answer.status_code for answer in again] == [202] * 3
    assert sorted(len(posts) for _, posts in stack.wait_for_posts(NAMES[0], *again)) == [1] * 4


def test_a_webhook_waits_for_a_file_that_another_writes(stack, tmp_path):
    with contextlib.closing(sqlite3.connect(queue_file(tmp_path / "outbox.sqlite"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(stack.send, "issues", issue("opened"), NAMES[0])
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
            other.execute("ROLLBACK")
            answer = waiting.result(PATIENCE)
    assert answer.status_code == 202
    stack.wait_for_posts(NAMES[0], answer)


def write_damaged(path):
    path.write_bytes(b"\xa5" * 20_000)


@pytest.mark.parametrize("name", ["outbox.sqlite", "graph.sqlite"])
@pytest.mark.parametrize("spoil", [write_damaged, Path.mkdir], ids=["damaged", "a folder"])
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(tmp_path, name, spoil):
    workplace(tmp_path)
    spoil(tmp_path / name)
    settings = environment(BRIDGE_OUTBOX=str(tmp_path / "outbox.sqlite"), PORT=str(closed_port()))
    ended = forked.run(["bridge", "run"], tmp_path, settings)
    assert ended.returncode == 2
    assert f"{name} cannot be used" in ended.stderr
    assert "move it away" in ended.stderr
    assert "Traceback" not in ended.stderr
