"""`python -m bridge` with a Python that cannot run it: too old, or without the libraries."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local_stack import ROOT

MAIN = ROOT / "bridge/__main__.py"
_NAMES = [f"python3.{minor}" for minor in range(6, 11)]
_PYENV = Path(os.environ.get("PYENV_ROOT", "none")) / "versions"
_PLACES = [*map(shutil.which, _NAMES), *(path for name in _NAMES for path in _PYENV.glob(f"*/bin/{name}"))]
# A shim of pyenv is none.
OLD = [str(path) for path in _PLACES if path and "shims" not in str(path)]


@pytest.fixture
def clone(tmp_path):
    """A clone with as much of the bridge as its start needs."""
    (tmp_path / "bridge").mkdir()
    for name in ("__init__.py", "__main__.py", "errors.py", "limits.py", "spelling.py"):
        shutil.copy(ROOT / "bridge" / name, tmp_path / "bridge")
    shutil.copytree(ROOT / "bridge/cli", tmp_path / "bridge/cli")
    return tmp_path


def run(clone, python, *arguments, **options):
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*python, "-m", "bridge", *arguments]
    return subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False, **options)


def with_environment(clone):
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").touch()


BARE = [sys.executable, "-S"]  # without any library


def test_without_its_libraries_it_names_the_command_to_use(clone):
    ended = run(clone, BARE, "deliveries", "--text", "the pump")
    assert ended.returncode == 2
    assert ended.stderr.startswith("bridge: This Python (")
    assert ended.stderr.endswith("have the library click. `make run` sets up .venv, and starts the bridge\n")
    with_environment(clone)
    ended = run(clone, BARE, "deliveries", "--text", "the pump")
    advice = "Use that of .venv: .venv/bin/python -m bridge deliveries --text 'the pump'\n"
    assert ended.stderr.endswith(f"have the library click. {advice}")


@pytest.mark.skipif(not OLD, reason="no Python older than 3.11 here")
@pytest.mark.parametrize("python", sorted({*OLD[:1], *OLD[-1:]}))
def test_an_old_python_says_that_it_is_too_old(clone, python):
    with_environment(clone)
    ended = run(clone, [python], "run")
    assert ended.returncode == 2
    assert ended.stderr.startswith("bridge: This is Python 3.")
    assert ended.stderr.endswith(
        ", and the bridge needs 3.11 or newer. Use that of .venv: .venv/bin/python -m bridge run\n"
    )


def test_an_old_python_can_read_what_says_so():
    for path in (MAIN, ROOT / "bridge/__init__.py"):
        assert ast.parse(path.read_text(), feature_version=(3, 7))


def test_a_fault_of_its_own_is_not_called_a_missing_library(clone):
    (clone / "bridge/cli/main.py").write_text("import bridge.nothing\n")
    ended = run(clone, BARE)
    assert "ModuleNotFoundError: No module named 'bridge.nothing'" in ended.stderr
