"""The workflows of GitHub Actions: valid, pinned, and with no more permissions than necessary."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.local_stack import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TOOLS = Path(sys.executable).parent


def ran(*command):
    return subprocess.run([*command, *WORKFLOWS], capture_output=True, text=True, check=False)


def content(path):
    # YAML 1.1 reads the key `on` as true.
    return yaml.safe_load(path.read_text())


def test_github_accepts_them():
    run = ran(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    assert run.returncode == 0, run.stdout


def test_actionlint_finds_nothing():
    if not (actionlint := shutil.which("actionlint")):
        pytest.skip("no actionlint: the workflows are only checked against their schema")
    assert ran(actionlint).stdout == ""


def test_zizmor_finds_nothing_above_low():
    run = ran(TOOLS / "zizmor", "--offline", "--no-progress", "--format=json", "--min-severity=medium")
    assert json.loads(run.stdout) == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_commits_and_jobs_have_their_own_permissions(path):
    uses = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert uses
    assert [name for name, tag in uses if not re.search(r"@[0-9a-f]{40}$", name) or not re.match(r" # v\d", tag)] == []
    assert content(path)["permissions"] == {}
    assert all(job["permissions"] and "timeout-minutes" in job for job in content(path)["jobs"].values())


def test_each_action_has_the_same_commit_everywhere():
    pins = {pin for path in WORKFLOWS for pin in re.findall(r"uses: (\S+)", path.read_text())}
    assert len({pin.split("@")[0] for pin in pins}) == len(pins)


def test_no_azure_credentials_are_stored():
    assert not any(re.search(r"secrets\.(?!GITHUB_TOKEN)", path.read_text()) for path in WORKFLOWS)


def test_ci_runs_the_same_checks_on_every_python():
    (job,) = content(ROOT / ".github/workflows/ci.yml")["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert ".ci/run" in {step.get("run") for step in job["steps"]}


def test_a_release_gets_its_section_of_the_changelog():
    script = ROOT / "scripts/changelog-section.sh"
    run = subprocess.run([script, "Unreleased"], capture_output=True, text=True, check=True)
    assert run.stdout.lstrip().startswith("### ")
    missing = subprocess.run([script, "99.0"], capture_output=True, text=True, check=False)
    assert missing.returncode == 1
    assert 'no section "## [99.0]"' in missing.stderr
