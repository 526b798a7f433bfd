"""docs/templates.md: its tables are what the code has, and its examples do what it says."""

import re

import jinja2
import pytest
from jinja2 import meta, nodes

from bridge.entries import Target, entry_id
from bridge.events import Webhook
from bridge.files import ROOT as FOLDER
from bridge.rendering.environment import environment
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from tests.local_stack import ROOT
from tests.look import parse
from tools.samples import NOW
from tools.template_tables import tables

pytestmark = pytest.mark.files

TEXT = (ROOT / "docs/templates.md").read_text()
EXAMPLE = re.compile(
    r"`my-templates/(?P<file>\S+?)`.*?```html\+jinja\n(?P<template>.*?)```.*?"
    r"`(?P<sample>\w+/[\w.]+\.json)`.*?```text\n(?P<result>.*?)\n```",
    re.DOTALL,
)
EXAMPLES = [found.groupdict() for found in EXAMPLE.finditer(TEXT)]


def test_every_row_of_the_tables_is_complete():
    rows = [line for line in tables().splitlines() if line.startswith("|")]
    assert [row for row in rows if "|  |" in row] == [], "say it where the code has it"


def test_every_part_of_a_card_is_listed():
    parts = jinja2.Environment(autoescape=True).parse((FOLDER / "templates" / "parts.html").read_text())
    assert set(re.findall(r"^\| `(\w+)\(", tables(), re.MULTILINE)) == {
        macro.name for macro in parts.find_all(nodes.Macro)
    }


def test_what_a_template_sets_for_the_layout_is_told():
    layout = environment(jinja2.DictLoader({})).parse((FOLDER / "templates" / "layout.html").read_text())
    given = set(re.findall(r"^\| `(\w+)` \|", tables(), re.MULTILINE))
    assert [
        name for name in meta.find_undeclared_variables(layout) - given - {"parts"} if f"`{name}`" not in TEXT
    ] == []


def test_three_sources_have_an_example_of_another_sentence():
    assert (
        len({example["file"].partition("/")[0] for example in EXAMPLES if "{% block on_" in example["template"]}) == 3
    )
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["file"])
def test_an_example_does_what_is_said_of_it(example, tmp_path):
    path = tmp_path / example["file"]
    path.parent.mkdir()
    path.write_text(example["template"])
    name, _, file = example["sample"].partition("/")
    body = (SOURCES[name].samples / file).read_bytes()
    (event,) = SOURCES[name].read(Webhook(SOURCES[name].headers(file.partition(".")[0], "d"), body))
    renderer = Renderer(tmp_path)
    assert renderer.problems() == []
    entry = renderer.entry(event, entry_id(event, 0, ""), Target(""), NOW)
    assert renderer.chosen(event) == example["file"]
    assert example["result"] in (entry.summary, *parse(entry.html).lines)
