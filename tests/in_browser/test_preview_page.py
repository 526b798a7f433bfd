"""The page of `preview --watch` in a real browser."""

from playwright.sync_api import expect

from tests.browser import in_browser, listening
from tests.test_preview import OWN, watching  # noqa: F401  a fixture

pytestmark = in_browser


def test_a_browser_follows_each_saved_change(watching, window):  # noqa: F811
    next(watching.posts)
    page = window
    with listening(page, "pageerror", str) as errors:
        page.set_viewport_size({"width": 1180, "height": 900})
        page.goto(watching.address)
        wide, phone = (page.frame_locator(f"iframe.{width}").locator("body") for width in ("wide", "phone"))
        for post in (wide, phone):
            expect(post).to_contain_text("Stop the pump when the tank is empty")
        problems = page.get_by_role("region", name="Problems")
        expect(problems).to_be_hidden()

        # The text of a template is not escaped; only the frame keeps scripts in it from running.
        script = "parent.document.title = 'it ran'"
        hostile = f'<script>{script}</script><img src="x:" onerror="{script}">'
        changed = '{% extends "default:github/pull_request.html" %}{% block body %}<tr><td>Changed</td></tr>'
        watching.save(OWN, f"{changed}{hostile}{{% endblock %}}")
        expect(wide).to_contain_text("Changed")
        expect(page).to_have_title("Preview: #12 Stop the pump when the tank is empty · contoso/pump")

        watching.save(OWN, changed)
        expect(problems).to_contain_text("github/pull_request.html, line 1: `block` is not closed")
        watching.save(OWN, f"{changed}{{% endblock %}}")
        expect(problems).to_be_hidden()
        expect(phone).to_contain_text("Changed")
    assert errors == []
