"""`make gallery`: pages with the posts of every sample of every source."""

import re
from html.parser import HTMLParser

import pytest

from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from tests.amounts import one_in
from tests.local_stack import ROOT
from tools import gallery

SHOWN = {name: SOURCES[name] for name in ("github", *one_in(4, sorted(SOURCES.keys() - {"github"})))}
RENDERER = Renderer(titles={name: source.title for name, source in SOURCES.items()})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    return {path.name: path.read_text() for path in gallery.write(None, folder, SHOWN, RENDERER)}


def test_it_has_every_sample_of_every_source(written):
    for name in SHOWN:
        page = written[f"{name}.html"]
        assert [path.name for path in SOURCES[name].samples.glob("*.json") if path.name not in page] == []
        assert f'href="{name}.html"' in written["index.html"]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.levels, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.levels += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []


def test_the_pages_work_with_screen_readers_and_run_nothing(written):
    for text in written.values():
        page = Page(text)
        assert text.startswith('<!doctype html>\n<html lang="en">')
        assert len(set(page.ids)) == len(page.ids)
        assert page.levels[0] == 1
        assert set(page.levels[1:]) <= {2}
        assert not {"script", "iframe", "img", "link", "object"} & set(page.tags)
        assert "default-src 'none'" in text


def test_a_payload_without_a_post_has_a_reason(written, tmp_path):
    assert "Nothing is posted: GitHub&#39;s ping" in written["github.html"]
    (tmp_path / "github").mkdir()
    (tmp_path / "github/push.json").write_text("{")
    page = gallery.write(tmp_path, tmp_path / "out", SOURCES, RENDERER)[1].read_text()
    assert "Refused with 400: The body is not JSON" in page


def test_a_folder_without_payloads_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match="has no folder with the name of a source"):
        gallery.main(["--payloads", str(tmp_path)])
