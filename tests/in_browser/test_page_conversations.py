"""The conversations of the page in a real browser: search, filters, unread, thousands of threads, and its recovery."""

import contextlib
import re
from datetime import UTC, datetime, timedelta

import pytest
import requests
from playwright.sync_api import expect

from bridge.local.fake_graph.store import Store
from tests.browser import (
    AXE,
    DESKTOP,
    PHONE,
    check_accessibility,
    in_browser,
    needs_axe,
    open_send_panel,
    opening,
    rows,
    send,
    threads,
)
from tests.local_stack import GROUPS, NAMES, ROOT, issue, running, start

pytestmark = in_browser
GROUP = "00000000-0000-4000-8000-0000000000d0"
COUNT = 2000
SMALL = {"width": 1280, "height": 800}


def seed(folder):
    """Let the stand-in have thousands of threads, without a webhook for any."""
    now = datetime.now(UTC)
    with contextlib.closing(Store(folder / ".bridge/graph.sqlite", lambda: now)) as store, store.transaction():
        for number in range(COUNT):
            at = now - timedelta(minutes=COUNT - number)
            group = GROUPS[NAMES[number % 2]]
            store.start(group, f"Seeded {number}", f"<p>needle{number}x</p>", "Webhook bridge", at, at)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conversations")
    seed(folder)
    with running(folder, BRIDGE_GROUP=GROUP, BRIDGE_SETTLE_SECONDS="0.2") as stack:
        alert = (ROOT / "bridge/sources/alertmanager/samples/group.firing.json").read_text()
        sent = {"source": "alertmanager", "event": "group", "payload": alert}
        requests.post(f"{stack.address}/page/send", json=sent, timeout=60).raise_for_status()
        stack.wait_for_posts(NAMES[2], stack.send("issues", issue("opened", 801), group=NAMES[2]))
        yield stack


@pytest.fixture
def page(window, stack):
    with opening(window, stack) as page:
        yield page


def search(page, text):
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search threads")).to_be_focused()
    page.keyboard.insert_text(text)


def group_button(page, name):
    return page.get_by_role("navigation", name="Groups").get_by_role("button", name=name)


def samples(page):
    """The samples that a search has found."""
    return page.get_by_role("listbox", name="Samples").get_by_role("option")


def total(page, number):
    """Expect the list to say how many threads there are."""
    expect(page.locator("#list-count")).to_have_text(re.compile(rf"^{number:,} threads?\b"))


