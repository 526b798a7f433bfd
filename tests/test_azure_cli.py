"""Every `az` command of docs and scripts, held against the arguments that Azure CLI takes (tools/azure_cli.py)."""

import json
import re

import pytest

from tests import az_stand_in
from tools import azure_cli

pytestmark = pytest.mark.files

DATA = json.loads(azure_cli.DATA.read_text())
COMMANDS = DATA["commands"]
NAMED = list(azure_cli.commands())
RENEW = "`make azure-cli` parses the docs with Azure CLI and renews tests/data/azure/cli.json"


def arguments(name):
    return {option: argument for argument in COMMANDS[name] for option in argument["names"]}


def problem(words):
    """What Azure CLI would refuse; None if nothing."""
    name = azure_cli.name_of(words)
    if name not in COMMANDS:
        return f"unknown command `az {name}`: {RENEW}"
    known, given = arguments(name), {}
    for word in words[len(name.split()) :]:
        if re.match(r"--?[a-z]", word):
            if word not in known:
                return f"{word} is not an argument of `az {name}`"
            given[word] = []
        elif not given:
            return f"{word} stands before all arguments of `az {name}`"
        else:
            given[list(given)[-1]].append(word)
    for option, values in given.items():
        argument = known[option]
        least, most = {"0": (0, 0), "1": (1, 1), "?": (0, 1), "*": (0, 99), "+": (1, 99)}[str(argument["values"])]
        if not least <= len(values) <= most:
            return f"{option} of `az {name}` has {len(values)} values"
        if argument["choices"] and not {value.lower() for value in values} <= set(map(str.lower, argument["choices"])):
            return f"{option} of `az {name}` is one of {argument['choices']}"
    missing = [
        argument["names"]
        for argument in COMMANDS[name]
        if argument["required"] and not given.keys() & {*argument["names"]}
    ]
    return f"`az {name}` needs {missing}" if missing else None


@pytest.mark.parametrize("place", sorted({place for place, _, _ in NAMED}))
def test_azure_cli_takes_every_command(place):
    whole = [words for where, words, is_whole in NAMED if where == place and is_whole]
    assert [problem(words) for words in whole if problem(words)] == []


def test_commands_that_are_mentioned_are_commands_or_groups_of_commands():
    for place, words, is_whole in NAMED:
        name = azure_cli.name_of(words)
        groups = {" ".join(known.split()[:length]) for known in COMMANDS for length in range(1, len(known.split()) + 1)}
        assert name in groups, f"{place}: az {name}. {RENEW}"
        if not is_whole and name in COMMANDS:
            assert {word for word in words if word.startswith("-")} <= arguments(name).keys(), place


def test_the_docs_have_commands():
    counts = {place: sum(where == place and whole for where, _, whole in NAMED) for place, _, _ in NAMED}
    assert counts["docs/deploy.md"] >= 20
    assert counts["docs/identity.md"] >= 3
    assert counts["docs/operate.md"] >= 1
    assert counts["azuredeploy.json"] == 1


@pytest.mark.parametrize("name", azure_cli.SCRIPTED)
def test_the_scripts_stand_in_for_az_takes_nothing_that_az_refuses(name):
    known = arguments(name)
    given = set(az_stand_in._PARAMETERS[name].split())
    assert given <= known.keys()
    for argument in COMMANDS[name]:
        assert not argument["required"] or given & {*argument["names"]}
    for flag in given & {*az_stand_in._FLAGS}:
        assert known[flag]["values"] in (0, "?")


def test_the_scripts_commands_are_all_known():
    assert set(azure_cli.SCRIPTED) == az_stand_in._PARAMETERS.keys()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("group delete --nane x", "--nane is not an argument of `az group delete`"),
        ("group create --name x", "needs [['--location', '-l']]"),
        ("keyvault secret set --vault-name a --name", "--name of `az keyvault secret set` has 0 values"),
        ("role assignment create --role R --scope s --assignee-principal-type Robot", "is one of"),
        ("group remove --name x", "unknown command"),
        ("functionapp restart now --name x", "unknown command"),
    ],
)
def test_a_wrong_command_is_noticed(command, message):
    assert message in problem(command.split())
