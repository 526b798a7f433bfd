"""docs/look.md says what posts say."""

import re

import pytest

from bridge.publishing.digests import digest_topic
from tests.local_stack import ROOT
from tests.screenshots import POSTS, entry

TEXT = (ROOT / "docs/look.md").read_text()
OURS = dict(re.findall(r"^### [^\n]*: `([^`\n]*)`\n.*?^- Ours: ([^\n]*)$", TEXT, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("name", POSTS)
def test_what_is_said_of_our_posts_is_true(name):
    made = entry(name)
    assert OURS[name] == f"**{made.topic}** · {made.summary}"


def test_what_is_said_of_the_digest_is_true():
    assert f"**{digest_topic([entry(name, place) for place, name in enumerate(POSTS)], {'github': 'GitHub'})}**" in TEXT


def test_its_pictures_are_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", TEXT)
    assert len(pictures) == 4
    assert [name for name in pictures if not (ROOT / "docs" / name).is_file()] == []
