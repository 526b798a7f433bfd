"""find-connectors: every address in every kind of file, who posts to it, what replaces it, and no secret of it."""

import codecs
import re

import pytest

from bridge.cli import main as cli
from bridge.cli.connectors import LARGEST, find
from bridge.sources import SOURCES
from tests.local_stack import ROOT

SECRET = "T0PSECRET"
SLACK, DISCORD = f"https://hooks.slack.com/services/T1/B1/{SECRET}", f"https://discord.com/api/webhooks/1/{SECRET}"
OFFICE = f"https://contoso.webhook.office.com/webhookb2/{SECRET}@x/IncomingWebhook/{SECRET}"
FLOW = f"https://prod-12.westeurope.logic.azure.com:443/workflows/{SECRET}/triggers/manual/paths/invoke?sig={SECRET}"
POWER = (
    f"https://default0.36.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/{SECRET}"
    f"/triggers/manual/paths/invoke?sig={SECRET}"
)
SUM = (
    "2 addresses in 2 of 2 files. Nothing was changed; "
    "docs/migrate.md says what is different, and where each tool keeps its address."
)
ALERTMANAGER = f"""
global:
  slack_api_url: {SLACK}
route:
  receiver: ops
receivers:
  # name: not this one
  - name: 'ops'
    slack_configs:
      - channel: '#ops'
        api_url: {SLACK}
    webhook_configs:
      - url: https://bridge.example/api/webhooks/alertmanager
  - msteamsv2_configs:
      - webhook_url: '{FLOW}'
    name: "night shift"
  - name: old
    msteams_configs: [{{ webhook_url: "{OFFICE}" }}]
    discord_configs:
      - webhook_url: {DISCORD}
"""
GRAFANA = f"""
apiVersion: 1
contactPoints:
  - orgId: 1
    name: On call
    receivers:
      - uid: first
        type: slack
        settings:
          url: {SLACK}
"""
OTHERS = {
    f"outlook.office.com/webhook/{SECRET}": "messagecard",
    f"https://outlook.office365.com/webhook/{SECRET}": "messagecard",
    f"https://discordapp.com/api/v10/webhooks/1/{SECRET}": "discord",
    f"https://ptb.discord.com/api/webhooks/1/{SECRET}": "discord",
    f"https://hooks.slack.com/workflows/{SECRET}": "slack",
    f"HTTPS://HOOKS.SLACK.COM/services/{SECRET}": "slack",
}
NONE = [
    "https://outlook.office.com/mail",
    "hooks.slack.com",
    "https://discord.com/api/users",
    "https://logic.azure.com",
    "https://my-hooks.slack.com/services/x",
    "https://evilwebhook.office.com.example/x",
    "https://slack.com/api/chat.postMessage",
]
# A file's name, its text, and what is found: the line, the source, and the sender.
FILES = {
    "Alertmanager": (
        "alertmanager.yml",
        ALERTMANAGER,
        [
            (3, "slack", "slack_api_url"),
            (11, "slack", "Alertmanager receiver ops (slack_configs)"),
            (15, "teams", "Alertmanager receiver night shift (msteamsv2_configs)"),
            (18, "messagecard", "Alertmanager receiver old (msteams_configs)"),
            (20, "discord", "Alertmanager receiver old (discord_configs)"),
        ],
    ),
    "Grafana": ("contact.yaml", GRAFANA, [(10, "slack", "Grafana contact point On call")]),
    "Jenkins": (
        "jobs/nightly build/config.xml",
        f"<project>\n<webhooks><name>Ops</name><url>{OFFICE}</url></webhooks>\n</project>",
        [(2, "messagecard", "Jenkins job nightly build")],
    ),
    "XML": ("other.xml", f"<a>\n<name>Ops</name>\n<url>{OFFICE}</url></a>", [(3, "messagecard", "Ops")]),
    "INI": ("alerts.ini", f"[backup]\nenabled = 1\nwebhook = {SLACK}\n[other]\n", [(3, "slack", "backup, webhook")]),
    "JSON": (
        "a.json",
        '{"jobs": [{"name": "backup", "url": "DISCORD"}]}'.replace("DISCORD", DISCORD.replace("/", "\\/")),
        [(1, "discord", "backup")],
    ),
    "indented JSON": (
        "b.json",
        f'{{\n  "jobs": [\n    {{\n      "name": "backup",\n      "webhookUrl": "{POWER}"\n    }}\n  ]\n}}\n',
        [(5, "teams", "backup, webhookUrl")],
    ),
    "a script": ("run.sh", f'#!/bin/sh\nexport SLACK_URL="{SLACK}"\n', [(2, "slack", "SLACK_URL")]),
    "a command": ("run", f"curl -d x {DISCORD}/slack\n", [(1, "slack", "")]),
    "GitHub's format": ("hook", f"{DISCORD}/github", [(1, "github", "")]),
    "a pipeline": ("Jenkinsfile", f"office365ConnectorSend webhookUrl: '{OFFICE}'", [(1, "messagecard", "")]),
    "two in a line": ("hooks.txt", f"{SLACK} {DISCORD}", [(1, "slack", ""), (1, "discord", "")]),
    "other hosts": (
        "others.txt",
        "\n".join(OTHERS),
        [(line, source, "") for line, source in enumerate(OTHERS.values(), 1)],
    ),
    "what is none": (
        "readme.md",
        " ".join(NONE),
        [],
    ),
    "a name that is an address": ("c.yml", f"name: {SLACK}\nurl: {SLACK}", [(1, "slack", "name"), (2, "slack", "url")]),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "expected"), FILES.values(), ids=FILES)
