"""The command line as a whole: helps, errors that say what was meant, JSON, colours, closed pipes, exit statuses."""

import json
import os
import re
import subprocess
import sys

import click
import pytest

from bridge import __version__
from bridge.cli import main as cli
from bridge.cli.command import STATUSES, Command, Group
from bridge.cli.output import plural, table
from bridge.program import program, start_command
from tests.command_lines import commands, parsed
from tests.local_stack import ROOT, environment, working_in

GROUP = "00000000-0000-4000-8000-0000000000d0"
ALL = dict(commands())
every_command = pytest.mark.parametrize("name", ALL)
# A help says what the command does, in the imperative.
VERBS = {
    "check", "collect", "end", "find", "list", "make", "open", "post", "print", "propose", "queue", "run", "send",
    "show", "sign", "write",
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    with working_in(tmp_path / "work", monkeypatch, "BRIDGE_", "PORT", "NO_COLOR") as folder:
        yield folder


def run(*arguments, **options):
    """A process of its own, as in a shell."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(), **options}
    return subprocess.run([sys.executable, "-m", "bridge", *arguments], text=True, check=False, **options)


def test_the_table_of_commands_says_what_their_helps_say():
    for section in cli.SECTIONS.values():
        for name, (_, line) in section.items():
            assert ALL[name].help.splitlines()[0] == line


@every_command
def test_a_help_begins_with_a_verb_and_has_examples_that_work(name):
    command = ALL[name]
    assert isinstance(command, (Command, Group))
    assert command.help.split()[0].lower() in VERBS
    assert command.examples
    for example in command.examples:
        words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", example.partition(" | ")[0])
        found = parsed([word.strip("'\"") for word in words])
        assert found.command is command or found.parent.command is command, example
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_program_says_its_version_and_its_name(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"webhook-bridge {__version__}\n"
    assert cli.main(["--help"]) == 0
    assert "-m bridge [OPTIONS] COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("started", "environment_of", "name", "start"),
    [
        ("/somewhere/bridge/__main__.py", "/somewhere/.venv", ".venv/bin/python -m bridge", "make run"),
        ("/somewhere/bridge/__main__.py", "/usr", "python -m bridge", "make run"),
        ("/usr/bin/webhook-bridge", "/somewhere/.venv", "webhook-bridge", "webhook-bridge run"),
    ],
)
def test_it_is_called_as_it_was_started(monkeypatch, started, environment_of, name, start):
    monkeypatch.setattr(sys, "argv", [started])
    monkeypatch.setattr(sys, "prefix", environment_of)
    assert (program(), start_command()) == (name, start)


def test_neither_the_help_nor_the_version_imports_the_bridge():
    code = "import sys\nfrom bridge.cli.main import main\nmain(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert {"bridge.app", "bridge.sources", "jinja2", "requests", "azure"}.isdisjoint(ended.stderr.split())


def test_a_sign_that_the_output_cannot_show_is_no_error(folder):
    (folder / "notify.sh").write_text("name=Größe\nURL=https://hooks.slack.com/services/T0/B0/secret\n")
    env = environment(PYTHONIOENCODING="latin-1")
    ended = run("find-connectors", ".", cwd=folder, env=env, encoding="latin-1")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "Größe, URL\n  now: https://hooks.slack.com/?\n" in ended.stdout


def test_the_installed_program_calls_itself_by_its_name(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/webhook-bridge", "sorces"])
    assert cli.main() == 2
    assert "(see webhook-bridge --help)" in capsys.readouterr().err


MEANT = {
    "a command": (["deliverys"], "There is no command 'deliverys': did you mean `deliveries`?"),
    "a command of a command": (["maintenance", "stat"], "There is no command 'stat': did you mean `start`?"),
    "an option": (["sources", "--jsn"], "There is no option --jsn: did you mean `--json`?"),
    "a source": (["explain", "gihtub", "push"], "Unknown source 'gihtub': did you mean github?"),
    "a source of a list": (["sources", "alertmanger"], "Unknown source 'alertmanger': did you mean alertmanager?"),
    "a source of a filter": (["deliveries", "--source", "githb"], "Unknown source 'githb': did you mean github?"),
    "a group": (["deliveries", "--group", "platfrom"], "Unknown group 'platfrom': did you mean platform?"),
    "a group that waits": (["release", "--group", "platfrom"], "Unknown group 'platfrom': did you mean platform?"),
    "no group at all": (
        ["deliveries", "--group", "x"],
        "the settings name platform; give a name of [groups], or an object id.",
    ),
    "an outcome": (["deliveries", "--outcome", "refusd"], "refused); did you mean refused?"),
    "an id without `show`": (["deliveries", "3f2a"], "'3f2a': did you mean `deliveries show 3f2a`?"),
    "a number": (["run", "--port", "http"], "--port: must be a whole number from 1 to 65535, not 'http'."),
    "nothing": ([], "Missing COMMAND: `run` starts the bridge"),
    "no action": (["maintenance"], "Missing ACTION: one of end, list, start."),
}


@pytest.mark.parametrize(("arguments", "message"), MEANT.values(), ids=MEANT)
def test_a_slip_is_answered_in_a_line_with_what_was_meant(arguments, message, capsys, monkeypatch):
    monkeypatch.setenv("BRIDGE_CONFIG", f'[groups]\nplatform = "{GROUP}"')
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert message in printed.err


JSON = [
    ["sources"],
    ["sources", "github"],
    ["explain", "github", "push"],
    ["find-connectors", "."],
    ["maintenance", "list"],
]


@pytest.mark.parametrize("arguments", [*JSON, ["deliveries"], ["dead-letters"], ["waiting"]], ids=" ".join)
def test_what_prints_a_table_prints_json_too(arguments, capsys, folder, monkeypatch):
    planned = "[[maintenance]]\nmatch = 'true'\nfrom = 2026-12-05T22:00:00\nto = 2026-12-06T02:00:00\nzone = 'UTC'"
    monkeypatch.setenv("BRIDGE_CONFIG", planned)
    (folder / "notify.sh").write_text("URL=https://hooks.slack.com/services/T0/B0/secret\n")
    assert cli.main([*arguments, "--json"]) in (0, 1)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(isinstance(one, dict) for one in found)
    assert bool(found) is (arguments in JSON)


def test_whatever_prints_a_table_has_json():
    tables = {name for name, command in ALL.items() if any("--json" in each.opts for each in command.params)}
    assert tables == {
        "sources", "explain", "find-connectors", "deliveries", "deliveries show", "history", "resend", "dead-letters",
        "waiting", "maintenance list", "doctor",
    }  # fmt: skip


def errors_on_a_terminal(**env):
    ours, its = os.openpty()
    try:
        run("deliverys", stderr=its, env=environment(TERM="xterm", **env))
        return os.read(ours, 1000).decode()
    finally:
        os.close(ours)
        os.close(its)


def test_only_a_terminal_gets_colours_and_only_if_they_are_wanted():
    assert errors_on_a_terminal().startswith("\x1b[31mbridge:\x1b[0m There is no command")
    assert errors_on_a_terminal(NO_COLOR="1").startswith("bridge: There is no command")
    assert run("deliverys").stderr.startswith("bridge: There is no command")


def test_colours_can_be_switched_off(capsys, monkeypatch):
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda _, color: not (color is None or color))
    assert cli.main(["sources"]) == 0
    assert "\x1b[32msecret set\x1b[0m    github" in capsys.readouterr().out
    assert cli.main(["--no-color", "sources"]) == 0
    assert "  secret set    github" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli.main(["sources"]) == 0
    assert "  secret set    github" in capsys.readouterr().out


def test_nothing_is_said_when_nobody_reads_on():
    reads, writes = os.pipe()
    os.close(reads)
    ended = run("--help", stdout=writes)
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_a_table_is_aligned_whatever_its_colours():
    rows = [(click.style("ok", fg="green"), "a"), ("failed", "b")]
    assert [click.unstyle(line) for line in table(rows)] == ["  ok      a", "  failed  b"]
    assert table([]) == []


def test_plural_forms():
    assert [plural(count, "webhook") for count in (0, 1, 2, 1000)] == [
        "0 webhooks", "1 webhook", "2 webhooks", "1,000 webhooks",
    ]  # fmt: skip
    assert plural(2, "entry", "entries") == "2 entries"


def test_the_docs_list_the_exit_statuses():
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
    assert {int(status): text for status, text in rows} == STATUSES
