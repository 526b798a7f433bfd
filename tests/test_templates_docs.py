"""docs/templates.md: its tables are what the code has, and its examples do what it says."""

import re

import pytest

from bridge.entries import Target, entry_id
from bridge.events import Webhook
from bridge.local.gallery import NOW
from bridge.local.template_tables import with_tables
from bridge.rendering import Renderer
from bridge.sources import SOURCES
from tests.local_stack import ROOT
from tests.look import parse

TEXT = (ROOT / "docs/templates.md").read_text()
EXAMPLE = re.compile(
    r"`my-templates/(?P<file>\S+?)`.*?```html\+jinja\n(?P<template>.*?)```.*?"
    r"`(?P<sample>\w+/[\w.]+\.json)`.*?```text\n(?P<result>.*?)\n```",
    re.DOTALL,
)
EXAMPLES = [found.groupdict() for found in EXAMPLE.finditer(TEXT)]


def test_the_tables_are_what_the_code_has_now():
    assert with_tables(TEXT) == TEXT, "run `make docs`, and commit what has changed"


def test_there_are_three_examples():
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["file"])
def test_an_example_does_what_is_said_of_it(example, tmp_path):
    path = tmp_path / example["file"]
    path.parent.mkdir()
    path.write_text(example["template"])
    name, _, file = example["sample"].partition("/")
    body = (ROOT / "samples" / example["sample"]).read_bytes()
    (event,) = SOURCES[name].read(Webhook(SOURCES[name].headers(file.partition(".")[0], "d"), body))
    renderer = Renderer(tmp_path)
    assert renderer.problems() == []
    entry = renderer.entry(event, entry_id(event, 0, ""), Target(""), NOW)
    assert renderer.chosen(event) == example["file"]
    assert example["result"] in (entry.summary, parse(entry.html).lines[-2])
