"""What a title of an alert is about, the state that it says, and the conversation that it belongs to."""

import time

import pytest

from bridge.events import Severity
from bridge.sources import card_titles
from bridge.sources.chat import colour_severity

GOOD, BAD = Severity.SUCCESS, Severity.ERROR


@pytest.mark.parametrize(
    ("text", "subject", "key", "state"),
    [
        ("[FIRING:2] HighLatency prod (pump-1)", "HighLatency prod (pump-1)", "highlatency prod", "firing"),
        ("[RESOLVED] HighLatency prod (critical)", "HighLatency prod (critical)", "highlatency prod", "resolved"),
        ("[FIRING:1, RESOLVED:2] HighLatency prod (x)", "HighLatency prod (x)", "highlatency prod", "firing"),
        ("[FIRING:1]  (HighLatency pump-1)", "(HighLatency pump-1)", "highlatency pump-1", "firing"),
        ("[Alerting] CPU", "CPU", "cpu", "firing"),
        ("[OK] CPU", "CPU", "cpu", "ok"),
        ("[No Data] CPU", "CPU", "cpu", "no data"),
        ("PROBLEM: db-1", "db-1", "db-1", "problem"),
        ("Resolved in 5m 3s: High CPU", "High CPU", "high cpu", "resolved"),
        ("RESOLVED HighLatency", "HighLatency", "highlatency", "resolved"),
        ("[Pump] [🔴 Down] connect ECONNREFUSED 10.0.0.1", "Pump", "pump", "down"),
        ("[Pump] [✅ Up] 200 - OK", "Pump", "pump", "up"),
        ("✅ Application [Pump] is back online", "Application Pump", "application pump", "up"),
        ("❌ Your service Pump went down. ❌", "Pump", "pump", "down"),
        ("New version of an application shop is up and running.", "Application shop", "application shop", "up"),
        ("Failed to sync application shop.", "Application shop", "application shop", ""),
        ("Application shop sync status is 'Unknown'", "Application shop", "application shop", ""),
        ("Backup failed: disk full", "Backup", "backup", "failed"),
        ("Build #77 succeeded after 3 min", "Build #77", "build #77", "succeeded"),
        (":fire: Disk 96 % full on pump-1 (3)", "Disk 96 % full on pump-1 (3)", "disk full on pump-1", ""),
    ],
)  # fmt: skip
def test_a_title_is_read(text, subject, key, state):
    title = card_titles.read(text)
    assert (title.subject, title.key, title.state) == (subject, key, state)


@pytest.mark.parametrize(
    "text",
    [
        "Up and coming pump",
        "Resolve the pump issue",
        "resolved",
        "OK",
        "The pump is not ok",
        "Down the road",
        "[dev] pump",
        "Critical thinking course",
    ],
)
def test_a_word_that_is_no_state_stays(text):
    title = card_titles.read(text)
    assert (title.state, title.subject) == ("", text)


@pytest.mark.parametrize(
    "name", ["10.0.0.1:9100", "node-3d", "10.0.0.0/24", "x86", "v1.2.3", "Build #77", "eu-west-1a", "db-3 errors"]
)
def test_a_number_in_a_name_is_no_count_and_no_time(name):
    assert card_titles.read(f"Disk of {name}").key.replace(" ", "") == f"diskof{name}".lower().replace(" ", "").replace(
        ":", ""
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3 new errors in shop", "12 new errors in shop"),
        ("Queue is late since 14:03", "Queue is late since 15:10 UTC"),
        ("Certificate expires in 7 days", "Certificate expires in 6 days"),
        ("🔥 Disk at 91%", "Disk at 97 %"),
        ("2 of 3 replicas of shop", "1 of 3 replicas of shop"),
    ],
)
def test_counts_times_and_measures_do_not_part_what_belongs_together(one, other):
    assert card_titles.read(one).key == card_titles.read(other).key


@pytest.mark.parametrize(
    ("text", "colour", "over"),
    [
        ("[RESOLVED] CPU", GOOD, True),
        ("[RESOLVED] CPU", None, True),
        ("[RESOLVED] CPU", BAD, False),
        ("[OK] CPU", GOOD, True),
        ("[OK] CPU", None, False),
        ("[FIRING:1, RESOLVED:1] CPU", GOOD, False),
        ("CPU is resolved", None, False),
        ("Pump is up", GOOD, True),
        ("[SUCCESS] Build", GOOD, False),
        ("CPU", GOOD, False),
    ],
)
def test_an_episode_ends_with_its_word_and_a_colour_that_agrees(text, colour, over):
    assert card_titles.read(text).is_over(colour) is over


@pytest.mark.parametrize(
    ("severity", "colours"),
    [
        (
            Severity.ERROR,
            ["danger", "#D63232", "8C1A1A", 0x992D22, "#e01e5a", "#E96D76", "attention", 16711680, "#f00"],
        ),
        (Severity.WARNING, ["warning", "#f4c030", "ff9000", 0xF1C40F]),
        (Severity.SUCCESS, ["good", "#36a64f", "2DC72D", "#2eb886", "#18be52", 65280, "00e804"]),
        (None, ["#000080", "0076D7", "#0DADEA", 0x95A5A6, "#fff", "", "accent", None, True, [], -1, 1 << 40, "#12345"]),
    ],
)
def test_a_colour_says_the_severity_or_nothing(severity, colours):
    assert [colour_severity(colour) for colour in colours] == [severity] * len(colours)


@pytest.mark.parametrize("piece", ["1 ", "(", "is ", "[up", "5 m ", ": ", "🔥 ", ":fire:", "a:", "[x] "])
def test_no_title_takes_long(piece):
    start = time.process_time()
    card_titles.read((piece * 300)[:300])
    assert time.process_time() - start < 0.5
