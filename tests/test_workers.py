"""tests/workers.py: a test run in forked processes reports what it would report in one."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.local_stack import ROOT
from tests.workers import Queue

TESTS = """
import os, pytest

@pytest.mark.parametrize("number", range(50))
def test_that_passes(number, tmp_path):
    (tmp_path / "own").write_text(str(number))

def test_that_fails():
    print("what it prints")
    assert 1 == 2

def test_that_is_skipped():
    pytest.skip("the reason")

def test_that_ends_its_process():
    os.kill(os.getpid(), 9)

def test_after_it():
    pass
"""
# By itself: each worker that has tests of a module sets up and ends its fixtures.
ENDING = """
import pytest

@pytest.fixture(scope="module")
def fixture():
    yield
    raise ValueError("the end of the fixture")

def test_that_passes(fixture):
    pass
"""


def queue(sizes: dict[str, int], waiting: tuple[str, ...], workers: int) -> Queue:
    names = [name for name, size in sizes.items() for _ in range(size)]
    return Queue([SimpleNamespace(path=Path(f"tests/test_{name}.py")) for name in names], waiting, workers)


def test_half_of_the_workers_begin_with_files_that_wait_and_all_tests_are_run_once():
    shared = queue({"cli": 90, "worker": 45, "page": 2}, ("page", "gone", "worker"), 2)
    assert shared.take(0) == [135, 136]
    assert shared.take(1) == [*range(40)]
    assert shared.take(0) == [*range(90, 135)]
    assert shared.take(0) == [*range(65, 78)]
    taken = [share for worker in (1, 0) * 6 for share in [shared.take(worker)]]
    assert sorted(place for share in taken for place in share) == [*range(40, 65), *range(78, 90)]
    assert taken[-1] == []


def test_one_worker_runs_all():
    shared = queue({"cli": 3, "page": 2}, ("page",), 1)
    assert [shared.take(0) for _ in range(4)] == [[0, 1], [2], [3, 4], []]


def test_the_tests_of_a_process_that_ended_are_run_by_another():
    shared = queue({"cli": 5}, (), 1)
    _, second, third = shared.take(0)
    shared.give_back(0, [second, third])
    assert [shared.take(0) for _ in range(3)] == [[1, 2], [3], [4]]


def run_of(tests: str, folder: Path, *options: str) -> subprocess.CompletedProcess:
    (folder / "pytest.ini").write_text("")
    (folder / "test_all.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-qrs", "-c", "pytest.ini", "-p", "tests.conftest", "--workers=2"]
    return subprocess.run(
        [*command, *options, "test_all.py"], cwd=folder, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("option", [[], ["-x"]], ids=["all", "until one fails"])
def test_a_run_reports_every_outcome(option, tmp_path):
    run = run_of(TESTS, tmp_path, *option)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "what it prints" in run.stdout
    if not option:
        assert "ended with -9 while it ran this test" in run.stdout
        assert "the reason" in run.stdout
        assert "2 failed, 51 passed, 1 skipped in" in run.stdout


def test_an_error_at_the_end_of_a_module_is_reported(tmp_path):
    run = run_of(ENDING, tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "ValueError: the end of the fixture" in run.stdout
    assert "1 passed, 1 error" in run.stdout
