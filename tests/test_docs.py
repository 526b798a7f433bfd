"""The docs hold true: their links lead somewhere, their commands are commands, their settings are taken."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib

import click
import pytest
import yaml
from jinja2 import DictLoader

from bridge import configuration
from bridge.configuration import (
    Configuration,
    expectation_tables,
    groups,
    hours_tables,
    maintenance_tables,
    route_tables,
    summary_tables,
)
from bridge.rendering.environment import environment
from bridge.settings import TABLE, Settings
from bridge.sources import SOURCES, form
from tests.arm_template import Azure, Template
from tests.command_lines import parsed
from tests.local_stack import ROOT
from tools import services_page

pytestmark = pytest.mark.files

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "infra/terraform/README.md"]
GROUP = "3c1d0d4e-0000-4000-8000-000000000001"
MAKE = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
WITHIN_CODE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(page, language):
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands(page):
    """Each command line of the page's shell blocks."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line


def anchors(page):
    titles = re.findall(r"^#+ (.*)", WITHIN_CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pages
def test_links_lead_to_files_and_titles_that_are_there(page):
    text = WITHIN_CODE.sub("", page.read_text())
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
        if target == "../../releases/latest":  # on GitHub, of the repository that is looked at
            assert page.parent == ROOT
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pages
def test_routes_and_sources_of_the_docs_are_taken(page):
    for block in (text.replace("...", "") for text in blocks(page, "toml")):  # ids are abbreviated
        table = tomllib.loads(block)
        named = {name for route in table.get("route", []) for name in route["groups"]}
        missing = sorted(named - table.get("groups", {}).keys())
        groups = (
            "" if "groups" in table or not missing else "\n[groups]\n" + "".join(f'{n} = "{GROUP}"\n' for n in missing)
        )
        assert Configuration.of(Settings(GROUP, block + groups))


@pages
def test_yaml_and_json_of_the_docs_can_be_read(page):
    for block in blocks(page, "ya?ml"):
        yaml.safe_load(block)
    for block in blocks(page, "json"):
        json.loads(block)


@pages
def test_tables_are_tables(page):
    lines = WITHIN_CODE.sub("", page.read_text()).splitlines()
    rules = [number for number, line in enumerate(lines) if re.search(r"-\s*\|\s*-", line)]
    assert [lines[number] for number in rules if not re.fullmatch(r" *\|(?: *:?-+:? *\|)+", lines[number])] == []
    assert [lines[number - 1] for number in rules if lines[number - 1].count("|") < lines[number].count("|")] == []


# Each language with the test that reads its blocks; `text` shows what a program prints.
LANGUAGES = {
    *("toml", "yaml", "json", "sh", "python", "html+jinja", "jinja"),  # here
    *("kusto", "powershell", "hcl", "text"),  # tests/test_monitoring.py, tests/test_scripts.py, tests/test_terraform.py
}


@pages
def test_code_of_the_docs_can_be_read(page):
    assert set(re.findall(r"^ *```(\S+)$", page.read_text(), re.MULTILINE)) <= LANGUAGES
    for block in blocks(page, "python"):
        compile(block, page.name, "exec")
    for block in [*blocks(page, r"html\+jinja"), *blocks(page, "jinja")]:
        environment(DictLoader({})).parse(block.replace("!secret ", ""))
    script = "\n".join(re.sub(r"<[^<>\n]+>", "value", block) for block in blocks(page, "sh"))
    if script and (bash := shutil.which("bash")):
        run = subprocess.run([bash, "-n"], input=script, capture_output=True, text=True, check=False)
        assert run.stderr == ""


@pages
def test_commands_of_the_bridge_and_of_make_are_there(page):
    for line in commands(page):
        for target in re.findall(r"\bmake ([a-z]+)\b", line.partition("#")[0]):
            assert target in MAKE, line
        if match := re.search(r"python -m bridge ([^|]*)", line):
            words = shlex.split(re.sub(r"<[^>]*>", "value", match[1]), comments=True)
            try:
                parsed(words)
            except click.UsageError as error:
                pytest.fail(f"{line}: {error.format_message()}")


@pages
def test_scripts_and_settings_that_the_docs_name_are_there(page):
    text = page.read_text()
    assert [
        name for name in re.findall(r"\bscripts/([\w-]+\.\w+)", text) if not (ROOT / "scripts" / name).exists()
    ] == []
    of_sources = {f"BRIDGE_{name.upper()}_{kind}" for name in SOURCES for kind in ("SECRET", "NETWORKS")}
    of_sources |= {f"BRIDGE_{name.upper()}_SECRET" for name in re.findall(r"^\[sources\.(\w+)\]", text, re.MULTILINE)}
    # What azd's hook asks for, and what tests and the local stand-in take.
    others = {
        "BRIDGE_ACCOUNT",
        "BRIDGE_SPONSOR",
        "BRIDGE_AGENT_USER",
        "BRIDGE_APP",
        "BRIDGE_LOCAL_PERMISSIONS",
        "BRIDGE_ADMIN_KEY",
    }
    # The last one is an example of a misspelt one.
    others |= {"BRIDGE_LOCAL_PROCESSES", "BRIDGE_LOCAL_TUNNEL", "BRIDGE_GITHUB_SECERT"}
    others |= set(re.findall(r"BRIDGE_[A-Z_]+", (ROOT / "infra/main.parameters.json").read_text()))
    named = set(re.findall(r"\bBRIDGE_[A-Z_]+[A-Z]\b(?!_?<)", text))
    assert {name for name in named - TABLE.keys() - of_sources - others if not re.search(r"BRIDGE_<", name)} == set()


# What names a page of the docs: settings of the deployment, messages, comments.
NAMING = [
    path
    for folder in ("bridge", "templates", "infra", "tools", "scripts", ".github")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md", ".toml", ".html", ".bicep", ".tf", ".sh", ".ps1", ".yml", ".js", ".json"}
    and "samples" not in path.parts
]
NAMING += [
    path for path in ROOT.iterdir() if path.suffix in {".json", ".toml", ".md", ".yaml"} or path.name == "Makefile"
]


def test_every_page_of_the_docs_that_a_file_names_is_there():
    named = {
        (path.relative_to(ROOT), page, anchor)
        for path in NAMING
        for page, anchor in re.findall(
            r"(?<![\w/.-])(docs/[\w/-]+\.md)(?:#([\w-]+))?", path.read_text("utf-8", "replace")
        )
    }
    assert len(named) > 50
    missing = [
        one for one in named if not (ROOT / one[1]).is_file() or (one[2] and one[2] not in anchors(ROOT / one[1]))
    ]
    assert missing == []


def test_there_is_a_page_for_each_service_and_no_other():
    assert {path.stem for path in (ROOT / "docs/services").glob("*.md")} == {"README", *SOURCES}
    assert {source.name for _, sources in services_page.kinds() for source in sources} == set(SOURCES)
    for source in SOURCES.values():
        assert [name for name in services_page.shown(source) if not (source.samples / f"{name}.json").is_file()] == []


def test_the_readme_has_a_moving_picture_that_loads_quickly():
    (name,) = re.findall(r"\]\((docs/[\w-]+\.webp)\)", (ROOT / "README.md").read_text())
    picture = (ROOT / name).read_bytes()
    assert (picture[:4], picture[8:16]) == (b"RIFF", b"WEBPVP8X")
    frames = re.findall(rb"ANMF.{20}(VP8.)", picture, re.DOTALL)
    assert len(frames) >= 4
    assert set(frames) == {b"VP8 "}  # a browser takes no frame that begins with anything else
    assert len(picture) < 400_000


DEPLOY = (ROOT / "docs/deploy.md").read_text()


def amount(text):
    return float(text.replace(",", "").lstrip("$"))


def test_costs_are_what_their_factors_make():
    number, times = r"\$?[\d,]+(?:\.\d+)?", " \N{MULTIPLICATION SIGN} "
    found = re.findall(rf"((?:{number}(?: GB-s)?{times})+{number}(?: / {number})?(?: million)?) = (\$[\d.]+)", DEPLOY)
    products = [(left, right) for left, right in found if "million" not in left]
    assert len(products) >= 10
    for left, right in products:
        product, _, divisor = left.partition(" / ")
        value = 1.0
        for factor in product.replace(" GB-s", "").split(times):
            value *= amount(factor)
        value /= amount(divisor) if divisor else 1
        assert abs(value - amount(right)) < 0.006, (left, right)


def test_the_switches_are_priced_and_named_as_in_the_template():
    switches = DEPLOY[DEPLOY.index("## Switches") : DEPLOY.index("## GitHub Actions")]
    parameters = json.loads((ROOT / "azuredeploy.json").read_text())["parameters"]
    first = re.findall(r"^\| (`[^|]*) \|", switches, re.MULTILINE)
    assert {name for cell in first for name in re.findall(r"`(\w+)`", cell)} <= parameters.keys()
    costs = DEPLOY[DEPLOY.index("## What it costs") : DEPLOY.index("## Private network")]
    for words in (
        "alerts",
        "availability test",
        "always-ready",
        "zone redundancy",
        "private network",
        "workbook",
        "budget",
    ):
        assert words in costs


def test_the_rules_of_the_alerts_are_priced():
    alerts = json.loads((ROOT / "azuredeploy.json").read_text())["variables"]["alerts"]
    often = sum(alert["every"] == "PT5M" for alert in alerts)
    assert f"alerts: {often} rules every 5 minutes, {len(alerts) - often} every 15" in DEPLOY


def test_the_answers_of_the_guide_are_parameters_that_deploy():
    (answers,) = blocks(ROOT / "docs/deploy.md", "json")
    document = json.loads((ROOT / "azuredeploy.json").read_text())
    values = {name: answer["value"] for name, answer in json.loads(answers).items()}
    required = {name for name, parameter in document["parameters"].items() if "defaultValue" not in parameter}
    assert required <= values.keys() <= document["parameters"].keys()
    kinds = {resource.type for resource in Template(document, values, Azure()).resources()}
    assert {"Microsoft.Web/sites", "Microsoft.KeyVault/vaults"} <= kinds
    assert "Microsoft.KeyVault/vaults/secrets" not in kinds  # kept, not written


def test_the_guide_says_how_to_upgrade_roll_back_uninstall_and_go_to_production():
    assert {"upgrade", "roll-back", "uninstall", "from-development-to-production", "make-a-release"} <= anchors(
        ROOT / "docs/deploy.md"
    )
    commands_ = " ".join(commands(ROOT / "docs/deploy.md"))
    assert "$repository/releases/download/$version/released-package.zip" in commands_
    assert commands_.count("az deployment group what-if") >= 2


def test_the_guide_says_what_azure_does_with_deleted_vaults_and_regions():
    assert "recoverVaults=true" in DEPLOY
    assert "7 days" in DEPLOY
    assert "az functionapp list-flexconsumption-locations" in DEPLOY


def test_the_subject_of_a_workflow_is_asked_of_github():
    """Since 2026-07-15 it has ids in it, which nobody can guess from names."""
    assert "actions/oidc/customization/sub --jq .sub_claim_prefix" in DEPLOY
    assert '--subject "$prefix:environment:production"' in DEPLOY
    assert "--subject repo:" not in DEPLOY


@pytest.mark.parametrize(
    ("page", "keys"),
    [
        ("configuration", configuration._TABLES | groups._KEYS | route_tables._KEYS),
        ("hours", hours_tables._KEYS),
        ("maintenance", maintenance_tables._KEYS),
        ("expectations", expectation_tables._KEYS),
        ("summaries", summary_tables._KEYS),
        ("own-service", form._KEYS | {*form._EXPRESSIONS} | form._EVENT | form._METER | form._PEOPLE),
    ],
)
def test_every_key_of_the_configuration_is_on_its_page(page, keys):
    path = ROOT / f"docs/{page}.md"
    code = [*re.findall(r"`([^`\n]+)`", path.read_text()), *blocks(path, "toml")]
    assert sorted(keys - {word for text in code for word in re.findall(r"\w+", text)}) == []
