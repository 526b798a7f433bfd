"""The command `init`: what it asks and writes, and that the bridge runs with it."""

import json
import os
import re
import sys
import tomllib

import pytest
import requests

from bridge.cli import main as cli
from bridge.cli.init_advice import menu
from bridge.configuration import Configuration
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests import forked
from tests.arm_template import Template
from tests.graph_servers import closed_port
from tests.local_stack import ROOT, environment, polling, workplace
from tests.test_template import DOCUMENT, PACKAGE

GROUP = "3c1d0d4e-0000-4000-8000-000000000001"
DEMO = "00000000-0000-4000-8000-0000000000d0"
STRIPE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("BRIDGE_", "PORT"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(workplace(tmp_path / "work"))
    return tmp_path / "work"


def values(folder):
    return json.loads((folder / "local.settings.json").read_text())["Values"]


def answers(folder):
    parameters = json.loads((folder / "answers.json").read_text())["parameters"]
    return {name: parameter["value"] for name, parameter in parameters.items()}


def run(capsys, *arguments, status=0):
    assert cli.main(["init", *arguments]) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


def test_where_pip_has_installed_it_it_says_where_the_docs_are(capsys, monkeypatch, tmp_path):
    where = "The repository has docs/ and azuredeploy.json, which pip does not install."
    assert where not in run(capsys, "--yes")
    monkeypatch.setattr("bridge.cli.init_advice.ROOT", tmp_path)
    assert where in run(capsys, "--yes")


def test_with_all_defaults_the_bridge_runs_and_takes_signed_webhooks(folder, capsys):
    assert "Written: local.settings.json, config.toml." in run(capsys, "--yes", "--services", "github,grafana")
    port = closed_port()
    env = environment(PORT=str(port), BRIDGE_SETTLE_SECONDS="0")
    process = forked.start(["bridge", "run"], folder, env, folder / "log")
    try:
        url = f"http://127.0.0.1:{port}/api/webhooks"
        source = SOURCES["grafana"]
        body = (source.samples / "group.firing.json").read_bytes()
        headers = {"Content-Type": "application/json"}
        signed = source.verifier.sign(body, values(folder)["BRIDGE_GRAFANA_SECRET"])
        for _ in polling():
            try:
                requests.get(f"http://127.0.0.1:{port}/api/health", timeout=30)
            except requests.ConnectionError:
                continue
            break
        answer = requests.post(f"{url}/grafana", body, headers={**headers, **signed}, timeout=30)
        assert answer.status_code == 202, answer.text
        wrong = source.verifier.sign(body, "another-secret-of-some-length")
        assert requests.post(f"{url}/grafana", body, headers={**headers, **wrong}, timeout=30).status_code == 401
        # The page shows the thread, and the group by its name.
        page = {"url": f"http://127.0.0.1:{port}/page/mail", "params": {"group": DEMO}, "timeout": 30}
        assert any((shown := requests.get(**page).json())["threads"] for _ in polling())
        assert shown["groups"] == [{"id": DEMO, "name": "Demo group"}]
    finally:
        process.terminate()
        process.wait(30)


def test_what_it_writes_is_taken_by_the_settings(folder, capsys):
    run(capsys, "--yes", "--group", GROUP, "--group-name", "Ops & co", "--time-zone", "Europe/Berlin")
    found = values(folder)
    configuration = Configuration.of(Settings.from_env(found))
    assert configuration.groups[GROUP].name == "Ops & co"
    assert (found["BRIDGE_GROUP"], found["BRIDGE_TIME_ZONE"]) == (GROUP, "Europe/Berlin")
    assert re.fullmatch("[0-9a-f]{64}", found["BRIDGE_GITHUB_SECRET"])
    for name in ("local.settings.json", "config.toml"):
        assert (folder / name).stat().st_mode & 0o077 == 0
    assert not (folder / "answers.json").exists()


def test_the_demo_group_has_its_name(folder, capsys):
    run(capsys, "--yes")
    assert tomllib.loads((folder / "config.toml").read_text())["groups"] == {"Demo group": DEMO}


WAYS = {
    "mail": (["--mail-from", "bridge@contoso.com"], {"identity": "managed-identity", "channel": "mail"}),
    "agent-user": (["--identity", "agent-user"], {"identity": "agent-user", "channel": "threads"}),
    "service-account": (["--identity", "service-account"], {"identity": "service-account", "channel": "threads"}),
    "nothing given": ([], {"identity": "managed-identity", "mailFrom": ""}),
}


@pytest.mark.parametrize(("arguments", "expected"), WAYS.values(), ids=WAYS)
def test_the_template_takes_the_parameters(folder, capsys, arguments, expected):
    services = ["--services", "github,stripe,docker_hub", "--secret", f"stripe={STRIPE}"]
    group = [] if arguments == [] else ["--group", GROUP]
    printed = run(capsys, "--yes", "--where", "azure", *group, *services, *arguments)
    found = answers(folder)
    assert found.items() >= expected.items()
    assert found["generatedSecrets"] == ["github"]
    assert found["webhookSecrets"] == {"stripe": STRIPE}
    assert "BRIDGE_GITHUB_SECRET" not in (folder / "answers.json").read_text()
    assert list(Template(DOCUMENT, {**found, "packageUri": PACKAGE}).resources())
    assert ("Write the object id of the group into answers.json" in printed) is (group == [])
    assert "--parameters @answers.json" in printed
    assert "  azd env set-secret BRIDGE_GITHUB_SECRET\n" in printed
    assert STRIPE not in printed


def test_each_service_has_its_url_and_its_menu(capsys):
    printed = run(capsys, "--yes", "--services", "github stripe,azure_monitor")
    for line in (
        "  URL     http://127.0.0.1:7071/api/webhooks/github",
        "  secret  BRIDGE_GITHUB_SECRET, in local.settings.json",
        "  where   For one repository: Settings > Webhooks > Add webhook",
        "  URL     http://127.0.0.1:7071/api/webhooks/stripe?code=local",
        "  secret  Stripe makes it: set BRIDGE_STRIPE_SECRET to it, and leave out ?code=",
        "  where  Monitor > Alerts > Action groups > Create",
    ):
        assert line in printed.splitlines()


def test_most_services_have_a_menu():
    menus = [menu(source.samples.parent / "docs.md") for source in SOURCES.values()]
    assert len([one for one in menus if " > " in one]) > 35
    assert [one for one in menus if "*" in one or len(one) > 160] == []


def test_questions_are_asked_again_until_the_answer_can_be_used(folder, capsys, monkeypatch):
    given = iter(["moon", "azure", GROUP, "ops", "gihtub", "github, stripe", STRIPE, "mail", "no", "b@contoso.com", ""])
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: next(given))
    printed = run(capsys)
    assert "did you mean github?" in printed
    assert "must be the address of a mailbox" in printed
    found = answers(folder)
    assert (found["group"], found["mailFrom"], found["timeZone"]) == (GROUP, "b@contoso.com", "UTC")
    assert next(given, None) is None


