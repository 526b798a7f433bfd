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

pytestmark = pytest.mark.files

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


def jobs():
    for path in WORKFLOWS:
        for name, job in content(path)["jobs"].items():
            yield path.stem, name, job


def test_no_job_that_may_sign_installs_or_runs_anything_of_ours():
    signing = [(file, name, job) for file, name, job in jobs() if job["permissions"].get("id-token") == "write"]
    assert {(file, name) for file, name, _ in signing} == {("release", "attest"), ("deploy", "deploy")}
    for _, name, job in signing:
        uses = {step.get("uses", "").partition("@")[0] for step in job["steps"]}
        commands = "\n".join(step["run"] for step in job["steps"] if "run" in step)
        assert not uses & {"actions/checkout", "actions/setup-python", "actions/setup-node"}, name
        assert not re.search(r"\b(?:python3?|pip|npm|node|make|bash|sh|git|gh)\b", commands), name
        assert set(job["permissions"]) <= {"id-token", "attestations"}, name


def test_what_is_released_is_built_without_development_packages_by_one_version_of_python():
    built = [job for _, name, job in jobs() if name == "build"]
    assert len(built) == 2
    for job in built:
        runs = [step["run"] for step in job["steps"] if "run" in step]
        assert job["permissions"] == {"contents": "read"}
        assert not any(re.search(r"\bmake\b|\bpip\b|\bnpm\b|\.ci/run", run) for run in runs)
        assert "python -m tools.package released-package.zip" in runs
    pythons = {step["with"]["python-version"] for job in built for step in job["steps"] if "setup-python" in str(step)}
    (python,) = pythons
    assert re.fullmatch(r"3\.13\.\d+", python)


def test_a_release_is_attested_with_its_libraries_before_it_is_published():
    release = content(ROOT / ".github/workflows/release.yml")["jobs"]
    attests = [
        step["with"] for step in release["attest"]["steps"] if step.get("uses", "").startswith("actions/attest@")
    ]
    assert [set(each) for each in attests] == [{"subject-path"}, {"subject-path", "sbom-path"}]
    assert all("released-package.zip" in each["subject-path"] for each in attests)
    assert "attest" in release["publish"]["needs"]
    assert set(release["attest"]["needs"]) == {"test", "build"}
    published = release["publish"]["steps"][-1]["run"]
    assert {"released-package.zip", "released-package.cdx.json", "SHA256SUMS"} <= set(re.findall(r"[\w.-]+", published))


def test_the_lock_is_audited_daily_and_whenever_it_changes():
    audit = content(ROOT / ".github/workflows/audit.yml")
    assert audit[True]["push"]["paths"] == audit[True]["pull_request"]["paths"] == ["requirements.lock"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", audit[True]["schedule"][0]["cron"])
    assert audit["jobs"]["audit"]["steps"][-1]["run"] == "make audit"


def test_renovate_accepts_its_configuration_and_looks_at_all_versions():
    config = ROOT / ".github/renovate.json"
    command = [TOOLS / "check-jsonschema", "--builtin-schema", "vendor.renovate", config]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    renovate = json.loads(config.read_text())
    # This preset also updates the commits of actions: https://docs.renovatebot.com/presets-config/#configbest-practices
    assert "config:best-practices" in renovate["extends"]
    assert renovate["pip-compile"]["managerFilePatterns"] == [r"/^requirements\.lock$/"]
    (expression,) = renovate["customManagers"][0]["matchStrings"]
    makefile = (ROOT / "Makefile").read_text()
    assert (
        len(re.findall(expression.replace("?<", "?P<"), makefile)) == len(re.findall(r"\w+@\$\(\w+\)", makefile)) == 2
    )


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("vendor.dependabot", ["dependabot.yml"]),
        ("vendor.github-issue-config", ["ISSUE_TEMPLATE/config.yml"]),
        ("vendor.github-issue-forms", [f"ISSUE_TEMPLATE/{name}.yml" for name in ("1-post", "2-bug", "3-service")]),
    ],
)
def test_github_accepts_the_forms_and_the_updates(schema, names):
    files = [ROOT / ".github" / name for name in names]
    command = [TOOLS / "check-jsonschema", "--builtin-schema", schema, *files]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_a_form_that_asks_for_a_payload_warns_of_secrets():
    forms = [content(path)["body"] for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("[0-9]-*.yml")]
    with_payload = [form for form in forms if any("ayload" in str(field["attributes"].get("label")) for field in form)]
    assert len(with_payload) == 2
    assert all("contain secrets" in str(form) for form in with_payload)


def test_ci_runs_the_same_checks_on_every_python():
    (job,) = content(ROOT / ".github/workflows/ci.yml")["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert ".ci/run" in {step.get("run") for step in job["steps"]}


def test_a_release_gets_its_section_of_the_changelog():
    script = ROOT / "scripts/changelog-section.sh"
    run = subprocess.run([script, "1.0.0"], capture_output=True, text=True, check=True)
    assert run.stdout.lstrip().startswith("The first release")
    missing = subprocess.run([script, "99.0"], capture_output=True, text=True, check=False)
    assert missing.returncode == 1
    assert 'no section "## [99.0]"' in missing.stderr
