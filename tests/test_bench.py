"""What `make bench` measures with, without measuring: nothing here looks at a clock."""

import re

import pytest
import requests

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.graph.channel import Post
from bridge.graph.threads import GroupThreads
from bridge.local.serving import listen
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.bench.__main__ import PAGE, with_table
from tests.bench.flame_graph import Graph, drawn, folded
from tests.bench.graph import application
from tests.bench.payloads import SECRET, SIZES, SUBJECTS
from tests.bench.rows import HEAD, Row
from tests.graph_servers import graph_client, in_thread

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


FOLDED = [
    "main:run;main:receive;json:loads 3000",
    "main:run;main:receive;/opt/part.html:root 1000",
    "main:idle 9000",
]


def test_a_flame_graph_has_a_box_for_each_function_as_wide_as_its_time():
    root = folded(FOLDED, "main:run", 2)
    assert root.time == root.calls["main:run"].time == 2.0
    assert root.calls["main:run"].calls["main:receive"].calls["json:loads"].time == 1.5
    written = drawn([Graph("Before & after", root)])
    assert "Before &amp; after" in written
    assert "<title>json:loads: 1.5 ms, 75%</title>" in written
    assert 'width="900.0"' in written
    assert "templates:root" in written
    assert "/opt" not in written


@pytest.mark.parametrize("path", sorted(PAGE.parent.glob("flames-*.svg")), ids=lambda path: path.stem)
def test_the_flame_graphs_of_the_page_are_small_and_name_no_machine(path):
    written = path.read_text("utf-8")
    assert len(written) < 150_000
    assert not re.search(r"<script|href|/opt/|/tmp/|/usr/|site-packages", written)
    assert re.findall(r"https?://[^\"]+", written) == ["http://www.w3.org/2000/svg"]
    assert path.name in PAGE.read_text("utf-8")


def test_the_graph_of_the_bench_has_what_a_start_and_a_reply_need(monkeypatch):
    with listen(0) as listener, in_thread(application(0), listener) as address:
        with graph_client(monkeypatch, address) as client:
            threads = GroupThreads(client, to_posts=True)
            post = Post(GROUP, "Topic", "<p>0123456789ab</p>", "token")
            assert threads.reply(threads.start(post), post) == "thread-1"
        assert requests.get(f"{address}/posted", timeout=60).json() == 1
