"""`make run` receives in one process and delivers in another one."""

import contextlib
import itertools
import os
import signal
import time
from pathlib import Path

import pytest
import requests

from bridge.errors import CommandError
from bridge.local import config
from tests.local_stack import CONFIG, GROUPS, NAMES, PATIENCE, issue, start, until

PAUSED = CONFIG.replace(
    f'group-1 = "{GROUPS["group-1"]}"', f'group-1 = {{ id = "{GROUPS["group-1"]}", paused = true }}'
)
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    found = [tasks.read_text().split() for tasks in Path(f"/proc/{process}/task").glob("*/children")]
    return [int(child) for child in itertools.chain.from_iterable(found)]


def is_running(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextlib.contextmanager
def two_processes(folder, **settings):
    stack = start(folder, BRIDGE_LOCAL_PROCESSES="2", **settings)
    try:
        until(lambda: children(stack.process.pid))
        yield stack
    finally:
        stack.kill()


def test_the_second_process_delivers_is_reloaded_restarted_and_ends_with_the_first(tmp_path):
    (tmp_path / "config.toml").write_text(PAUSED)
    with two_processes(tmp_path, BRIDGE_CONFIG=str(tmp_path / "config.toml")) as stack:
        first = stack.send("issues", issue("opened"), "group-0")
        assert len(stack.wait_for_posts("group-0", first)) == 1

        # What is saved on the page is used by both.
        waits = stack.send("issues", issue("opened"), "group-1")
        page = requests.post(f"{stack.address}/page/open", json={"name": "BRIDGE_CONFIG"}, timeout=30).json()
        changed = {"name": "BRIDGE_CONFIG", "text": CONFIG, "version": page["version"]}
        assert requests.post(f"{stack.address}/page/save", json=changed, timeout=30).json()["wrong"] == []
        stack.wait_for_posts("group-1", waits, stack.send("issues", issue("opened"), "group-1"))

        (delivers,) = children(stack.process.pid)
        os.kill(delivers, signal.SIGKILL)
        meanwhile = stack.send("issues", issue("opened"), "group-0")
        assert meanwhile.status_code == 202
        stack.wait_for_posts("group-0", meanwhile)
        problem = "The process that delivers ended by itself with status -9, and is started again."
        assert any(problem in text for text in stack.health()["problems"])

        # Ctrl-C, while Graph takes its time.
        (delivers,) = children(stack.process.pid)
        stack.fault({"kind": "slow", "seconds": 9})
        stack.send("issues", issue("opened"), "group-0")
        until(lambda: (tmp_path / "log").read_text().count("planned") == 5)
        stack.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert stack.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 1.5  # half a second where the machine does nothing else
        assert not is_running(delivers)
    log = (tmp_path / "log").read_text()
    assert problem in log
    assert [step in log for step in ("received", "queued", "recorded", "delivered")] == [True] * 4
    assert "Traceback" not in log


def test_it_ends_when_the_first_one_is_killed(tmp_path):
    with two_processes(tmp_path) as stack:
        answer = stack.send("issues", issue("opened"), NAMES[0])
        stack.wait_for_posts(NAMES[0], answer)
        (delivers,) = children(stack.process.pid)
        assert os.getpriority(os.PRIO_PROCESS, delivers) > os.getpriority(os.PRIO_PROCESS, stack.process.pid)
        assert os.getsid(delivers) == os.getsid(stack.process.pid)

        # A service manager sends it to all processes; the second one goes on until the first has ended.
        os.kill(delivers, signal.SIGTERM)
        later = stack.send("issues", issue("opened"), NAMES[0])
        stack.wait_for_posts(NAMES[0], later)
        assert children(stack.process.pid) == [delivers]
        stack.process.kill()
        until(lambda: not is_running(delivers))


def test_there_are_two_processes_unless_one_is_wanted():
    assert config.has_two_processes({})
    assert not config.has_two_processes({"BRIDGE_LOCAL_PROCESSES": "1"})
    with pytest.raises(CommandError, match="must be 1 or 2"):
        config.has_two_processes({"BRIDGE_LOCAL_PROCESSES": "many"})
