"""What a cold start costs: a process that answers its first webhook, against one that imports the packages for it."""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.payloads import SECRET, SUBJECTS
from tests.bench.rows import Row, in_turns
from tests.local_stack import GROUPS, NAMES, ROOT, environment
from tools import package

# Who decodes HTTP for the worker, renders, and reads Markdown safely.
PACKAGES = ("azure.functions", "jinja2.sandbox", "markdown_it", "linkify_it", "nh3")


def rows() -> Iterator[Row]:
    """Processor time, as a worker that starts has nothing to wait for."""
    webhook = SUBJECTS[0].webhook(5)
    given = json.dumps({"headers": dict(webhook.headers), "body": webhook.body.decode()})
    imports = f"import {', '.join(PACKAGES)}"
    with tempfile.TemporaryDirectory() as folder:
        app = app_of_package(Path(folder) / "app")
        loaded = in_turns(lambda: _busy(app, "-c", "import function_app"), lambda: _busy(app, "-c", imports))
        answered = in_turns(
            lambda: _busy(app, "-m", "tests.bench.first_webhook", given=given), lambda: _busy(app, "-c", imports)
        )
    yield Row("start, the functions are loaded", *loaded, "ms", 1.15)
    yield Row("start, the first webhook answered", *answered, "ms", 1.2)


def app_of_package(folder: Path) -> Path:
    """What the package holds, but for the libraries."""
    folder.mkdir()
    for name in package.OURS:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    assert package.compile_templates(folder, sys.executable)
    return folder


def _busy(folder: Path, *command: str, given: str = "") -> float:
    """Milliseconds of processor time of a Python process in that folder."""
    env = environment(BRIDGE_GROUP=GROUPS[NAMES[0]], BRIDGE_GITHUB_SECRET=SECRET, PYTHONPATH=str(ROOT))
    before = _of_children()
    subprocess.run([sys.executable, *command], input=given, text=True, cwd=folder, env=env, check=True)
    return (_of_children() - before) * 1000


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
