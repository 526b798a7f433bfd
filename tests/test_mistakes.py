"""Mistakes that stop nothing: each is reported with the name that was meant, and nobody is accused wrongly."""

import re
import tomllib

import pytest

from bridge.app import Bridge
from bridge.cli import main as cli
from bridge.configuration import Configuration
from bridge.errors import SettingsError
from bridge.local.page.mistakes import MistakesView
from bridge.mistakes import DEPLOYMENT, LOCAL, mistakes
from bridge.rendering.environment import OwnTemplates
from bridge.settings import TABLE
from bridge.sources import SOURCES
from bridge.sources.known_names import names_of
from tests.local_stack import ROOT
from tools import known_names

GROUP = "00000000-0000-4000-8000-0000000000d0"
BASE = '{% extends "default:github/pull_request.html" %}\n'


def found(tmp_path, *, config="", templates=None, **more):
    env = {"BRIDGE_GROUP": GROUP, "BRIDGE_CONFIG": config, **more}
    for name, text in (templates or {}).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        env["BRIDGE_TEMPLATES"] = str(tmp_path)
    bridge = Bridge(Configuration.from_env(env))
    return [*bridge.renderer.problems(), *(mistake.text for mistake in mistakes(bridge, env))]


def route(when):
    return f'[[route]]\nwhen = """{when}"""\ngroups = []\n'


ROUTES = {
    "attributes.branh == 'main'": "no event has `attributes.branh`; did you mean `attributes.branch`?",
    "attributes['lables']": "no event has `attributes.lables`; did you mean `attributes.labels`?",
    "attributes.get('projct')": "no event has `attributes.projct`; did you mean `attributes.project`?",
    "source == 'github' and attributes.assignees": "no event of github has `attributes.assignees`",
    "source in ('jira', 'linear') and attributes.paths": "no event of jira or linear has `attributes.paths`",
    "kind == 'push' and (source == 'jira' and attributes.paths)": "no event of jira has `attributes.paths`",
    "kind == 'pull_requst.opened'": "no recorded event has the kind 'pull_requst.opened'; did you mean `pull_request`?",
    "kind in ('issues', 'relase')": "no recorded event has the kind 'relase'; did you mean `release`?",
    "source == 'githb'": "there is no source 'githb'; did you mean `github`?",
    "severity >= 'warnin'": "there is no severity 'warnin'; did you mean `warning`?",
}


@pytest.mark.parametrize("when", ROUTES)
def test_a_route_that_asks_for_what_no_event_has(when, tmp_path):
    assert found(tmp_path, config=route(when)) == [f"route 1 (line 2 of BRIDGE_CONFIG): `{when}`: {ROUTES[when]}"]


@pytest.mark.parametrize(
    "when",
    [
        "source in ('github', 'gitlab') and attributes.confidential",
        "(source == 'github' and attributes.paths) or (source == 'jira' and attributes.changed)",
        "source != 'github' and attributes.alertname",
        "attributes.labels.anything == 'x' or attributes.custom['any thing']",
        "attributes.get('branch', '') or 'x' in attributes.keys()",
        "source == 'own' and attributes.floor and kind == 'pushh'",
        "source == 'github' and kind in ('push', 'something_new.done')",
        "source == 'checks' and attributes.check and attributes.floor",
    ],
)
def test_a_route_on_what_some_event_has(when, tmp_path):
    declared = "[sources.own]\nattributes.floor = 'item.floor'\n"
    extended = "[sources.checks]\nextends = 'updown'\nattributes.floor = 'payload.floor'\n"
    assert found(tmp_path, config=declared + extended + route(when)) == []


def documented():
    """Every piece of configuration in the docs and in config.example.toml."""
    yield "config.example.toml", (ROOT / "config.example.toml").read_text("utf-8")
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("bridge/sources/*/docs.md"))]:
        for number, text in enumerate(re.findall(r"```toml\n(.*?)```", path.read_text("utf-8"), re.DOTALL)):
            yield f"{path.relative_to(ROOT)} {number}", text


@pytest.mark.parametrize(("name", "text"), [*documented()], ids=lambda value: value if len(value) < 60 else "")
def test_the_docs_have_no_mistake(name, text, tmp_path):
    # A piece may name groups that another one declares.
    names = {group for one in tomllib.loads(text).get("route", []) for group in one.get("groups", ())}
    missing = names - tomllib.loads(text).get("groups", {}).keys()
    groups = "".join(f'{each} = "{GROUP}"\n' for each in sorted(missing) if "-" not in each)
    config = text.replace("[groups]", f"[groups]\n{groups}", 1) if "[groups]" in text else f"[groups]\n{groups}\n{text}"
    try:
        assert found(tmp_path, config=config) == [], name
    except SettingsError as error:
        pytest.skip(f"it has placeholders: {error}")


TEMPLATES = {
    "{{ event.titel }}": "no event has a field `event.titel`; did you mean `event.title`?",
    "{{ event.attributes.branh }}": "did you mean `event.attributes.branch`?",
    "{{ detials.action }}": "no template has a name `detials`; did you mean `details`?",
    "{{ details.actoin }}": "no recorded event has `details.actoin`; did you mean `details.action`?",
    "{{ field('pull_request.usr.login') }}": "no recorded webhook has a field `pull_request.usr`; did you mean "
    "`pull_request.user`?",
    "{{ time('pull_request.merged_att') }}": "did you mean `pull_request.merged_at`?",
    "{% if event.title is mising %}{% endif %}": "there is no test `mising`",
    "{% endblock %}{% block bodi %}": "nothing shows a block bodi; did you mean body?",
    "{% endblock %}{% block on_opend %}": "nothing shows a block on_opend; did you mean on_opened?",
}


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_that_reads_what_no_event_has(text, tmp_path):
    name = "github/pull_request.html"
    (sentence,) = found(tmp_path, templates={name: f"{BASE}{{% block body %}}{text}{{% endblock %}}"})
    assert sentence.startswith(f"{name}, line 2: ")
    assert TEMPLATES[text] in sentence


