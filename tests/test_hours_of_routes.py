"""Hours in the configuration: what they say, what is wrong with them, and which events wait for them."""

import json
import time
from datetime import UTC, date, datetime
from datetime import time as clock_time
from pathlib import Path

import pytest

from bridge.calendar.hours import Hours
from bridge.cli import main as cli
from bridge.configuration import Configuration
from bridge.entries import from_message, to_message
from bridge.errors import SettingsError
from bridge.events import Severity, Webhook
from bridge.outbox.sqlite import SqliteOutbox
from bridge.receiving.receiver import Receiver
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from tests.local_stack import working_in
from tests.test_routing import event

OPS = "3c1d0d4e-0000-4000-8000-000000000003"
OWN = "[sources.own]\n"
HOURS = """
[hours.office]
days = "mon-fri"
from = "08:00"
to = "18:00"
zone = "Europe/Berlin"
except = [2026-12-24, "2026-12-25"]
"""
ROUTE = f"""
[[route]]
when = "true"
groups = ["{OPS}"]
hours = "office"
unless = "severity >= 'error'"
"""
SATURDAY = datetime(2026, 11, 28, 3, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 7, tzinfo=UTC)


def configured(text):
    return Configuration.of(Settings(OPS, text))


def hours_of(text):
    return configured(f"[hours.office]\n{text}").hours["office"]


def test_hours_are_read():
    office = configured(HOURS).hours["office"]
    assert (office.days, office.begin, office.end) == (frozenset(range(5)), clock_time(8), clock_time(18))
    assert (str(office.zone), office.closed) == ("Europe/Berlin", {date(2026, 12, 24), date(2026, 12, 25)})
    # Times as TOML has them, and the zone of the settings.
    assert hours_of('days = "mon"\nfrom = 08:00:00\nto = "24:00"') == Hours(
        "office", frozenset({0}), clock_time(8), clock_time(), UTC
    )


