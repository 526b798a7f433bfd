"""released-package.zip: the same bytes each time, nothing that only local use needs, and functions that run from it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bridge import __version__
from bridge.sources import SOURCES
from tests.local_stack import NAMES, ROOT, SECRET, issue, running
from tools import package, sbom

pytestmark = pytest.mark.slow

DOCTOR = Path(sys.executable).parent / "azure-functions-doctor"
WORKER = ROOT / ".venv-worker"
PYTHONS = [str(WORKER / "bin/python")]
# Prints the functions that Python 3.13 finds with only the package in its path.
INDEX = """
import sys
sys.path[:0] = sys.argv[1:]
import function_app
print(*sorted(function.get_function_name() for function in function_app.app.get_functions()))
"""
# The local host and its libraries, which are not in the package, come from the repository and its environment.
HOST = """
import sys, bridge
bridge.__path__.append(sys.argv[1])
from bridge.cli.main import main
code = main(["run"])
names = {"jinja2", "nh3", "requests", "function_app"}
own = [m.__file__ for name, m in sys.modules.items() if name.split(".")[0] in names and getattr(m, "__file__", None)]
assert own and all(file.startswith(sys.argv[2]) for file in own), own
sys.exit(code)
"""

# Renders the first post of a worker, which must not compile any template.
POST = """
import sys
sys.path[:0] = sys.argv[1:]
import jinja2
def compile(*_): raise AssertionError("a template was compiled")
jinja2.Environment.compile = compile
from datetime import UTC, datetime
from bridge.entries import Target
from bridge.events import Event
from bridge.rendering.renderer import Renderer
renderer = Renderer()
event = Event("github", "pull_request.opened", "d", "t", "The pump", {"pull_request": {"title": "The pump"}})
print(renderer.entry(event, "0" * 32, Target("g"), datetime.now(UTC)).summary)
"""


def test_pip_installs_the_bridge_with_all_that_running_needs(tmp_path):
    """Away from the repository, with its wheel alone."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("webhook_bridge-*.whl")
    site, here = tmp_path / "site", tmp_path / "here"
    here.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        entry_points = archive.read(f"webhook_bridge-{__version__}.dist-info/entry_points.txt").decode()
    assert "webhook-bridge = bridge.cli.main:main" in entry_points
    with running(here, [sys.executable, "-m", "bridge", "run"], PYTHONPATH=str(site)) as stack:
        stack.wait_for_posts(NAMES[0], stack.send("issues", issue("opened"), NAMES[0]))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The line about the package, its archive, and the folder with its contents. Beside that are the libraries."""
    folder = tmp_path_factory.mktemp("package")
    install = package._install

    def install_and_keep(lock, target):
        install(lock, target)
        shutil.copytree(target, folder / "libraries")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(package, "_install", install_and_keep)
        line = package.build(ROOT, folder / "released-package.zip", PYTHONS)
    with zipfile.ZipFile(folder / "released-package.zip") as archive:
        archive.extractall(folder / "app")
        return line, archive, folder / "app"


def test_the_lock_has_all_that_its_libraries_require_and_no_more(built):
    """The package is installed without looking at dependencies: it is the same on every machine."""
    found = {
        canonicalize_name(each.metadata["Name"]): each for each in distributions(path=[built[2].parent / "libraries"])
    }
    azure = {
        "python_version": "3.13", "python_full_version": "3.13.9", "sys_platform": "linux", "platform_system": "Linux",
        "os_name": "posix", "platform_python_implementation": "CPython", "implementation_name": "cpython",
    }  # fmt: skip
    waiting = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines() if line[0] != "#"]
    visited = set()
    while waiting:
        each = waiting.pop()
        name = canonicalize_name(each.name)
        assert found[name].version in each.specifier, f"{each} is not in requirements.lock: run make lock"
        for extra in {"", *each.extras} - {known for which, known in visited if which == name}:
            visited.add((name, extra))
            required = [Requirement(text) for text in found[name].requires or ()]
            waiting += [
                more for more in required if more.marker is None or more.marker.evaluate({**azure, "extra": extra})
            ]
    assert {name for name, _ in visited} == set(found)


def test_its_bill_of_materials_has_its_libraries_and_is_the_same_each_time(built):
    archive = built[2].parent / "released-package.zip"
    bill = sbom.bill(archive, "1.2.3")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    locked = re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert [(each["name"], each["version"]) for each in bill["components"]] == locked
    assert all(each["licenses"] for each in bill["components"])
    depends = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    assert set(depends) == {each["purl"] for each in bill["components"]} | {"webhook-bridge@1.2.3"}
    assert any(
        name.startswith("pkg:pypi/certifi@") for name in depends[f"pkg:pypi/requests@{dict(locked)['requests']}"]
    )
    assert bill["metadata"]["component"]["hashes"][0]["content"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert sbom.bill(archive, "1.2.3") == bill


needs_its_python = pytest.mark.skipif(not (WORKER / "ready").exists(), reason="no Python 3.13, which runs the package")


def paths(app):
    return [str(app), str(app / package.LIBRARIES)]


def test_the_same_input_gives_the_same_bytes(built, tmp_path, monkeypatch):
    """Of our files, the templates and the libraries but for the largest, which are compiled as the others are."""
    kept, large = built[2].parent / "libraries", shutil.ignore_patterns("azure", "cryptography", "tzdata", "werkzeug")
    monkeypatch.setattr(package, "_install", lambda _, target: shutil.copytree(kept, target, ignore=large))
    package.build(ROOT, tmp_path / "again.zip", PYTHONS)
    with zipfile.ZipFile(tmp_path / "again.zip") as archive:
        again = {name: entry_of(archive, name) for name in archive.namelist()}
        assert archive.comment == built[1].comment
    with zipfile.ZipFile(built[2].parent / "released-package.zip") as archive:
        assert list(again) == [name for name in archive.namelist() if name in again]
        assert again == {name: entry_of(archive, name) for name in again}


def entry_of(archive, name):
    """What an archive says of a file, but for where in the archive it is."""
    info = archive.getinfo(name)
    place = {"header_offset", "_end_offset", "orig_filename", "filename"}
    return [getattr(info, slot) for slot in info.__slots__ if slot not in place]


def test_it_contains_what_the_functions_need_and_no_more(built):
    line, archive, _ = built
    names = archive.namelist()
    assert {"function_app.py", "host.json", "requirements.txt", "templates/layout.html"} <= set(names)
    ours = [name for name in names if not name.startswith(package.LIBRARIES)]
    assert [
        name
        for name in ours
        if name.startswith(("bridge/local", "bridge/cli", "tests", "docs", "samples", "scripts", "tools"))
    ] == []
    assert [name for name in ours if name.endswith(("docs.md", "body.json")) or "/samples/" in name] == []
    assert not {"starlette", "uvicorn", "pytest"} & {name.split("/")[3] for name in names if name.count("/") > 3}
    assert "MB" in line
    assert sum(info.compress_size for info in archive.infolist()) < 25 * 1024**2


def test_it_has_no_traces_of_the_machine_that_built_it(built):
    for path in built[2].rglob("*"):
        if path.is_file() and path.suffix in {".pyc", ".py", ".json", ".html", ""}:
            assert str(ROOT).encode() not in path.read_bytes(), path


@pytest.mark.skipif(not DOCTOR.exists(), reason="azure-functions-doctor is not installed")
def test_azure_functions_doctor_finds_no_problem(built, tmp_path):
    """In the app, its triggers and the worker's library: it reads all code many times."""
    worker = f"{package.LIBRARIES}/azure/functions"
    shutil.copytree(built[2] / worker, tmp_path / worker)
    for name in ("function_app.py", "host.json", "requirements.txt"):
        shutil.copy(built[2] / name, tmp_path)
    target = ["--profile=deploy", "--target-python=3.13", "--deployment-mode=local-prebuilt"]
    run = subprocess.run(
        [DOCTOR, "doctor", "--path", tmp_path, *target, "--hosting-plan=flex-consumption"],
        capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert " 0 fails" in run.stdout


@needs_its_python
def test_its_functions_are_found_with_nothing_else_installed(built, tmp_path):
    run = subprocess.run(
        [WORKER / "bin/python", "-ISc", INDEX, *paths(built[2])],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={"BRIDGE_GROUP": "g"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert {*run.stdout.split()} >= {"publish", "sweep", "health", *(f"webhook_{name}" for name in SOURCES)}


@needs_its_python
def test_its_templates_are_compiled(built, tmp_path):
    run = subprocess.run(
        [WORKER / "bin/python", "-ISc", POST, *paths(built[2])],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.stdout, run.stderr) == ("The pump was opened\n", "")


@needs_its_python
def test_the_local_host_runs_it_from_an_empty_folder_and_a_signed_webhook_becomes_a_thread(built, tmp_path):
    app = built[2]
    code = [str(WORKER / "bin/python"), "-c", HOST, str(ROOT / "bridge"), str(app)]
    with running(tmp_path / "empty", code, PYTHONPATH=os.pathsep.join(paths(app))) as stack:
        answer = stack.send("issues", issue("opened", 7), "group-1")
        assert answer.status_code == 202
        ((topic, _),) = stack.wait_for_posts("group-1", answer)
        assert topic == "#7 The pump runs dry 7 · contoso/pump"
        assert stack.send("issues", issue("opened", 8), "group-1", secret="another").status_code == 401
    assert SECRET not in (tmp_path / "empty/log").read_text()


@pytest.mark.skipif(shutil.which("python3") is None, reason="no python3 in the path")
def test_a_library_that_pip_cannot_fetch_is_named(tmp_path):
    for name in package.OURS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements.lock").write_text(f"./no-such-library --hash=sha256:{'0' * 64}\n")
    with pytest.raises(package.CommandError, match=r"could not be fetched: .*no-such-library"):
        package.build(tmp_path, tmp_path / "p.zip")
