"""A release: the workflow's commands on a copy of the repository, and what they make of it."""

import json
import re
import shutil
import subprocess
import sys
from urllib.parse import unquote

import pytest
import yaml

from tests.arm_template import Azure, Template
from tests.local_stack import ROOT
from tools import docs
from tools.releases import Release, of

pytestmark = pytest.mark.files

RELEASE = Release("monalisa/our-bridge", "v2.3.4")
TEMPLATE = json.loads((ROOT / "azuredeploy.json").read_text())
JOBS = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
PINNED = ("README.md", "docs/deploy.md", "infra/terraform/README.md", "azuredeploy.json", "createUiDefinition.json")
branch = pytest.mark.skipif(of(TEMPLATE) is not None, reason="this is a release, and no branch")


def ran(folder, *command):
    return subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A copy of the repository, after what the workflow does to it."""
    folder = tmp_path_factory.mktemp("release")
    for name in ("bridge", "tools", "templates", "docs", "infra"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.png"))
    shutil.copytree(ROOT / "tests/data/azure", folder / "tests/data/azure")
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    for arguments in (
        ("-m", "tools.release", RELEASE.tag, RELEASE.repository),
        ("-m", "tools.docs"),
    ):
        run = ran(folder, *arguments)
        assert run.returncode == 0, run.stderr
    return folder


def check(folder, release=RELEASE):
    return ran(folder, "-m", "tools.release", "--check", release.tag, release.repository)


def test_the_check_accepts_what_the_workflow_makes_and_prints_the_button(released):
    run = check(released)
    assert (run.returncode, run.stdout.strip()) == (0, RELEASE.button), run.stderr


def test_button_wizard_template_package_and_docs_are_of_one_tag(released):
    button = re.search(r"uri/(\S+)/createUIDefinitionUri/(\S+)\)", (released / "README.md").read_text())
    files = f"https://raw.githubusercontent.com/{RELEASE.repository}/{RELEASE.tag}"
    assert [unquote(part) for part in button.groups()] == [
        f"{files}/azuredeploy.json",
        f"{files}/createUiDefinition.json",
    ]
    for name in PINNED:
        text = unquote((released / name).read_text())
        ours = re.findall(
            r"(?:githubusercontent\.com|github\.com)/(monalisa/our-bridge/(?:blob/|releases/download/)?[\w.]+)", text
        )
        assert {address.rpartition("/")[2] for address in ours} <= {RELEASE.tag}, name
        assert "contoso/webhook-bridge" not in text, name
    module = (released / "infra/terraform/README.md").read_text()
    assert f"git::https://github.com/{RELEASE.repository}.git//infra/terraform?ref={RELEASE.tag}" in module
    assert f"repository={RELEASE.repository}\nversion={RELEASE.tag}\n" in (released / "docs/deploy.md").read_text()


def test_the_template_of_a_release_deploys_its_package_unless_it_is_asked_not_to(released):
    template = json.loads((released / "azuredeploy.json").read_text())
    assert template["contentVersion"] == "2.3.4.0"
    answers = {"webhookSecrets": {}}

    def package(**more):
        resources = Template(template, {**answers, **more}, Azure()).resources()
        return [
            resource.body["properties"]["packageUri"]
            for resource in resources
            if resource.type == "Microsoft.Web/sites/extensions"
        ]

    assert package() == ["https://github.com/monalisa/our-bridge/releases/download/v2.3.4/released-package.zip"]
    assert package(packageUri="") == []
    assert package(packageUri="https://contoso.example/own.zip") == ["https://contoso.example/own.zip"]


def test_the_wizard_of_a_release_proposes_its_package_and_links_its_docs(released):
    wizard = (released / "createUiDefinition.json").read_text()
    assert f'"defaultValue": "{RELEASE.package}"' in wizard
    links = re.findall(r'"uri": "(https://github\.com/\S+)"', wizard)
    assert len(links) >= 5
    assert all(link.startswith(f"{RELEASE.docs}/") for link in links)


def test_the_code_of_a_release_says_its_version(released):
    run = ran(released, "-c", "import bridge; print(bridge.__version__)")
    assert run.stdout.strip() == "2.3.4"
    assert 'version = "2.3.4"' in (released / "pyproject.toml").read_text()
    assert "template: webhook-bridge@2.3.4" in (released / "azure.yaml").read_text()


def test_a_second_run_changes_nothing(released):
    before = {name: (released / name).read_bytes() for name in (*docs.GENERATED, "bridge/__init__.py")}
    ran(released, "-m", "tools.release", RELEASE.tag, RELEASE.repository)
    ran(released, "-m", "tools.docs")
    assert {name: (released / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    ("name", "wanted", "planted", "message"),
    [
        ("README.md", "## Deploy", "## Deploy contoso/webhook-bridge", "README.md names contoso/webhook-bridge"),
        ("docs/deploy.md", "version=v2.3.4", "version=<version>", "docs/deploy.md names <version>"),
        ("azuredeploy.json", "download/v2.3.4", "download/v2.3.3", "azuredeploy.json does not deploy"),
        ("createUiDefinition.json", "/blob/v2.3.4/docs", "/blob/main/docs", "the wizard does not lead"),
        ("README.md", "%2Fv2.3.4%2F", "%2Fmain%2F", "README.md has no button"),
        ("bridge/__init__.py", "2.3.4", "2.3.3", "bridge/__init__.py has another version"),
    ],
)
def test_a_placeholder_or_another_version_fails_the_release(released, name, wanted, planted, message):
    path = released / name
    text = path.read_text()
    assert wanted in text
    path.write_text(text.replace(wanted, planted))
    try:
        run = check(released)
    finally:
        path.write_text(text)
    assert run.returncode != 0
    assert message in run.stderr


@pytest.mark.parametrize("wrong", [("2.3.4", "a/b"), ("v2.3", "a/b"), ("v2.3.4", "webhook-bridge"), ("main", "a/b")])
def test_a_version_that_is_none_is_refused(wrong, released):
    run = ran(released, "-m", "tools.release", *wrong)
    assert run.returncode != 0
    assert "must be like v1.2.3" in run.stderr


@branch
def test_a_branch_leads_nobody_to_another_owners_release():
    run = check(ROOT)
    assert run.returncode != 0
    readme, wizard = ((ROOT / name).read_text() for name in ("README.md", "createUiDefinition.json"))
    assert "portal.azure.com/#create" not in readme
    assert "(../../releases/latest)" in readme  # of the repository that is looked at, so of a fork its own
    assert "docs/deploy.md#make-a-release" in readme
    assert not re.search(r"github\.com/|githubusercontent\.com/", wizard)
    assert TEMPLATE["parameters"]["packageUri"]["defaultValue"] == ""


def steps(job):
    return [step.get("run", "") for step in JOBS[job]["steps"]]


def test_the_workflow_substitutes_before_it_builds_and_tests_what_it_releases():
    write = 'python -m tools.release "$VERSION" "$GITHUB_REPOSITORY"'
    check = 'python -m tools.release --check "$VERSION" "$GITHUB_REPOSITORY"'
    test, build = steps("test"), steps("build")
    assert [write, "make docs", check, ".ci/run"] == [
        step for step in test if step in (write, "make docs", check, ".ci/run")
    ]
    order = [build.index(write), build.index("python -m tools.package released-package.zip")]
    order += [next(i for i, step in enumerate(build) if part in step) for part in ("tools.docs", "--check")]
    assert order == sorted(order)
    assert f"{check} > notes.md" in build
    assert "git diff > release.patch" in "\n".join(build)


def test_the_workflow_makes_the_tag_itself_and_only_the_tag():
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    assert workflow[True].keys() == {"workflow_dispatch"}
    publish = "\n".join(steps("publish"))
    assert publish.count("git push") == 1
    assert re.search(r'git push .* "refs/tags/\$VERSION"$', publish, re.MULTILINE)
    assert "git apply --index released/release.patch" in publish
    assert "${{" not in publish


def test_the_tag_has_what_was_attested(released, tmp_path):
    """The publishing job applies the patch of the build to the branch."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
    names = ["README.md", "docs/deploy.md", "azuredeploy.json", "createUiDefinition.json", "bridge/__init__.py"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "branch"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    for name in names:
        shutil.copy(released / name, tmp_path / name)
    patch = subprocess.run(["git", "diff"], cwd=tmp_path, check=True, capture_output=True).stdout
    subprocess.run(["git", "checkout", "-q", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "--index"], cwd=tmp_path, input=patch, check=True)
    assert all((tmp_path / name).read_bytes() == (released / name).read_bytes() for name in names)