@pytest.mark.parametrize(
    ("days", "numbers"),
    [("mon-fri", "01234"), ("sat, sun", "56"), ("fri-mon", "4560"), ("Monday, wed-thu", "023"), ("sun", "6")],
)
def test_days_are_read(days, numbers):
    assert hours_of(f'days = "{days}"\nfrom = "8:00"\nto = "9:00"').days == {int(number) for number in numbers}


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('"mon-fri"', '"mon-fry"', "the hours office: `days` must be days such as|did you mean `fri`? (line 3)"),
        ('days = "mon-fri"', "", "the hours office: `days` must be days such as mon-fri, or mon, wed, sat| (line 2)"),
        ('"08:00"', '"25:00"', "the hours office: `from` must be a time such as 08:00| (line 4)"),
        ('"18:00"', "18", "the hours office: `to` must be a time such as 08:00| (line 5)"),
        ('"18:00"', '"08:00"', "the hours office: `to` is the same time as `from`: for whole days write| (line 5)"),
        ("Europe/Berlin", "Europe/Berln", "the hours office: `zone` is not a time zone| (line 6)"),
        ("2026-12-24, ", '"24.12.", ', "the hours office: `except` must be a list of dates| (line 7)"),
        ("except", "excep", "the hours office has an unknown key 'excep'|did you mean `except`? (line 7)"),
        ('= "office"', '= "offise"', "route 1: `hours` names 'offise', which is not in|mean `office`? (line 12)"),
        ('hours = "office"', "", "route 1: `unless` says what does not wait for `hours`, and| has none (line 13)"),
        ("severity >=", "severety >=", "route 1: `unless` has an unknown name 'severety'|mean `severity`? (line 13)"),
        (f'["{OPS}"]', "[]", "route 1: `hours` makes events wait, and this route drops them| (line 12)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(before, after, problem):
    with pytest.raises(SettingsError) as raised:
        configured((HOURS + ROUTE).replace(before, after))
    (found,) = raised.value.problems
    beginning, _, end = problem.partition("|")
    assert found.startswith(f"BRIDGE_CONFIG: {beginning}")
    assert found.endswith(end)


def waits(severity="info", config=ROUTE, **changes):
    decision = configured(HOURS + config).routes.decide(event(severity=Severity(severity), **changes))
    (target,) = decision.targets
    return target.not_before(SATURDAY)


@pytest.mark.parametrize(
    ("severity", "until"), [("info", MONDAY), ("warning", MONDAY), ("error", None), ("critical", None)]
)
def test_an_event_waits_unless_it_is_urgent(severity, until):
    assert waits(severity) == until


def test_critical_events_never_wait_and_in_the_hours_nothing_does():
    config = ROUTE.replace("severity >= 'error'", "false")
    assert (waits("critical", config), waits("error", config)) == (None, MONDAY)
    (target,) = configured(HOURS + config).routes.decide(event()).targets
    assert target.not_before(MONDAY) is None


def test_an_expression_that_fails_does_not_make_an_event_wait_and_is_counted():
    routes = configured(HOURS + ROUTE.replace("severity >= 'error'", "payload.n / 0 > 1")).routes
    (target,) = routes.decide(event()).targets
    assert target.hours is None
    assert [failing["failures"] for failing in routes.failing.report()] == [1]


def test_the_entry_says_until_when_and_an_earlier_version_leaves_that_out():
    configuration = configured(OWN + HOURS + ROUTE)
    receiver = Receiver(configuration.sources, {}, configuration.routes, Renderer(), lambda: SATURDAY)
    receipt = receiver.receive("own", Webhook({}, b'{"title": "Tank 3 is low"}'))
    (entry,) = receipt.entries
    assert (entry.hours, entry.not_before) == ("office", MONDAY)
    assert from_message(to_message(entry)) == entry
    # Sent again by a person, it does not wait.
    (again,) = receiver.again("own", Webhook({}, b'{"title": "Tank 3 is low"}')).entries
    assert (again.hours, again.not_before) == ("", None)
    assert "not_before" not in json.loads(to_message(again))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    with working_in(tmp_path / "work", monkeypatch, "BRIDGE_", "PORT", "AzureWebJobsStorage") as folder:
        (folder / "bridge.toml").write_text(f'[groups]\nops = "{OPS}"\n{OWN}{NEVER}{ROUTE}')
        monkeypatch.setenv("BRIDGE_CONFIG", "bridge.toml")
        yield folder


# Whenever the test runs, they begin a year later at the earliest.
TODAY = datetime.now(UTC).date()
CLOSED = [date.fromordinal(TODAY.toordinal() + day).isoformat() for day in range(-2, 365)]
NEVER = f'[hours.office]\ndays = "mon-sun"\nfrom = "08:00"\nto = "18:00"\nexcept = {CLOSED}\n'


def test_what_waits_is_listed_and_released(folder, capsys):
    configuration = Configuration.of(Settings(OPS, Path("bridge.toml").read_text()))
    receiver = Receiver(configuration.sources, {}, configuration.routes, Renderer(), lambda: datetime.now(UTC))
    entries = [
        receiver.receive("own", Webhook({}, json.dumps({"title": title}).encode())).entries[0]
        for title in ("Tank 3 is low", "Tank 4 is low")
    ]
    outbox = SqliteOutbox(folder / ".bridge/outbox.sqlite")
    for entry in entries:
        outbox.record(entry, time.time(), entry.not_before.timestamp())
    assert cli.main(["waiting"]) == 0
    listed = capsys.readouterr().out
    assert "hours office  ops  own Tank 3 is low" in listed
    assert f"until {entries[0].not_before:%a %Y-%m-%d} 08:00 UTC" in listed
    assert cli.main(["release", entries[0].id[:12]]) == 0
    assert cli.main(["release", "--group", "ops"]) == 0
    assert capsys.readouterr().out == "1 of 1 entry released.\n" * 2
    assert {row.due <= time.time() for row in outbox.open_entries(OPS)} == {True}
    assert cli.main(["waiting"]) == 0
    assert capsys.readouterr().out == "Nothing waits.\n"
    assert cli.main(["release", "--all"]) == 2
    assert cli.main(["release"]) == 2
    assert "Choose entries by id" in capsys.readouterr().err
    outbox.close()


def test_explain_says_until_when_an_event_would_wait(folder, capsys):
    sample = Path(__file__).parent.parent / "bridge/sources/github/samples/issues.opened.json"
    assert cli.main(["explain", "github", str(sample)]) == 0
    assert f"waits     for ops ({OPS}): until " in capsys.readouterr().out
