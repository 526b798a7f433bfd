"""docs/look.md shows what our posts say; `make docs` keeps it up to date."""

import re

import pytest

from tests.local_stack import ROOT
from tools.look_page import POSTS, entry, with_posts
from tools.look_pictures import inbox, posts

pytestmark = pytest.mark.files

TEXT = (ROOT / "docs/look.md").read_text()


def test_it_shows_every_post_of_the_pictures():
    for name in POSTS:
        made = entry(name)
        section = re.search(rf"^### [^\n]*: `{name}`\n.*?^- Ours: ([^\n]*)$", TEXT, re.MULTILINE | re.DOTALL)
        assert section[1] == f"**{made.topic}** · {made.summary}"


def test_a_changed_post_and_a_changed_digest_are_written_again():
    changed = re.sub(r"(?<=- Ours: \*\*)", "Old ", TEXT)
    assert changed.count("Old ") == len(POSTS) + 1
    assert with_posts(changed) == TEXT


def test_every_row_of_the_inbox_can_be_told_apart():
    rows = inbox()
    assert len(rows) == 40
    assert len({row.topic for row in rows}) == len({row.preview[:60] for row in rows}) == 40
    assert not [row for row in rows if row.topic.split(" · ")[0] in row.preview[:60] and " failed" not in row.preview]


def test_each_of_the_twelve_posts_has_one_before():
    assert len(posts()) == 12
    assert all(before and now and before != now for before, now in posts().values())


def test_its_pictures_exist():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", TEXT)
    assert len(pictures) == 8
    assert [name for name in pictures if not (ROOT / "docs" / name).is_file()] == []
