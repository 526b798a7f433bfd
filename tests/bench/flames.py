"""Draws flame graphs of receiving and of the local host, before it was made faster and now: `make flamegraphs`."""

import contextlib
import io
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tests.bench.flame_graph import Box, Graph, drawn, folded
from tests.bench.graph import graph
from tests.bench.load import Load, labeled
from tests.bench.rows import scratch
from tests.local_stack import NAMES, PATIENCE, ROOT, environment, start

BEFORE = "67cdb9e"  # the last commit before this was worked on
PAGES = ROOT / "docs"
GROUP = NAMES[0]
WEBHOOKS = 3000  # of the receiving wing, of five sources and two sizes
EVENTS, RATE = 400, 60  # of the local host; so many a second
_SAMPLER = ROOT / "tests/bench/sampler"

# Runs in the tree of either commit, so it uses only what both have.
_RECEIVE = f"""
from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.bench.payloads import SECRET, SUBJECTS
settings = Settings("00000000-0000-4000-8000-000000000001", secrets=dict.fromkeys(SOURCES, (SECRET,)))
receiver = Bridge(Configuration.of(settings)).receiver
webhooks = [(subject.source, subject.webhook(size)) for subject in SUBJECTS for size in (5, 20)]
def measured():
    for _ in range({WEBHOOKS} // len(webhooks)):
        for source, webhook in webhooks:
            receiver.receive(source, webhook)
for source, webhook in webhooks:
    receiver.receive(source, webhook)
measured()
import time
time.sleep(0.5)
"""


def main() -> None:
    """Write docs/flames-receive.svg and docs/flames-host.svg."""
    with _tree(BEFORE) as before:
        trees = {f"before ({BEFORE})": before, "now": ROOT}
        for name, measure, of in (
            ("receive", _receive, "Receiver.receive, 5 and 20 KB, mean of five sources"),
            ("host", _host, "make run, Graph at once"),
        ):
            graphs = []
            for when, tree in trees.items():
                box = measure(tree)
                graphs.append(Graph(f"{of}, {when}: {box.time:.2f} ms of processor time for each webhook", box))
                print(graphs[-1].title, flush=True)
            (PAGES / f"flames-{name}.svg").write_text(drawn(graphs), "utf-8")


@contextlib.contextmanager
def _tree(commit: str) -> Iterator[Path]:
    """The files of a commit."""
    archived = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if archived.returncode:
        sys.exit(f"The history of the repository is needed, with the commit {commit}: {archived.stderr.decode()}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def _receive(tree: Path) -> Box:
    with tempfile.TemporaryDirectory() as found:
        env = environment(PYTHONPATH=f"{_SAMPLER}:{tree}", FLAMES=found)
        subprocess.run([sys.executable, "-c", _RECEIVE], cwd=tree, env=env, check=True)
        return _sampled(Path(found), "__main__:measured", WEBHOOKS)


def _host(tree: Path) -> Box:
    with scratch() as folder, graph() as address:
        found = folder / "found"
        found.mkdir()
        settings = {"IDENTITY_ENDPOINT": f"{address}/msi/token", "BRIDGE_GRAPH_URL": f"{address}/graph/v1.0"}
        stack = start(
            folder / "bridge",
            [sys.executable, "-m", "bridge", "run"],
            **settings,
            BRIDGE_DIGEST_OVER="1000",
            PYTHONPATH=f"{_SAMPLER}:{tree}",
            FLAMES=str(found),
        )
        try:
            load = Load(stack.address, GROUP)
            load.send(labeled(50, 50), RATE)
            _wait_for(address, 50)
            before = _sampled(found, "", EVENTS)
            load.send(labeled(EVENTS, EVENTS), RATE)
            _wait_for(address, 50 + EVENTS)
            return _without(_sampled(found, "", EVENTS), before)
        finally:
            stack.process.send_signal(signal.SIGINT)
            stack.process.wait(PATIENCE)


def _sampled(found: Path, since: str, per: int) -> Box:
    """What all processes have written."""
    time.sleep(0.6)  # for the sampler to write
    lines = [line for path in sorted(found.glob("*.folded")) for line in path.read_text("utf-8").splitlines()]
    return folded(lines, since, per)


def _without(box: Box, before: Box) -> Box:
    """What a box has gained since."""
    calls = {name: _without(call, before.calls.get(name, Box())) for name, call in box.calls.items()}
    return Box(box.time - before.time, calls)


def _wait_for(address: str, posts: int) -> None:
    deadline = time.monotonic() + 4 * PATIENCE
    while int(requests.get(f"{address}/posted", timeout=PATIENCE).json()) < posts:
        assert time.monotonic() < deadline
        time.sleep(0.1)


if __name__ == "__main__":
    main()
