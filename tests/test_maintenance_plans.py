"""Maintenance in the configuration and on the command line."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.app import Bridge
from bridge.calendar.maintenance import ENDED, STARTED, from_text
from bridge.cli import main as cli
from bridge.configuration import Configuration
from bridge.entries import from_message
from bridge.errors import SettingsError
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.settings import Settings
from tests.local_stack import working_in
from tests.outbox_stand_ins import entry

OPS = "3c1d0d4e-0000-4000-8000-000000000003"
GROUP = "00000000-0000-4000-8000-0000000000d0"  # of the settings of a fresh clone
ONCE = f"""
[groups]
ops = "{OPS}"

[[maintenance]]
match = "scope == 'db-03'"
note = "disk change"
from = 2026-12-05T22:00:00
to = "2026-12-06T02:00"
zone = "Europe/Berlin"
groups = ["ops"]
"""
WEEKLY = """
[[maintenance]]
match = "true"
days = "sun"
from = "02:00"
to = "04:00"
"""


def configured(text):
    return Configuration.of(Settings(OPS, text))


def test_plans_are_read():
    once, weekly = configured(ONCE + WEEKLY).maintenance
    assert once.once == (datetime(2026, 12, 5, 21, tzinfo=UTC), datetime(2026, 12, 6, 1, tzinfo=UTC))
    assert (once.match, once.note, once.groups) == ("scope == 'db-03'", "disk change", (OPS,))
    assert weekly.weekly.period(datetime(2026, 11, 29, 3, tzinfo=UTC)) == (
        datetime(2026, 11, 29, 2, tzinfo=UTC),
        datetime(2026, 11, 29, 4, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("scope == 'db-03'", "", "maintenance 1: `match` is empty: say which events are collected|of them (line 6)"),
        ("scope ==", "scop ==", "maintenance 1: `match` has an unknown name 'scop'|did you mean `scope`? (line 6)"),
        ("scope == 'db-03'", "attributes.x", "maintenance 1: `match` has an unknown name 'attributes'| (line 6)"),
        ("match = \"scope == 'db-03'\"", "", "maintenance 1: `match` is empty| (line 5)"),
        ("2026-12-06T02:00", "2026-12-04T02:00", "maintenance 1: `to` is not after `from`| (line 9)"),
        ("2026-12-06T02:00", "tomorrow", "maintenance 1: `to` must be a moment such as 2026-12-05T22:00| (line 9)"),
        ("Europe/Berlin", "Berlin", "maintenance 1: `zone` is not a time zone| (line 10)"),
        ('["ops"]', '["opps"]', "maintenance 1: 'opps' is not a group's object id|did you mean `ops`? (line 11)"),
        ('["ops"]', '"ops"', "maintenance 1: `groups` must be a list| (line 11)"),
        ("note =", "notes =", "maintenance 1 has an unknown key 'notes'|did you mean `note`? (line 7)"),
        ('"sun"', '"sum"', "maintenance 2: `days` must be days such as mon-fri|did you mean `sun`? (line 15)"),
        ('"04:00"', '"02:00"', "maintenance 2: `to` is the same time as `from`| (line 17)"),
        ("[[maintenance]]", "[maintenance]", "[[maintenance]] stands in double brackets, because|"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(before, after, problem):
    text = ONCE + (WEEKLY if after != "[maintenance]" else "")
    with pytest.raises(SettingsError) as raised:
        configured(text.replace(before, after, 1))
    (found,) = raised.value.problems
    beginning, _, end = problem.partition("|")
    assert found.startswith(f"BRIDGE_CONFIG: {beginning}")
    assert found.endswith(end)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    with working_in(tmp_path / "work", monkeypatch, "BRIDGE_", "PORT", "AzureWebJobsStorage") as folder:
        (folder / "bridge.toml").write_text(ONCE.replace("2026-", "2099-"))
        monkeypatch.setenv("BRIDGE_CONFIG", "bridge.toml")
        yield folder


@pytest.fixture
def outbox(folder):
    opened = SqliteOutbox(folder / ".bridge/outbox.sqlite")
    yield opened
    opened.close()


def alert(number):
    now = datetime.now(UTC)
    made = entry(number, scope="db-03", group=GROUP, source="checkmk")
    return replace(made, occurred=now, received=now)


def kinds(outbox, group):
    return sorted(row.entry.kind for row in outbox.open_entries(group))


def test_a_window_is_started_listed_and_ended(folder, outbox, capsys):
    assert cli.main(["maintenance", "list"]) == 0
    assert "planned  from Sat 2099-12-05 21:00 UTC  scope == 'db-03'  disk change" in capsys.readouterr().out
    started = ["maintenance", "start", "--for", "2h", "--match", "scope == 'db-03'", "--note", "\x1b disk\n"]
    assert cli.main([*started, "--group", "ops", "--group", GROUP]) == 0
    (window,) = from_text(outbox.maintenance().text)
    assert f"Maintenance {window.id} until " in capsys.readouterr().out
    assert (window.match, window.note, window.groups) == ("scope == 'db-03'", "disk", (OPS, GROUP))
    assert window.end - time.time() == pytest.approx(7200, abs=60)
    assert kinds(outbox, OPS) == kinds(outbox, GROUP) == [ENDED, STARTED]

    # The deployed app reads it from the storage.
    bridge = Bridge(Configuration.from_env(os.environ))
    bridge.publisher._recorder.record(alert(1))
    assert cli.main(["waiting"]) == 0
    listed = capsys.readouterr().out
    assert "maintenance" in listed
    assert listed.count(" until ") == 1
    assert cli.main(["maintenance", "list"]) == 0
    assert f"{window.id}  until " in capsys.readouterr().out

    assert cli.main(["maintenance", "end"]) == 0
    assert capsys.readouterr().out == f"Ended: {window.id}. The collected events are posted now.\n"
    (ended,) = from_text(outbox.maintenance().text)
    assert ended.end <= time.time()
    queue = SqliteQueue(folder / ".bridge/outbox.sqlite")
    woken = set()
    while message := queue.take(60):
        woken.add(from_message(message.body).group)
    queue.close()
    assert woken == {OPS, GROUP}
    assert cli.main(["maintenance", "list"]) == 0
    assert f"{window.id}  over" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["start", "--for", "2h", "--match", ""], "--match is empty"),
        (["start", "--for", "2h", "--match", "scop == 'x'"], "did you mean `scope`?"),
        (["start", "--for", "2 fortnights", "--match", "true"], "write 30m, 2h or 1d"),
        (["start", "--for", "90d", "--match", "true"], "of up to 30 days"),
        (["start", "--for", "2h", "--match", "true", "--note", "n" * 201], "--note has more than 200 characters"),
        (
            ["start", "--for", "2h", "--match", "true", "--group", "nobody"],
            "Unknown group 'nobody': the settings name ops",
        ),
        (["end"], "No such window is active"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong_and_changes_nothing(folder, outbox, capsys, arguments, problem):
    assert cli.main(["maintenance", *arguments]) == 2
    assert problem in capsys.readouterr().err
    assert outbox.maintenance().text == ""


def test_of_several_windows_one_is_named(folder, outbox, capsys):
    for match in ("scope == 'a'", "scope == 'b'"):
        assert cli.main(["maintenance", "start", "--for", "1d", "--match", match]) == 0
    assert cli.main(["maintenance", "end"]) == 2
    assert "2 windows are active: name one by its id" in capsys.readouterr().err
    first, second = from_text(outbox.maintenance().text)
    assert cli.main(["maintenance", "end", first.id]) == 0
    assert [window.is_active(time.time()) for window in from_text(outbox.maintenance().text)] == [False, True]
    assert second.groups == ()
