"""A person's first mistakes at the command line, each with the message that they get."""

import logging
import socket

import pytest

from bridge.cli import main as cli
from tests.local_stack import running, working_in

GROUP = "3c1d0d4e-0000-4000-8000-000000000001"
NAMED = f'[groups]\nplatform = "{GROUP}"\n'
PUSH = ["explain", "github", "push"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["webhook-bridge"])
    with working_in(tmp_path / "work", monkeypatch, "BRIDGE_", "PORT") as folder:
        yield folder
    logging.getLogger().handlers.clear()


# What is written into config.toml or a template, the settings, the command line, its exit status, and what it prints.
MISTAKES = {
    "wrong port: not a number": (
        {}, {}, ["run", "--port", "http"], 2,
        "bridge: --port: must be a whole number from 1 to 65535, not 'http'. (see webhook-bridge run --help)",
    ),
    "wrong port: in the environment": (
        {}, {"PORT": "70000"}, ["run"], 2, "bridge: PORT must be a number between 1 and 65535.",
    ),
    "wrong file": (
        {}, {}, ["send", "github", "payload.json"], 2,
        "bridge: Cannot read payload.json: No such file, and GitHub has no sample of that name.",
    ),
    "wrong name of a sample": (
        {}, {}, ["send", "github", "pull_request.opend"], 2,
        ("bridge: Cannot read pull_request.opend: No such file, and GitHub has no sample of that name: did you mean"
        " pull_request.opened?"),
    ),
    "wrong file of routes": (
        {}, {"BRIDGE_CONFIG": "routes.toml"}, PUSH, 2,
        "bridge: BRIDGE_CONFIG names routes.toml, which cannot be read: give a readable path, or the TOML text itself",
    ),
    "wrong file of routes, which may be a secret": (
        {}, {"BRIDGE_CONFIG": "swordfish"}, PUSH, 2,
        "bridge: BRIDGE_CONFIG names a file that cannot be read: give a readable path, or the TOML text itself",
    ),
    "wrong secret: too short": (
        {}, {"BRIDGE_GITHUB_SECRET": "secret"}, PUSH, 0,
        "warning: BRIDGE_GITHUB_SECRET has a key of fewer than 16 bytes, which can be guessed: make one of 24 or more",
    ),
    "wrong TOML: no quotes": (
        {"config.toml": "[groups]\nplatform = 3c1d0d4e-0000\n"}, {}, PUSH, 2,
        ("bridge: BRIDGE_CONFIG is not TOML: Expected newline or end of document after a statement (at line 2, column"
        " 13 of config.toml); a text needs quotes"),
    ),
    "wrong TOML: an open quote": (
        {"config.toml": f'[groups]\nplatform = "{GROUP}\n'}, {}, PUSH, 2,
        ("bridge: BRIDGE_CONFIG is not TOML: Illegal character '\\n' (at line 2, column 49 of config.toml); a text"
        " needs a quote at its end"),
    ),
    "unknown group: in a route": (
        {"config.toml": f'{NAMED}[[route]]\nwhen = "true"\ngroups = ["platfrom"]\n'}, {}, PUSH, 2,
        ("bridge: BRIDGE_CONFIG: route 1: 'platfrom' is not a group's object id or a name of [groups]; did you mean"
        " `platform`? (line 5 of config.toml)"),
    ),
    "unknown group: the name in place of the id": (
        {}, {"BRIDGE_GROUP": "platform"}, PUSH, 2,
        "bridge: BRIDGE_GROUP is not a group's object id: copy the id from the group's page in Entra",
    ),
    "unknown group: in a filter": (
        {"config.toml": NAMED}, {}, ["deliveries", "--group", "platfrom"], 2,
        "bridge: Unknown group 'platfrom': did you mean platform?",
    ),
    "unknown source": (
        {}, {}, ["send", "gihtub", "push"], 2, "bridge: Unknown source 'gihtub': did you mean github?",
    ),
    "unknown setting": (
        {}, {"BRIDGE_GITHUB_SECERT": "x" * 32}, PUSH, 0,
        "warning: BRIDGE_GITHUB_SECERT is no setting of the bridge; did you mean `BRIDGE_GITHUB_SECRET`?",
    ),
    "broken template": (
        {"own/github/push.html": "{% if event %}A push"}, {"BRIDGE_TEMPLATES": "own"}, PUSH, 0,
        "warning: github/push.html, line 1: `if` is not closed: `endif` is missing: `{% if event %}A push`",
    ),
    "no folder of templates": (
        {}, {"BRIDGE_TEMPLATES": "own"}, PUSH, 2,
        "bridge: BRIDGE_TEMPLATES is not a folder: create it, or remove the setting",
    ),
    "wrong expression: unknown name": (
        {"config.toml": "[[route]]\nwhen = \"sevrity >= 'warning'\"\ngroups = []\n"}, {}, PUSH, 2,
        ("bridge: BRIDGE_CONFIG: route 1: `when` has an unknown name 'sevrity'; did you mean `severity`? (line 2 of"
        " config.toml)"),
    ),
    "wrong expression: unfinished": (
        {"config.toml": '[[route]]\nwhen = "severity >= "\ngroups = []\n'}, {}, PUSH, 2,
        ("bridge: BRIDGE_CONFIG: route 1: `when` is not an expression: the expression ends too early: `severity >= `"
        " (line 2 of config.toml)"),
    ),
    "wrong expression: at the command line": (
        {}, {}, ["maintenance", "start", "--for", "2h", "--match", "scop == 'db-03'"], 2,
        "bridge: --match has an unknown name 'scop'; did you mean `scope`?",
    ),
    "nothing is running": (
        {}, {"PORT": "1"}, ["send", "github", "push"], 2,
        ("bridge: Nothing answers at http://127.0.0.1:1/api/webhooks/github: start the bridge with `webhook-bridge"
        " run`."),
    ),
    "wrong command": (
        {}, {}, ["delivery"], 2,
        "bridge: There is no command 'delivery': did you mean `deliveries`? (see webhook-bridge --help)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "env", "arguments", "status", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_has_a_message_that_helps(folder, capsys, monkeypatch, files, env, arguments, status, message):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if "config.toml" in files:
        monkeypatch.setenv("BRIDGE_CONFIG", "config.toml")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert cli.main(arguments) == status
    printed = capsys.readouterr()
    # Where the command cannot be carried out, the message is all that is printed; else it comes last.
    assert (printed.err if status == 2 else printed.out.splitlines()[-1]).strip() == message


def test_a_port_that_is_in_use_is_said_with_another_one(capsys, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        assert cli.main(["run"]) == 2
    assert capsys.readouterr().err == (
        f"bridge: Cannot use port {port}: something else does, perhaps another `webhook-bridge run`. Choose another"
        f" one, such as PORT={port + 1 if port < 65535 else port - 1}.\n"
    )


def test_wrong_settings_are_the_last_thing_one_reads_after_run(tmp_path, capsys, monkeypatch):
    routes = '[[route]]\nwhen = "severity >= "\ngroups = []\n'
    with running(tmp_path / "run", BRIDGE_CONFIG=routes, BRIDGE_GROUP=GROUP) as stack:
        monkeypatch.setenv("PORT", stack.address.rpartition(":")[2])
        assert cli.main(["send", "github", "push"]) == 1
    lines = (tmp_path / "run/log").read_text().splitlines()
    assert "The bridge accepts no webhook, as the settings are wrong. Press Ctrl-C to stop it." in lines
    shown = [line for line in lines if line.startswith("wrong setting: ")]
    assert shown[0].endswith("the expression ends too early: `severity >= ` (line 2)")
    assert lines.index(shown[-1]) > lines.index(next(line for line in lines if line.startswith("  try it")))


def test_a_wrong_secret_is_explained_where_it_is_sent(tmp_path, capsys, monkeypatch):
    with running(tmp_path / "run") as stack:
        monkeypatch.setenv("PORT", stack.address.rpartition(":")[2])
        monkeypatch.setenv("BRIDGE_GITHUB_SECRET", "another-secret-of-some-length")
        assert cli.main(["send", "github", "push"]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("The bridge answered 401: ")
    assert printed.err == (
        "warning: It was signed with BRIDGE_GITHUB_SECRET of these settings, and the running bridge has another one.\n"
    )


def test_explain_names_the_maintenance_that_collects_an_event(capsys):
    assert (
        cli.main(["maintenance", "start", "--for", "2h", "--match", "source == 'github'", "--note", "new disks"]) == 0
    )
    assert cli.main(PUSH) == 0
    shown = capsys.readouterr().out
    assert "  maintenance  collected until " in shown
    assert "(new disks), as source == 'github' matches; `maintenance list` shows it\n" in shown
    assert cli.main(["maintenance", "end"]) == 0
    assert cli.main(PUSH) == 0
    assert "maintenance" not in capsys.readouterr().out.partition("posted now.")[2]


def test_each_of_the_first_ten_has_a_message():
    """By the words before a colon; what is said without a Python that can run the bridge is in test_other_pythons."""
    kinds = {name.partition(":")[0] for name in MISTAKES}
    assert {
        "wrong port", "wrong file", "wrong secret", "wrong TOML", "unknown group", "unknown source", "unknown setting",
        "broken template", "wrong expression",
    } <= kinds  # fmt: skip