def test_no_file_changes_without_force_and_what_would_change_is_said(folder, capsys):
    run(capsys, "--yes")
    before = {path: path.read_text() for path in folder.glob("*")}
    assert run(capsys, "--yes").startswith("Nothing to change: the files say this already.")
    error = run(capsys, "--yes", "--group", GROUP, "--services", "github,gitlab", "--group-name", "ops", status=2)
    assert "local.settings.json: BRIDGE_GROUP would change, BRIDGE_GITLAB_SECRET would be new" in error
    assert "config.toml would be replaced. Nothing is written: --force writes" in error
    assert before == {path: path.read_text() for path in folder.glob("*")}


def test_what_the_files_say_is_the_default_and_routes_stay(folder, capsys):
    run(
        capsys, "--yes", "--group", GROUP, "--group-name", "ops", "--services", "gitlab", "--time-zone", "Europe/Berlin"
    )
    before, routed = values(folder), f'[groups]\nops = "{GROUP}"\n[[route]]\nwhen = "true"\ngroups = []\n'
    (folder / "config.toml").write_text(routed)
    assert run(capsys, "--yes").startswith("Nothing to change: the files say this already.")
    printed = run(capsys, "--yes", "--services", "gitlab,jira", "--where", "azure", "--force")
    assert "Written: local.settings.json, answers.json." in printed
    assert values(folder).items() >= before.items()
    assert answers(folder)["config"] == routed == (folder / "config.toml").read_text()


