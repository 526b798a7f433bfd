"""Routes and templates in a real browser: edited beside their effect, saved, and used for the next webhook."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import (
    PHONE,
    check_accessibility,
    in_browser,
    listening,
    needs_axe,
    opening,
)
from tests.local_stack import NAMES, issue, running
from tests.test_editing import ROUTED

pytestmark = in_browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("editing")


@pytest.fixture(scope="module")
def stack(folder):
    (folder / "routes.toml").write_text(ROUTED)
    settings = {"BRIDGE_CONFIG": str(folder / "routes.toml"), "BRIDGE_SETTLE_SECONDS": "0.2"}
    with running(folder / "work", **settings) as stack:
        stack.wait_for_posts(NAMES[0], stack.send("issues", issue("opened", 801)))
        yield stack


@pytest.fixture
def page(window, stack):
    with opening(window, stack) as page:
        page.get_by_role("link", name="Routes & templates").click()
        yield page


def text_box(page):
    return page.get_by_role("textbox", name=re.compile("^Text of"))


def effect(page, title):
    return page.locator("#effects li").filter(has_text=title)


def test_a_route_is_edited_with_its_effect_saved_and_used_for_the_next_webhook(page, stack, folder):
    expect(text_box(page)).to_have_value(ROUTED)
    expect(effect(page, "The pump runs dry 801")).to_contain_text("GitHub: platform")
    expect(page.get_by_role("status").filter(has_text="Edit the text: what that would change")).to_be_visible()
    text_box(page).fill(ROUTED.replace('["platform"]', '["everyone"]'))
    expect(effect(page, "The pump runs dry 801")).to_contain_text("GitHub: platform → everyone")
    expect(page.get_by_role("status").filter(has_text="1 of 1 webhook would change")).to_be_visible()
    expect(page.get_by_role("region", name="Before and after")).to_contain_text("everyone: route 1 matches")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Saved. The bridge uses it from now on.")).to_be_visible()
    expect(effect(page, "The pump runs dry 801")).to_have_text(re.compile("GitHub: everyone$"))
    assert '["everyone"]' in (folder / "routes.toml").read_text()
    stack.wait_for_posts(NAMES[1], stack.send("issues", issue("opened", 802)))


def test_a_template_is_edited_beside_the_posts_before_and_after(page, stack, folder):
    stack.send("issues", issue("opened", 803))
    page.get_by_role("searchbox").fill("github/issues")
    page.get_by_role("button", name="github/issues.html").click()
    expect(text_box(page)).to_have_value(re.compile("extends"))
    block = "{% block on_opened %}{{ actor }} asks for help{% endblock %}"
    text_box(page).fill(f'{{% extends "default:github/issues.html" %}}\n{block}')
    expect(effect(page, "The pump runs dry 803")).to_contain_text("post changes")
    frames = page.locator("#effect .frame")
    expect(frames).to_have_count(2)
    expect(frames.first.content_frame.locator("body")).to_contain_text("octocat opened")
    expect(frames.last.content_frame.locator("body")).to_contain_text("octocat asks for help")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    assert (Path(stack.folder) / ".bridge/templates/github/issues.html").read_text().endswith(block)


def test_a_problem_leads_to_its_line_and_keeps_the_file_from_being_saved(page, folder):
    before = (folder / "routes.toml").read_text()
    text_box(page).fill(before + '\n[[route]]\nwhen = "severity >="\ngroups = []\n')
    problem = page.get_by_role("list", name="Problems").get_by_role("button")
    expect(problem).to_contain_text("the expression ends too early")
    problem.click()
    selected = text_box(page).evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)")
    assert selected == 'when = "severity >="'
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="the bridge would accept no webhook")).to_be_visible()
    assert (folder / "routes.toml").read_text() == before


def test_only_what_was_typed_is_warned_of_when_the_page_is_left(page):
    with listening(page, "dialog", lambda dialog: (dialog.accept(), dialog.type)[1]) as asked:
        page.get_by_role("button", name="alerts.html", exact=True).click()
        expect(text_box(page)).to_have_value(re.compile("extends"))
        page.reload()
        page.get_by_role("button", name="alerts.html", exact=True).click()
        expect(text_box(page)).to_have_value(re.compile("extends"))
        assert asked == []
        text_box(page).press("a")
        page.reload()
        assert asked == ["beforeunload"]


def test_a_file_that_somebody_else_saved_is_reloaded_and_not_overwritten(page, folder):
    theirs = "# theirs\n" + (folder / "routes.toml").read_text()
    expect(text_box(page)).to_have_value(re.compile("route"))
    (folder / "routes.toml").write_text(theirs)
    text_box(page).fill("# mine\n" + ROUTED)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="was changed on disk")).to_be_visible()
    assert (folder / "routes.toml").read_text() == theirs
    page.get_by_role("button", name="Reload").click()
    expect(text_box(page)).to_have_value(theirs)


@needs_axe
def test_the_view_is_accessible_on_a_phone_and_on_a_desktop(window, stack):
    with opening(window, stack, PHONE) as page:
        page.get_by_role("link", name="Routes & templates").click()
        text_box(page).fill("[[route\n")
        expect(page.get_by_role("list", name="Problems").get_by_role("button")).to_be_visible()
        # A tab that is scrolled out of sight looks to axe like a link to skip something.
        page.locator("#tabs").evaluate("tabs => tabs.scrollTo(0, 0)")
        check_accessibility(page)
