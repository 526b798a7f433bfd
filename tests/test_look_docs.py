"""docs/look.md shows what our posts say; `make docs` keeps it up to date."""

import re

from tests.local_stack import ROOT
from tools.look_page import POSTS, entry, with_posts

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


def test_its_pictures_exist():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", TEXT)
    assert len(pictures) == 4
    assert [name for name in pictures if not (ROOT / "docs" / name).is_file()] == []