def test_an_interrupted_init_writes_nothing(folder, capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("click.termui.visible_prompt_func", interrupted)
    assert "Nothing is written." in run(capsys, status=130)
    assert not (folder / "local.settings.json").exists()


def test_with_force_secrets_and_other_settings_stay_and_the_old_files_are_kept(folder, capsys):
    run(capsys, "--yes")
    document = json.loads((folder / "local.settings.json").read_text())
    document["Values"]["BRIDGE_DIGEST_OVER"] = "3"
    old = json.dumps(document)
    (folder / "local.settings.json").write_text(old)
    run(capsys, "--yes", "--identity", "developer", "--group", GROUP, "--force")
    found = values(folder)
    assert found["BRIDGE_GITHUB_SECRET"] == document["Values"]["BRIDGE_GITHUB_SECRET"]
    assert (found["BRIDGE_DIGEST_OVER"], found["BRIDGE_IDENTITY"]) == ("3", "developer")
    assert "BRIDGE_GRAPH_URL" not in found
    assert (folder / "local.settings.json.bak").read_text() == old


WRONG = {
    "a service": (["--services", "gitub"], "--services: unknown service 'gitub': did you mean github?"),
    "a place": (["--where", "moon"], "--where: invalid choice: 'moon' (choose from local, azure)"),
    "an identity": (["--identity", "mail"], "--identity: invalid choice: 'mail' (choose from stand-in, developer)"),
    "a time zone": (["--time-zone", "Berlin"], "--time-zone: 'Berlin' is not a time zone: give its name, such as"),
    "a secret": (["--services", "stripe", "--secret", "stripe="], "--secret: that is not a secret of Stripe"),
    "another's secret": (["--secret", f"stripe={STRIPE}"], "--secret: stripe is not among the services."),
    "a group": (["--group", "ops"], "--group: 'ops' is not an object id. Copy it from the Entra admin center"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_said_and_nothing_is_written(folder, capsys, monkeypatch, arguments, message):
    monkeypatch.setenv("PATH", "")
    before = sorted(path.name for path in folder.iterdir())
    assert message in run(capsys, "--yes", *arguments, status=2)
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(("printed", "known"), [(GROUP, True), ("", False)])
def test_azure_cli_looks_a_group_up_by_its_name(folder, capsys, monkeypatch, printed, known):
    az = folder / "bin/az"
    az.parent.mkdir()
    az.write_text(f'#!{sys.executable}\nimport sys\nassert sys.argv[5] == "Ops team"\nprint("{printed}")\n')
    az.chmod(0o700)
    monkeypatch.setenv("PATH", str(az.parent), prepend=os.pathsep)
    out = run(capsys, "--yes", "--group", "Ops team", status=0 if known else 2)
    assert values(folder)["BRIDGE_GROUP"] == GROUP if known else "finds no group 'Ops team'" in out


def test_secrets_are_ignored_by_git_and_by_core_tools():
    ignored = [(ROOT / name).read_text().splitlines() for name in (".gitignore", ".funcignore")]
    assert all({"answers.json", "*.bak"} <= {*lines} for lines in ignored)
