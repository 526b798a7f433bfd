"""The files beside the code: documented settings, and files that Azure can read."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.settings import TABLE, Settings
from bridge.sources import SOURCES
from tests.local_stack import ROOT

pytestmark = pytest.mark.files

README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text().partition("## With `make run` only")[0]
HOST = json.loads((ROOT / "host.json").read_text())
EXAMPLE = json.loads((ROOT / "local.settings.example.json").read_text())
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
]


def test_the_top_level_has_the_expected_files():
    names = """host.json requirements.txt function_app.py bridge templates tests local.settings.example.json
    .funcignore Makefile pyproject.toml LICENSE README.md CHANGELOG.md .ci/run templates/parts.html"""
    assert [name for name in names.split() if not (ROOT / name).exists()] == []


def test_every_setting_is_documented_with_its_default_and_meaning():
    rows = re.findall(r"^\| `(BRIDGE_[\w<>]+)` \| (?:`(.*?)`)? ?\| (.+) \|$", SETTINGS, re.MULTILINE)
    documented = {name: (default, meaning) for name, default, meaning in rows}
    assert set(documented) == {*TABLE, "BRIDGE_<SOURCE>_SECRET", "BRIDGE_<SOURCE>_NETWORKS"}
    for name, (attribute, _, meaning) in TABLE.items():
        default = getattr(Settings(), attribute)
        plain = "" if default in (None, ()) else f"{default:g}" if isinstance(default, float) else str(default)
        assert documented[name][0] == plain
        assert documented[name][1].startswith(meaning)


def test_the_example_settings_are_complete_and_work():
    values = EXAMPLE["Values"]
    bridge = Bridge(Configuration.from_env(values))
    assert set(bridge.configuration.settings.secrets) <= {name for name, source in SOURCES.items() if source.verifier}
    assert {name for name in values if name.startswith("BRIDGE_")} <= {
        *TABLE,
        *(source.secret_setting for source in SOURCES.values()),
    }
    assert values["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert all("demo" in value for name, value in values.items() if name.endswith("_SECRET"))


def test_host_json_retries_messages_and_has_the_bundle():
    """https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json"""
    queues = HOST["extensions"]["queues"]
    assert HOST["version"] == "2.0"
    assert HOST["extensionBundle"]["id"] == "Microsoft.Azure.Functions.ExtensionBundle"
    assert (queues["visibilityTimeout"], queues["maxDequeueCount"]) == ("00:00:30", 5)
    assert queues.get("messageEncoding", "base64") == "base64"


def test_requirements_have_only_lower_bounds():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+(\[\w+\])?>=[0-9.]+", line)] == []
    assert {"azure-functions", "azure-identity", "jinja2", "requests"} <= {line.split(">=")[0] for line in lines}


def test_an_installed_bridge_requires_what_the_repository_does():
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    files = [(ROOT / name).read_text().splitlines() for name in ("requirements.txt", "requirements-local.txt")]
    assert required == sorted(line for lines in files for line in lines if line and not line.startswith(("#", "-")))


def test_the_commands_of_the_readme_name_files_that_exist():
    commands = re.findall(r"-m bridge (?:send|explain|preview) (\w+) (\S+?)(?=[\s`])", README)
    assert len(commands) >= 3
    assert [name for source, name in commands if not (SOURCES[source].samples / f"{name}.json").is_file()] == []
    links = re.findall(r"\]\((?!https?:|\.\./\.\./releases/)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.skipif(not TRACKED, reason="not a git checkout: the files of the project are not known")
def test_no_file_has_paths_of_the_machine_it_was_written_on():
    machine = re.compile(rb"/(?:work|root|home)/\w|\.pyenv|" + re.escape(str(Path.home()).encode()) + rb"/")
    texts = [path for path in TRACKED if path.suffix != ".png" and path.is_file()]
    own = {ROOT / "Makefile", Path(__file__)}
    assert [path.name for path in texts if path not in own and machine.search(path.read_bytes())] == []