def test_templates_may_read_fields_that_no_recorded_webhook_has(tmp_path):
    text = "{% set own = field('pull_request.something.new') %}{{ own }}{{ payload.anything }}{{ details.of_my_own }}"
    assert (
        found(tmp_path, templates={"github/pull_request.html": f"{BASE}{{% block body %}}{text}{{% endblock %}}"}) == []
    )


def test_the_bridges_own_templates_have_no_mistake(tmp_path):
    own = OwnTemplates()
    templates = {name: own.get_source(None, name)[0] for name in own.list_templates()}
    for name, text in templates.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    bridge = Bridge(Configuration.from_env({"BRIDGE_GROUP": GROUP, "BRIDGE_TEMPLATES": str(tmp_path)}))
    assert [mistake.text for mistake in mistakes(bridge, {})] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    {
        "BRIDGE_GITHUB_SECERT": "is no setting of the bridge; did you mean `BRIDGE_GITHUB_SECRET`?",
        "BRIDGE_GITHBU_SECRET": "belongs to no source that has a secret; did you mean `BRIDGE_GITHUB_SECRET`?",
        "BRIDGE_TEMPLATE": "is no setting of the bridge; did you mean `BRIDGE_TEMPLATES`?",
        "BRIDGE_QQQ": "is no setting of the bridge",
    }.items(),
)
def test_a_setting_that_is_unknown(name, meant, tmp_path):
    assert found(tmp_path, **{name: "hush, a secret"}) == [f"{name} {meant}"]
    assert found(tmp_path, **{name: ""}) == []


def test_settings_of_the_deployment_and_of_the_local_host_are_known(tmp_path):
    files = [*ROOT.glob("scripts/*"), *ROOT.glob("infra/*"), *ROOT.glob("*.yaml"), ROOT / "Makefile"]
    used = {
        name
        for path in files
        if path.is_file()
        for name in re.findall(r"BRIDGE_[A-Z0-9_]*[A-Z0-9]\b", path.read_text())
    }
    assert used & {"BRIDGE_ALERT_EMAIL"}
    env = {name: "x" for name in {*used, *DEPLOYMENT, *LOCAL} - TABLE.keys() if not name.endswith("_SECRET")}
    env |= {source.secret_setting: "x" * 40 for source in SOURCES.values() if source.verifier}
    assert found(tmp_path, **env) == []


def test_the_table_of_names_knows_every_attribute_of_the_docs():
    pages = [ROOT / "docs/own-service.md", *(ROOT / "docs/services").glob("*.md")]
    text = "".join(path.read_text("utf-8") for path in pages)
    documented = set(re.findall(r"`attributes\.(\w+)`", text))
    known = {name for source in SOURCES.values() for name in names_of(source).attributes}
    assert len(documented) > 20
    assert documented - known == {"floor"} & documented


def test_the_table_of_names_is_up_to_date():
    text = (ROOT / "bridge/sources/known_names.json").read_text("utf-8")
    assert known_names.table() == text, "run `make docs` and commit what it changes"


@pytest.fixture
def environment(monkeypatch, tmp_path):
    for name in ("PORT", "BRIDGE_CONFIG", "BRIDGE_TEMPLATES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BRIDGE_GROUP", GROUP)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_preview_and_explain_report_mistakes(environment, capsys):
    arguments = ["github", str(SOURCES["github"].samples / "pull_request.opened.json")]
    assert cli.main(["preview", *arguments]) == 0
    capsys.readouterr()
    environment.setenv("BRIDGE_CONFIG", route("attributes.branh == 'x'"))
    environment.setenv("BRIDGE_GITHUB_SECERT", "hush")
    assert cli.main(["preview", *arguments]) == 1
    warnings = capsys.readouterr().err
    assert "did you mean `attributes.branch`?" in warnings
    assert "did you mean `BRIDGE_GITHUB_SECRET`?" in warnings
    assert cli.main(["explain", *arguments]) == 0
    shown = capsys.readouterr().out
    assert "did you mean `attributes.branch`?" in shown
    assert "hush" not in warnings + shown


def test_the_page_follows_a_template_that_is_saved(tmp_path):
    env = {"BRIDGE_GROUP": GROUP, "BRIDGE_TEMPLATES": str(tmp_path)}
    view = MistakesView(Bridge(Configuration.from_env(env)), env)
    assert list(view.show()) == []
    (tmp_path / "event.html").write_text(
        '{% extends "default:event.html" %}{% block body %}{{ event.titel }}{% endblock %}'
    )
    (sentence,) = view.show()
    assert sentence.startswith("event.html, line 1: no event has a field `event.titel`")


def test_an_unknown_filter_is_a_problem_and_hides_no_other_mistake(tmp_path):
    text = BASE + "{% block on_merged %}{{ actor|uper }} {{ event.titel }}{% endblock %}"
    problems = found(tmp_path, templates={"github/pull_request.html": text})
    assert len(problems) == 2
    assert "there is no filter `uper`; did you mean `upper`?" in problems[0]
    assert "`event.titel`; did you mean `event.title`?" in problems[1]