def test_a_search_finds_what_is_not_loaded(page):
    total(page, COUNT + 2)
    search(page, "NEEDLE3x")
    total(page, 1)
    expect(page.get_by_role("status").filter(has_text="1 thread found")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(threads(page, "Seeded 3").get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Seeded 3")).to_be_focused()
    expect(page.locator("#topic-group")).to_have_text("group-1")
    search(page, "no such words")
    expect(page.get_by_role("heading", name="No thread matches")).to_be_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    total(page, COUNT + 2)


def test_threads_are_filtered_by_group_source_severity_and_unread(page):
    page.get_by_role("combobox", name="Source", exact=True).select_option("Alertmanager")
    total(page, 1)
    expect(page.locator("#threads .origin")).to_have_text("critical Alertmanager · Demo group")
    page.get_by_role("combobox", name="Source", exact=True).select_option("All sources")
    page.get_by_role("combobox", name="Severity").select_option("critical")
    total(page, 1)
    group_button(page, NAMES[2]).click()
    total_is_empty = page.get_by_role("heading", name="No thread matches")
    expect(total_is_empty).to_be_visible()
    page.get_by_role("combobox", name="Severity").select_option("Any severity")
    total(page, 1)


def test_unread_is_counted_by_group_toggled_and_ended_for_all_that_are_found(page):
    group = group_button(page, NAMES[0])
    expect(group).to_have_accessible_name(re.compile(r"group-0 1,000 unread|group-0 999 unread"))
    search(page, "needle190")
    total(page, 11)
    page.get_by_role("button", name="Mark all read").click()
    expect(page.locator("#list-count")).to_have_text("11 threads")
    unread = page.get_by_role("searchbox", name="Search threads")
    unread.press("Escape")
    page.get_by_text("Unread", exact=True).click()
    expect(threads(page, "Seeded 1903")).to_have_count(0)
    row = threads(page, "Seeded 1999").get_by_role("button")
    row.click()
    # The open thread stays in the list of unread ones.
    expect(row).not_to_contain_text("Unread.")
    page.keyboard.press("m")
    expect(row).to_contain_text("Unread.")
    expect(page.get_by_role("button", name="Mark as read", exact=True)).to_be_visible()
    page.keyboard.press("j")
    expect(threads(page, "Seeded 1998").get_by_role("button")).to_be_focused()
    page.reload()
    expect(row).to_contain_text("Unread.")


def test_more_threads_are_loaded_as_one_scrolls(page):
    items = page.locator("#threads li")
    expect(items).to_have_count(100)
    expect(page.locator("#list-rest")).to_have_text("1,902 older ones: scroll down")
    items.last.scroll_into_view_if_needed()
    expect(items).to_have_count(200)
    expect(items.last).to_have_attribute("aria-setsize", f"{COUNT + 2}")
    items.first.get_by_role("button").focus()
    page.keyboard.press("End")
    expect(items).to_have_count(300)
    page.keyboard.press("j")
    expect(items.nth(200).get_by_role("button")).to_be_focused()


def test_sending_selects_the_new_thread_and_errors_stay_until_the_next_attempt(page):
    group_button(page, NAMES[0]).click()
    open_send_panel(page)
    find = page.get_by_role("combobox", name="Find a sample")
    find.click()
    expect(samples(page).first).to_have_text("GitHub push")
    find.fill("uptime kuma down")
    expect(samples(page)).to_have_count(1)
    find.press("Enter")
    expect(page.get_by_role("combobox", name="Sample", exact=True)).to_have_value("monitor.down.json")
    find.fill("github issues opened")
    find.press("Enter")
    expect(page.get_by_role("textbox", name="Event")).to_have_value("issues")
    error = page.get_by_role("alert").filter(has_text="plain ASCII")
    send(page, issue("opened", 802), "Ereignis ä")
    expect(error).to_be_visible()
    expect(error).to_have_class("failure")
    expect(rows(page, "801")).to_have_count(1)
    expect(error).to_be_visible()
    send(page, issue("opened", 802))
    expect(page.get_by_role("heading", name="The pump runs dry 802")).to_be_visible()
    expect(error).to_be_hidden()
    expect(page.locator("#sent")).to_have_text("202: accepted, 1 entry queued. Posted in Demo group.")
    current = page.locator("#threads button[aria-current=true]")
    expect(current).to_contain_text("The pump runs dry 802")
    send(page, "no payload of an issue", "issues")
    expect(page.get_by_role("alert").filter(has_text="400")).to_be_visible()


def test_the_reading_pane_keeps_its_width_beside_the_send_panel(window, stack):
    with opening(window, stack, SMALL) as page:
        reading = page.locator("#reading")
        before = reading.bounding_box()
        open_send_panel(page)
        assert reading.bounding_box() == before
        page.get_by_role("button", name="Close").click()
        expect(page.get_by_role("button", name="Send a sample")).to_be_focused()


@needs_axe
def test_axe_finds_nothing_in_search_samples_and_errors(window, stack):
    with opening(window, stack, PHONE) as page:
        search(page, "no such words")
        expect(page.get_by_role("heading", name="No thread matches")).to_be_visible()
        check_accessibility(page)
        page.get_by_role("button", name="Clear search and filters").click()
        page.get_by_role("combobox", name="Severity").select_option("critical")
        total(page, 1)
        open_send_panel(page)
        send(page, issue("opened"), "ä")
        expect(page.locator("#sent-error")).to_contain_text("plain ASCII")
        page.get_by_role("combobox", name="Find a sample").click()
        expect(samples(page).first).to_be_visible()
        check_accessibility(page)


def restart(stack, **settings):
    """Start the bridge of a stack that was killed again, at the same address."""
    port = stack.address.rpartition(":")[2]
    stack.process = start(stack.folder, **stack.settings | settings | {"PORT": port}).process


def test_the_page_recovers_and_wrong_settings_are_red_at_the_top(window, stack):
    with opening(window, stack, DESKTOP) as page:
        thread = threads(page, "The pump runs dry 801")
        expect(thread).to_have_count(1)
        stack.kill()
        gone = page.get_by_role("alert").filter(has_text="The bridge has not answered since")
        expect(gone).to_contain_text(re.compile(r"since \d+:\d\d:\d\d, and what is shown here is as old as that"))
        expect(page.locator("body")).to_have_class("stale")
        expect(thread).to_have_count(1)
        if AXE.is_file():
            check_accessibility(page, [(DESKTOP, "light")])
        page.get_by_role("button", name="Send a sample").click()
        error = page.get_by_role("alert").filter(has_text="The samples cannot be loaded")
        expect(error).to_contain_text("start it again")
        restart(stack, BRIDGE_GROUP="nobody", BRIDGE_SETTLE_SECONDS="soon")
        wrong = page.get_by_role("alert").filter(has_text="every webhook is answered with 503")
        expect(wrong.get_by_role("listitem")).to_have_count(2)
        expect(wrong).to_contain_text("BRIDGE_GROUP is not a group's object id")
        expect(wrong).to_contain_text("BRIDGE_SETTLE_SECONDS")
        expect(wrong).to_contain_text("restart the bridge")
        expect(gone).to_be_hidden()
        # What there is not while the settings are wrong, and what never is.
        for address in ("#deliveries", "#deliveries/%", "#constructor", "#conversations"):
            page.evaluate("address => location.hash = address", address)
            expect(thread).to_be_visible()
        if AXE.is_file():
            check_accessibility(page, [(DESKTOP, "light")])
        stack.kill()
        restart(stack)
        expect(page.get_by_role("status").filter(has_text="Live")).to_have_count(1)
        expect(wrong).to_be_hidden()
        expect(error).to_be_hidden()
        send(page, issue("opened", 804))
        expect(page.get_by_role("heading", name="The pump runs dry 804")).to_be_visible()
        expect(page.locator("body")).not_to_have_class("stale")
        expect(page.get_by_role("button", name="Learn a source")).to_be_visible()