def test_each_address_with_its_line_its_sender_and_what_replaces_it(name, text, expected, tmp_path, capsys):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert [(one.line, one.source, one.sender) for one in find(path, text)] == expected
    assert cli.main(["find-connectors", str(tmp_path)]) == (1 if expected else 0)
    shown = capsys.readouterr().out
    assert SECRET not in shown
    for line, source, sender in expected:
        assert f"{path}:{line}: {sender or 'sender not known'}\n" in shown
        assert f"  new: https://<app>.azurewebsites.net/api/webhooks/{source}?code=<function key>\n" in shown
    assert path.read_text() == text


def test_what_is_no_text_too_large_or_not_to_be_read_is_skipped(tmp_path, capsys, monkeypatch):
    (tmp_path / "binary").write_bytes(b"\0" + SLACK.encode())
    (tmp_path / "wide.txt").write_bytes(codecs.BOM_UTF16_LE + SLACK.encode("utf-16-le"))
    for folder in (".git", "node_modules"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config").write_text(SLACK)
    with (tmp_path / "huge.log").open("wb") as huge:
        huge.truncate(LARGEST + 1)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/ci.yml").write_text(f"env:\n  HOOK: {SLACK}\n")
    monkeypatch.setenv("BRIDGE_PUBLIC_URL", "https://bridge.contoso.com/")
    assert cli.main(["find-connectors", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        f"{tmp_path}/.github/ci.yml:2: HOOK",
        "  now: https://hooks.slack.com/…",
        "  new: https://bridge.contoso.com/api/webhooks/slack?code=<function key>",
        f"{tmp_path}/wide.txt:1: sender not known",
        "  now: https://hooks.slack.com/…",
        "  new: https://bridge.contoso.com/api/webhooks/slack?code=<function key>",
        SUM,
    ]
    assert shown.err == f"Skipped: {tmp_path}/huge.log, larger than 10 MiB\n"


def test_none_left_is_success_and_no_such_path_a_mistake(tmp_path, capsys):
    (tmp_path / "clean.yml").write_text("url: https://bridge.example/")
    assert cli.main(["find-connectors", str(tmp_path / "clean.yml")]) == 0
    assert capsys.readouterr().out == "No address was found in 1 file.\n"
    assert cli.main(["find-connectors", str(tmp_path / "nothing")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_a_long_file_takes_no_long_time(tmp_path):
    text = "\n".join(f"{'  ' * (number % 40)}- key_{number}: value" for number in range(20_000)) + f"\nurl: {SLACK}"
    assert len(list(find(tmp_path, text))) == 1
    assert list(find(tmp_path, "a" * 2_000_000 + "." * 100_000)) == []


def test_the_page_names_each_address_and_sources_that_are_there():
    page = (ROOT / "docs/migrate.md").read_text()
    named = set(re.findall(r"/api/webhooks/(\w+)", page))
    assert {"messagecard", "teams", "slack"} <= named
    assert named - {"messagecard", "teams", "slack", "discord"} <= SOURCES.keys()
    assert "](docs/migrate.md)" in (ROOT / "README.md").read_text()
