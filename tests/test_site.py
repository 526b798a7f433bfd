"""The site of the docs: every page is in its navigation, its links lead somewhere, and nothing comes from elsewhere."""

import re
import tomllib

import pytest

from bridge.sources import SOURCES
from tests.local_stack import ROOT
from tools import site

CONFIG = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]


def pages(nav):
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from pages(inner)


def test_every_page_is_in_the_navigation_once():
    ours = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    shown = list(pages(CONFIG["nav"]))
    assert sorted(shown) == sorted(ours | set(site._ELSEWHERE.values()))


def test_the_parts_of_the_navigation_are_those_that_people_look_for():
    parts = [name for part in CONFIG["nav"] for name in part]
    assert parts == [
        *("Start", "How do I …?", "Services", "Reference", "Operate", "Deploy", "Security", "How it works"),
        "Write a source",
    ]


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "SOURCE", tmp_path_factory.mktemp("site") / "source")
        patch.setattr(site, "SOURCES", {name: SOURCES[name] for name in ("github", "zabbix")})
        site.stage("contoso/webhook-bridge", "v1.2.3")
        yield site.SOURCE


def test_links_to_files_without_a_page_lead_to_the_repository(staged):
    repository = "https://github.com/contoso/webhook-bridge/blob/v1.2.3"
    assert f"]({repository}/bridge/sources/zabbix/body.json)" in (staged / "services/zabbix.md").read_text("utf-8")
    assert f"]({repository}/config.example.toml)" in (staged / "configuration.md").read_text("utf-8")
    assert f"]({repository}/tests/test_keys.py)" in (staged / "security.md").read_text("utf-8")


def test_every_other_link_leads_to_a_page_or_a_picture(staged):
    for path in staged.rglob("*.md"):
        text = "".join(site._CODE.split(path.read_text("utf-8"))[::2])
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text):
            assert (path.parent / target).is_file(), (path.name, target)
    assert "](security.md)" in (staged / "README.md").read_text("utf-8")
    assert "](operate.md#networks)" in (staged / "security.md").read_text("utf-8")


def test_a_service_shows_its_posts(staged):
    page = (staged / "services/github.md").read_text("utf-8")
    assert page.count('<figure class="post"') == 4
    assert "#12 Stop the pump when the tank is empty" in page.partition("<figure")[2]
    assert "<script" not in page


@pytest.mark.parametrize(
    ("name", "text", "address"),
    [
        ("a.html", '<script src="https://unpkg.com/x"></script>', "https://unpkg.com/x"),
        ("a.html", "<link rel=stylesheet href=//fonts.example/css>", "//fonts.example/css"),
        ("a.html", "<IMG alt='' src='http://img.example/1.png'>", "http://img.example/1.png"),
        ("a.css", "@font-face { src: url('https://fonts.example/1.woff2') }", "https://fonts.example/1.woff2"),
        ("a.css", '@import "https://fonts.example/a.css"', "https://fonts.example/a.css"),
    ],
)
def test_what_comes_from_another_host_is_found(name, text, address, tmp_path):
    (tmp_path / name).write_text(text)
    (tmp_path / "b.html").write_text('<a href="https://github.com/contoso">a link</a><img src="post.png">')
    assert list(site.foreign(tmp_path)) == [f"{name}: {address}"]


def test_the_version_of_what_builds_it_is_fixed():
    assert re.search(r"^zensical==\d+\.\d+\.\d+$", (ROOT / "docs/requirements.txt").read_text(), re.MULTILINE)
