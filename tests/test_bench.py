"""What `make bench` measures with, without measuring: nothing here looks at a clock."""

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.bench.__main__ import PAGE, with_table
from tests.bench.payloads import SECRET, SIZES, SUBJECTS
from tests.bench.rows import HEAD, Row

GROUP = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.source)
def test_each_payload_has_its_size_and_becomes_an_entry(subject, size):
    webhook = subject.webhook(size)
    receiver = Bridge(Configuration.of(Settings(GROUP, secrets=dict.fromkeys(SOURCES, (SECRET,))))).receiver
    (entry,) = receiver.receive(subject.source, webhook).entries
    assert entry.source == subject.source
    assert 0.5 * size * 1024 < len(webhook.body) < 1.5 * size * 1024


@pytest.mark.parametrize(
    ("measured", "at_least", "line"),
    [
        (3.0, False, "| a row | 3 ms | 2 ms | 1.5 | ≤ 1.5 |"),
        (3.2, False, "| a row | 3.2 ms | 2 ms | 1.6 | ≤ 1.5, missed |"),
        (3.2, True, "| a row | 3.2 ms | 2 ms | 1.6 | ≥ 1.5 |"),
        (2.8, True, "| a row | 2.8 ms | 2 ms | 1.4 | ≥ 1.5, missed |"),
    ],
)
def test_a_row_says_whether_its_goal_is_met(measured, at_least, line):
    assert str(Row("a row", measured, 2.0, "ms", 1.5, at_least)) == line


def test_the_page_keeps_its_words_and_gets_the_table_of_the_last_run():
    page = PAGE.read_text("utf-8")
    rows = [Row("a row", 1.0, 2.0, "ms", 1.5)]
    written = with_table(page, rows)
    assert written.split("<!--")[0] == page.split("<!--")[0]
    assert written.split("-->")[-1] == page.split("-->")[-1]
    assert written.count(HEAD) == 1
    assert str(rows[0]) in written
    assert with_table(written, rows) == written
