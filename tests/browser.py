"""The page in a real browser: what its tests do with it."""

import contextlib
import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.local_stack import PATIENCE, ROOT, Stack

# The shell takes a sixth less of the processor than a whole browser.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
EXECUTABLE = next(filter(None, map(shutil.which, _NAMES)), "")
AXE = ROOT / ".axe/node_modules/axe-core/axe.min.js"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 375, "height": 740}

in_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(not EXECUTABLE, reason="no Chromium or Chrome: the page is not tested in a browser"),
]
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: `make axe` installs it if there is npm")
expect.set_options(timeout=PATIENCE * 1000)


@contextlib.contextmanager
def opening(window: Page, stack: Stack, viewport=DESKTOP, scheme="light") -> Iterator[Page]:
    """The page as a first-time visitor sees it; none of its scripts may fail."""
    window.set_viewport_size(viewport)
    window.emulate_media(color_scheme=scheme)
    with listening(window, "pageerror", str) as errors:
        window.goto(stack.address)
        # To ask for its role would compute the roles of the whole page, again and again.
        expect(window.locator("#state")).to_have_text("Live")
        yield window
        window.evaluate("localStorage.clear()")
    assert errors == []


@contextlib.contextmanager
def listening(window: Page, event: str, noted=lambda event: event) -> Iterator[list]:
    """What has been noted of the window's events of one name."""
    found = []

    def listen(event) -> None:
        found.append(noted(event))

    window.on(event, listen)
    try:
        yield found
    finally:
        window.remove_listener(event, listen)


def open_send_panel(page):
    page.get_by_role("button", name="Send a sample").click()
    expect(page.locator("#payload")).not_to_have_value("")


def send(page, payload, event="issues"):
    """Send a payload from the send panel."""
    page.get_by_role("textbox", name="Event").fill(event)
    page.get_by_role("textbox", name="Payload").fill(json.dumps(payload))
    page.get_by_role("button", name="Send", exact=True).click()


def threads(page, topic):
    return page.locator("#threads li").filter(has_text=topic)


def rows(page, topic):
    return page.locator("#rows li").filter(has_text=topic)


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def check_accessibility(page: Page, views=((DESKTOP, "dark"), (PHONE, "light"))) -> None:
    """What the page shows now breaks no rule in any size and colours of these, and nothing overflows."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    size = page.viewport_size
    for viewport, scheme in views:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)
        # The frames contain posts, which follow other rules, and run no scripts that could check them.
        found = page.evaluate("() => axe.run(document, { iframes: false, resultTypes: ['violations'] })")
        violations = [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in found["violations"]]
        assert violations == [], json.dumps(violations, indent=1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size(size)
