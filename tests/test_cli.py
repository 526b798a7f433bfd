"""The command line and its output."""

import contextlib
import json
import logging
import os
import shutil
import sys
from dataclasses import replace

import click
import pytest

from bridge.cli import main as cli
from bridge.entries import to_message
from bridge.outbox.rows import DeadLetter, State, ThreadRow
from bridge.outbox.sqlite import SqliteOutbox
from tests.local_stack import ROOT, SECRET, running, workplace
from tests.outbox_stand_ins import START, entry

PULL = str(ROOT / "bridge/sources/github/samples/pull_request.opened.json")
AS_BEFORE = "  1 requeued as it was rendered before: its payload is not kept.\n"
TOKEN = "a1b2c3d4e5f60718"
PING = str(ROOT / "bridge/sources/github/samples/ping.json")
NEWER = sys.version_info >= (3, 13)  # whose own message names the comma


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the settings of a fresh clone, and an environment with none."""
    for name in ("PORT", "BRIDGE_GROUP", "BRIDGE_CONFIG", "BRIDGE_GITHUB_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(workplace(tmp_path / "work"))
    before = dict(os.environ)
    yield tmp_path / "work"
    os.environ.clear()
    os.environ.update(before)
    logging.getLogger().handlers.clear()


def test_explain_shows_authentication_events_keys_templates_route_and_groups(capsys):
    assert cli.main(["explain", "github", PULL]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line)
    assert shown == {
        "authentication": "by HMAC-SHA256 in X-Hub-Signature-256",
        "event": "pull_request.opened",
        "severity": "info",
        "title": "Stop the pump when the tank is empty #12",
        "key": "repo 900100#12",
        "template": "github/pull_request.html (considered: github/pull_request.opened.html, github/pull_request.html, "
        "github/event.html, event.html)",
        "route": "no route matches it, so it goes to BRIDGE_GROUP",
        "groups": "00000000-0000-4000-8000-0000000000d0",
    }


def test_explain_names_the_groups_that_have_a_name(capsys, monkeypatch):
    group = "3c1d0d4e-0000-4000-8000-000000000001"
    monkeypatch.setenv(
        "BRIDGE_CONFIG", f'[groups]\nred-main = "{group}"\n[[route]]\nwhen = "true"\ngroups = ["red-main"]'
    )
    assert cli.main(["explain", "github", PULL]) == 0
    assert f"  groups    red-main ({group})\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("bridge.contoso.com", "https://"),
        ("http://bridge.contoso.com", "https://"),
        ("http://127.0.0.1:1", "Cannot reach http://127.0.0.1:1/"),
    ],
)
def test_a_failed_sign_in_has_a_reason(capsys, monkeypatch, url, message):
    monkeypatch.setenv("BRIDGE_ADMIN_KEY", "local")
    assert cli.main(["sign-in", url]) == 2
    assert message in capsys.readouterr().err


def test_explain_says_why_nothing_is_posted(capsys, monkeypatch):
    assert cli.main(["explain", "github", PING]) == 0
    assert "nothing is posted: GitHub's ping" in capsys.readouterr().out
    monkeypatch.setenv("BRIDGE_CONFIG", "[[route]]\nwhen = \"actor == 'monalisa'\"\ngroups = []")
    assert cli.main(["explain", "github", PULL]) == 0
    shown = capsys.readouterr().out
    assert "route 1 drops it: actor == 'monalisa'" in shown
    assert "none: the event is dropped" in shown


def test_the_event_is_named_by_the_file_or_an_option(capsys, folder):
    for file, arguments in [("pull_request.json", []), ("payload.json", ["--event", "pull_request"])]:
        shutil.copy(PULL, folder / file)
        assert cli.main(["explain", "github", file, *arguments]) == 0
        assert "event     pull_request.opened\n" in capsys.readouterr().out


def test_preview_writes_the_post_and_shows_which_template_it_used(capsys):
    assert cli.main(["preview", "github", PULL]) == 0
    written = capsys.readouterr()
    assert "<title>#12 Stop the pump when the tank is empty · contoso/pump</title>" in written.out
    assert written.err.splitlines() == [
        "github/pull_request.opened.html",
        "github/pull_request.html  <- used",
        "github/event.html",
        "event.html",
    ]


def test_preview_writes_a_file_and_opens_a_browser(capsys, folder, monkeypatch):
    # A browser that only records what it should open.
    monkeypatch.setenv("BROWSER", f"sh -c 'echo %s > {folder}/opened'")
    assert cli.main(["preview", "github", PULL, "--output", "post.html", "--open"]) == 0
    assert "Opened" in (folder / "post.html").read_text()
    assert capsys.readouterr().out == ""


def test_sources_lists_url_authentication_and_secret(capsys, monkeypatch):
    assert cli.main(["sources"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert max(map(len, listed)) <= 100
    assert listed[0] == "Webhooks are posted to http://127.0.0.1:7071/api/webhooks/<source>"
    assert listed[5].split() == ["secret", "set", "github", "BRIDGE_GITHUB_SECRET"]
    assert cli.main(["sources", "github"]) == 0
    shown = capsys.readouterr().out
    assert "http://127.0.0.1:7071/api/webhooks/github" in shown
    assert "HMAC-SHA256 in X-Hub-Signature-256" in shown
    assert "BRIDGE_GITHUB_SECRET (set)" in shown
    assert SECRET not in "".join([*listed, shown])
    monkeypatch.setenv("BRIDGE_GITHUB_SECRET", "")
    assert cli.main(["sources", "github"]) == 0
    assert "function key" in capsys.readouterr().out


@pytest.mark.parametrize(("old", "new"), [("mailbox", "fake-graph"), ("replay", "requeue")])
def test_the_old_name_of_a_command_still_works(old, new):
    root = cli.root()
    assert root.get_command(click.Context(root), old) is root.get_command(click.Context(root), new)


MISTAKES = {
    "no such file": (["explain", "github", "nothing.json"], {}, "Cannot read nothing.json: No such file"),
    "no such source": (["explain", "nobody", PULL], {}, "Unknown source 'nobody': it must be one of github, "),
    "no command": ([], {}, "COMMAND"),
    "not a payload": (["explain", "github", str(ROOT / "README.md")], {}, "The body is not JSON"),
    "nothing to show": (["preview", "github", PING], {}, "There is no post to show: GitHub's ping"),
    "nowhere to write": (["preview", "github", PULL, "--output", "no/where"], {}, "Cannot write no/where"),
    "wrong settings": (["explain", "github", PULL], {"BRIDGE_GROUP": "me"}, "BRIDGE_GROUP"),
    "wrong port": (["run"], {"PORT": "http"}, "PORT must be a number between 1 and 65535."),
    "nobody answers": (["send", "github", PULL], {"PORT": "1"}, "start the bridge with `make run`"),
    "no address": (["send", "github", PULL, "--url", "bridge"], {}, "Cannot post to bridge: MissingSchema."),
}


@pytest.mark.parametrize(("arguments", "env", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_status_2(arguments, env, message, capsys, monkeypatch):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    status = cli.main(arguments)
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert len(printed.err.splitlines()) == 1
    assert message in printed.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", " is not JSON"),
        ("[]", " must be a JSON object"),
        ('{"Values": []}', ': "Values" must be an object of strings'),
        ('{"Values": {"PORT": 1, "BRIDGE_GROUP": ""}}', ': "PORT" in "Values" must be a text in quotes.'),
        ('{"Values": {"PORT": "1",}}', "Illegal trailing comma" if NEWER else " (a comma after the last value is not"),
    ],
)
def test_an_unusable_settings_file_is_named(text, message, folder, capsys):
    (folder / "local.settings.json").write_text(text)
    assert cli.main(["explain", "github", PULL]) == 2
    printed = capsys.readouterr().err
    assert "local.settings.json" in printed
    assert message in printed


def test_the_environment_overrides_local_settings_which_override_the_example(folder, capsys, monkeypatch):
    own = {
        "Values": {
            "BRIDGE_GROUP": "00000000-0000-4000-8000-0000000000aa",
            "BRIDGE_GITHUB_SECRET": "mine, and nobody else's",
        }
    }
    (folder / "local.settings.json").write_text(json.dumps(own))
    cli.main(["explain", "github", PULL])
    assert "0000000000aa" in capsys.readouterr().out
    monkeypatch.setenv("BRIDGE_GROUP", "00000000-0000-4000-8000-0000000000bb")
    cli.main(["explain", "github", PULL])
    assert "0000000000bb" in capsys.readouterr().out


def test_send_signs_as_github_does_and_prints_the_answer(tmp_path, capsys, monkeypatch):
    with running(tmp_path / "run", [sys.executable, "-m", "bridge", "run"]) as stack:
        monkeypatch.setenv("PORT", stack.address.rpartition(":")[2])
        assert cli.main(["send", "github", PULL]) == 0
        first = capsys.readouterr().out
        assert first.startswith('The bridge answered 202: {"accepted": ["')
        # Another delivery is a new event; the same delivery is a repeat.
        for delivery, is_repeat in [("one", False), ("one", True), ("two", False)]:
            assert cli.main(["send", "github", PULL, "--delivery", delivery]) == 0
            answer = capsys.readouterr().out
            assert (answer == first) is is_repeat
            first = answer
        assert cli.main(["send", "github", PING]) == 0
        assert "The bridge answered 200" in capsys.readouterr().out


def test_send_says_when_it_is_not_accepted(tmp_path, capsys, monkeypatch, folder):
    (folder / "push.json").write_text("no json")
    with running(tmp_path / "run") as stack:
        monkeypatch.setenv("PORT", stack.address.rpartition(":")[2])
        assert cli.main(["send", "github", "push.json"]) == 1
        assert "The bridge answered 400" in capsys.readouterr().out
        monkeypatch.setenv("BRIDGE_GITHUB_SECRET", "another")
        url = f"{stack.address}/api/webhooks/github"
        assert cli.main(["send", "github", PULL, "--url", url]) == 1
        assert "The bridge answered 401" in capsys.readouterr().out


def test_without_a_secret_the_function_key_is_sent(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("BRIDGE_GITHUB_SECRET", "")
    with running(tmp_path / "run", BRIDGE_GITHUB_SECRET="") as stack:
        monkeypatch.setenv("PORT", stack.address.rpartition(":")[2])
        assert cli.main(["send", "github", PULL]) == 0
        assert cli.main(["send", "github", PULL, "--url", f"{stack.address}/api/webhooks/github"]) == 1
        assert "The bridge answered 401" in capsys.readouterr().out


def test_run_prints_its_addresses_and_settings(tmp_path):
    with running(tmp_path / "run") as stack:
        pass
    log = (tmp_path / "run/log").read_text()
    port = stack.address.rpartition(":")[2]
    for text in (
        f"page      {stack.address}/\n",
        f"{stack.address}/api/webhooks/<source> ",
        "local.settings.example.json",
        f"  try it    PORT={port} ",
        "-m bridge send github pull_request.opened",
    ):
        assert text in log


@pytest.fixture
def outbox(folder, monkeypatch):
    """An outbox with a dead letter, an unreadable dead letter, a delivered entry, and a pending one."""
    path = folder / "outbox.sqlite"
    monkeypatch.setenv("BRIDGE_OUTBOX", str(path))
    with contextlib.closing(SqliteOutbox(path)) as outbox:
        for number in (1, 2, 3):
            outbox.record(entry(number), START, START)
        delivered, dead, _ = sorted(outbox.open_entries("g"), key=lambda row: row.entry.id)
        outbox.finish([delivered], [ThreadRow(delivered.entry.key, "the-thread", START, START)])
        letter = DeadLetter(dead.entry.id, "g", to_message(dead.entry), "400: bad HTML", "Mend it.", START, 3)
        outbox.move_to_dead_letters(dead, letter)
        outbox.add_dead_letter(DeadLetter("f" * 32, "", "no JSON", "It cannot be read.", "Upgrade.", START))
        yield outbox


def test_dead_letters_are_listed_with_reason_and_advice(outbox, capsys):
    assert cli.main(["dead-letters", "--details"]) == 0
    listed = capsys.readouterr().out
    for text in (entry(2).id, "after 3 tries", "github push, delivery 2", "Topic 2", "400: bad HTML", "Mend it."):
        assert text in listed
    assert "not readable" in listed


def test_an_empty_list_of_dead_letters_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("BRIDGE_OUTBOX", str(tmp_path / "empty.sqlite"))
    assert cli.main(["dead-letters"]) == 0
    assert capsys.readouterr().out == "There are no dead letters.\n"


@pytest.mark.parametrize("which", [["000000000002"], ["--source", "github"]])
def test_a_requeued_dead_letter_is_open_again(outbox, capsys, which):
    assert cli.main(["requeue", *which]) == 0
    assert capsys.readouterr().out == f"1 of 1 dead letter requeued.\n{AS_BEFORE}"
    assert sorted(row.entry.delivery for row in outbox.open_entries("g")) == ["2", "3"]
    assert [letter.id for letter in outbox.dead_letters()] == ["f" * 32]


def test_an_unreadable_message_stays_a_dead_letter(outbox, capsys):
    assert cli.main(["requeue", "--all"]) == 1
    printed = capsys.readouterr()
    assert printed.out == f"1 of 2 dead letters requeued.\n{AS_BEFORE}"
    assert "The message is not one of the bridge's" in printed.err
    assert len(outbox.dead_letters()) == 1


@pytest.mark.parametrize(
    ("delivery", "state"),
    [
        ("1", "delivered in the thread the-thread"),
        ("2", "dead letter: 400: bad HTML"),
        ("3", "not delivered yet: pending"),
    ],
)
def test_the_history_shows_the_state_of_a_delivery(outbox, capsys, delivery, state):
    assert cli.main(["history", delivery]) == 0
    assert f"state     {state}\n" in capsys.readouterr().out


def test_a_post_leads_to_its_entries_and_an_entry_to_its_post(outbox, capsys):
    (row,) = outbox.change([replace(row, state=State.SENDING, attempt=TOKEN) for row in outbox.open_entries("g")])
    assert cli.main(["history", TOKEN]) == 0
    shown = capsys.readouterr().out
    assert f"state      not delivered yet: sending\n  last line  {TOKEN}\n" in shown
    (thread,) = outbox.threads("g", [row.entry.key]).values()
    outbox.finish([row], [replace(thread, thread="its-thread")])
    for asked in (TOKEN, row.entry.id, row.entry.id[:12], row.entry.delivery):
        assert cli.main(["history", asked]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(row.entry.id)
        assert f"state      delivered in the thread its-thread\n  last line  {TOKEN}\n" in shown


def test_a_post_of_a_dead_letter_leads_to_it(outbox, capsys):
    letter = DeadLetter(entry(3).id, "g", "", f"It may have been posted, with {TOKEN} in its footer. 403", "", START)
    outbox.move_to_dead_letters(*outbox.open_entries("g"), letter)
    assert cli.main(["history", TOKEN]) == 0
    assert capsys.readouterr().out.startswith(entry(3).id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["requeue"], "Choose dead letters by id"),
        (["requeue", "nothing"], "No dead letter matches"),
        (["history", "nothing"], "No entry matches nothing"),
    ],
)
def test_a_command_that_finds_nothing_says_so(outbox, capsys, arguments, message):
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err
