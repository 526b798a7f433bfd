"""What shells propose: the answers, and the scripts in real shells where they are installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli import main as cli
from tests.local_stack import ROOT, environment, working_in

GROUP = "00000000-0000-4000-8000-0000000000d0"
SHELLS = ROOT / "bridge/cli/shells"
SHELLCHECK = Path(sys.executable).parent / "shellcheck"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    with working_in(tmp_path / "work", monkeypatch, "BRIDGE_") as folder:
        yield folder


ANSWERS = {
    "commands": (
        "de",
        ["plain\tdeliveries\tList webhooks: accepted, ignored, dropped and refused, and why.", "plain\tdead-letters"],
    ),
    "commands of a command": ("maintenance\nst", ["plain\tstart\tCollect matching events, and post them at"]),
    "options": ("deliveries\n--fol", ["plain\t--follow\tShow new ones as they come, until Ctrl-C."]),
    "a source": ("send\ngith", ["plain\tgithub\tGitHub"]),
    "a source of one's own": ("explain\nback", ["plain\tbackups\tBackups"]),
    "a source of an option": ("deliveries\n--source\ngitl", ["plain\tgitlab\tGitLab"]),
    "a source in bash": ("deliveries\n--source\n=\ngitl", ["plain\tgitlab\tGitLab"]),
    "a sample": ("send\ngithub\npull_request.op", ["plain\tpull_request.opened"]),
    "a file": ("send\ngithub\n./pay", ["file\t./pay"]),
    "a group": ("release\n--group\npl", [f"plain\tplatform\t{GROUP}"]),
    "an outcome": ("deliveries\n--outcome\nref", ["plain\trefused"]),
    "a shell": ("completion\npow", ["plain\tpowershell"]),
    "an unknown command": ("nothing\nx", []),
}


@pytest.mark.parametrize(("words", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_what_may_follow(words, expected, capsys, monkeypatch):
    config = f'[groups]\nplatform = "{GROUP}"\n[sources.backups]\ntitle = "Backups"'
    monkeypatch.setenv("BRIDGE_CONFIG", config)
    monkeypatch.setenv("_WEBHOOK_BRIDGE_COMPLETE", f"{words}\n.")
    assert cli.main([]) == 0
    found = capsys.readouterr().out.splitlines()
    assert len(found) == len(expected)
    assert [line for line, start in zip(found, expected, strict=True) if not line.startswith(start)] == []


def test_an_empty_word_may_become_any_command(capsys, monkeypatch):
    monkeypatch.setenv("_WEBHOOK_BRIDGE_COMPLETE", "\n.")
    assert cli.main([]) == 0
    names = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]
    assert names == [name for section in cli.SECTIONS.values() for name in section]


def test_commands_are_proposed_without_importing_them():
    env = environment(_WEBHOOK_BRIDGE_COMPLETE="de\n.")
    code = "import sys\nfrom bridge.cli.main import main\nmain([])\nassert 'bridge.app' not in sys.modules"
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.count("plain")) == (0, 2)


# Each completes one line with the function that the script registers, and prints what it proposes.
BASH = """
source {script}
try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _webhook_bridge; echo "${{COMPREPLY[*]}}"; }}
try {program} completion pow
try {program} de
try {python} -m pyt
complete -p webhook-bridge python python3
"""
ZSH = """
compdef() {{ print -r -- "$*" }}
_describe() {{ print -rl -- "${{(@P)argv[-1]}}" }}
_default() {{ print default }}
_python() {{ print default }}
source {script}
try() {{ words=("$@"); CURRENT=$#; _webhook_bridge }}
try {program} completion pow
try {program} de
try {python} -m pyt
"""
FISH = """
source {script}
complete -C '{program} completion pow'
complete -C '{program} de'
"""
PWSH = """
. {script}
function try($line) {{ (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches.CompletionText }}
try '{program} completion pow'
try '{program} deliveri'
"""
PROPOSED = {
    "bash": (
        BASH,
        ["powershell", "deliveries dead-letters", "", "complete -o bashdefault -o default -F _webhook_bridge python"],
    ),
    "zsh": (
        ZSH,
        ["_webhook_bridge webhook-bridge python python3", "powershell", "deliveries:List webhooks", "default"],
    ),
    "pwsh": (PWSH, ["powershell", "deliveries"]),
    "fish": (FISH, ["powershell", "deliveries\tList webhooks"]),
}


@pytest.mark.parametrize("shell", PROPOSED)
@pytest.mark.parametrize("way", ["module", "program"])
def test_a_shell_proposes_them(shell, way, folder, capsys):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    assert cli.main(["completion", {"pwsh": "powershell"}.get(shell, shell)]) == 0
    script = folder / ("script.ps1" if shell == "pwsh" else "script")
    script.write_text(capsys.readouterr().out)
    installed = folder / "webhook-bridge"
    installed.write_text(f'#!/bin/sh\nexec {sys.executable} -m bridge "$@"\n')
    installed.chmod(0o700)
    text, expected = PROPOSED[shell]
    program = f"{sys.executable} -m bridge" if way == "module" else installed
    lines = text.format(script=script, program=program, python=sys.executable)
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    run = subprocess.run([shell, "-c", lines], env=environment(**home), capture_output=True, text=True, check=False)
    assert [one for one in expected if one not in run.stdout] == [], run.stderr


def test_the_script_for_bash_is_without_findings():
    run = subprocess.run([SHELLCHECK, SHELLS / "completion.bash"], capture_output=True, text=True, check=False)
    assert run.stdout == ""


def test_every_script_says_where_to_put_it(capsys):
    for path in SHELLS.iterdir():
        shell = {"ps1": "powershell"}.get(path.suffix[1:], path.suffix[1:])
        assert f"webhook-bridge completion {shell}" in path.read_text().splitlines()[1]
    assert cli.main(["completion", "tcsh"]) == 2
    assert "choose from bash, zsh, fish, powershell" in capsys.readouterr().err
