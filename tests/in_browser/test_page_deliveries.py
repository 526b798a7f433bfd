"""Deliveries, dead letters and groups on the page of `make run`, in a real browser."""

import re
import time

import pytest
from playwright.sync_api import expect

from bridge.deliveries import DeliveryRecord, Outcome, record_id
from bridge.outbox.rows import Hold
from tests.browser import (
    PHONE,
    check_accessibility,
    in_browser,
    needs_axe,
    opening,
    press,
)
from tests.local_stack import NAMES, SECRET, issue, running

GROUP = "00000000-0000-4000-8000-0000000000d0"
NOWHERE = "00000000-0000-4000-8000-0000000000d7"
WRONG = "wrong-secret-of-nobody"

pytestmark = in_browser


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("deliveries"), BRIDGE_GROUP=GROUP, BRIDGE_CONFIG=CONFIG) as stack:
        yield stack


CONFIG = f"""
[groups]
{NAMES[0]} = "{GROUP}"

[[route]]
when = "kind == 'issues.labeled'"
groups = []
"""


@pytest.fixture(scope="module")
def opened(window, stack):
    with opening(window, stack) as page:
        page.get_by_role("link", name="Deliveries", exact=True).click()
        yield page


@pytest.fixture
def page(opened, stack):
    """The page of all tests of this file, which begins with all deliveries."""
    opened.evaluate("for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close()")
    opened.goto(f"{stack.address}/#deliveries")
    return opened


def search(page, text):
    page.get_by_role("searchbox", name="Search deliveries").fill(text)


def found(page, text):
    return page.locator("#deliveries-rows button").filter(has_text=text)


def story(page):
    return page.get_by_role("region", name="Delivery", exact=True)


def post(page):
    return page.frame_locator("#delivery iframe").first.locator("body")


def test_a_search_that_has_just_been_typed_does_not_lead_back_to_the_list(page):
    page.evaluate("""() => {
        const field = document.querySelector("#deliveries-filter [name=text]");
        field.value = "dry";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        location.hash = "#conversations";
    }""")
    page.wait_for_timeout(700)
    assert page.url.endswith("#conversations")


def test_a_refused_a_dropped_an_ignored_and_an_accepted_webhook_are_found_and_explained(page, stack):
    stack.send("issues", issue("opened", 910555551), secret=WRONG, delivery="refused-910555551")
    stack.send("issues", issue("labeled", 910555552, label={"name": "bug"}))
    stack.send("ping", {"zen": "Dry.", "hook_id": 910555553}, delivery="ignored-910555553")
    stack.send("issues", issue("opened", 910555554))
    search(page, "refused-910555551")
    row = found(page, "refused")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("401: The signature in X-Hub-Signature-256 does not match this body")
    row.click()
    expect(story(page)).to_contain_text("nobody was authenticated as its sender")
    search(page, "dry 910555552")
    found(page, "dropped").click()
    expect(story(page)).to_contain_text("route 1 drops it: kind == 'issues.labeled'")
    expect(story(page).get_by_role("row", name="drops it")).to_contain_text("kind = issues.labeled")
    expect(post(page)).to_contain_text("added label")
    search(page, "ignored-910555553")
    found(page, "ignored").click()
    expect(story(page)).to_contain_text("GitHub's ping")
    search(page, "dry 910555554")
    expect(found(page, "posted")).to_have_count(1)
    found(page, "posted").click()
    expect(story(page)).to_contain_text("by HMAC-SHA256 in X-Hub-Signature-256")
    expect(story(page).get_by_role("region", name="Body")).to_contain_text('"number": 910555554')
    expect(post(page)).to_contain_text("The pump runs dry 910555554")
    page.get_by_role("button", name="Open the conversation").click()
    expect(page.get_by_role("heading", name="The pump runs dry 910555554")).to_be_visible()
    page.go_back()
    expect(story(page)).to_contain_text("by HMAC-SHA256")
    page.reload()
    expect(found(page, "910555554")).to_have_attribute("aria-current", "true")
    expect(story(page)).to_contain_text("by HMAC-SHA256")


def test_new_ones_appear_and_the_selected_one_stays(page, stack):
    stack.send("issues", issue("opened", 920555551))
    found(page, "920555551").click()
    expect(story(page)).to_contain_text("920555551")
    stack.send("issues", issue("opened", 920555552))
    expect(found(page, "920555552")).to_have_count(1)
    expect(page.locator("#deliveries-rows button").first).to_contain_text("920555552")
    expect(found(page, "920555551")).to_be_focused()
    expect(page.locator("#delivery-title")).to_have_text("The pump runs dry 920555551 #920555551")


def test_a_webhook_is_resent_as_news(page, stack):
    stack.send("issues", issue("opened", 930555551))
    search(page, "dry 930555551")
    found(page, "930555551").click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as cURL").click()
    expect(page.locator("#delivery-status")).to_contain_text("Copied")
    command = page.evaluate("navigator.clipboard.readText()")
    assert "$BRIDGE_GITHUB_SECRET" in command
    assert SECRET not in command
    page.get_by_role("button", name="Resend", exact=True).click()
    expect(page.locator("#delivery-status")).to_have_text("Resent: 1 entry is queued.")
    expect(story(page)).to_contain_text("a person, who resent")
    expect(found(page, "930555551")).to_have_count(2)
    expect(story(page).locator(".entry .pill")).to_have_text("posted")


def test_a_webhook_is_edited_beside_its_post_and_resent(page, stack):
    stack.send("issues", issue("opened", 931555551))
    search(page, "dry 93")
    found(page, "dry 931555551").click()
    page.get_by_role("button", name="Edit and resend").click()
    editor = page.get_by_role("dialog", name="Edit and resend")
    body, preview = editor.get_by_role("textbox", name="Body"), page.frame_locator("#edit-posts iframe").locator("body")
    expect(preview).to_contain_text("The pump runs dry 931555551")
    written = body.input_value()
    body.fill(written[:-3])
    expect(editor.get_by_role("alert")).to_contain_text("The body was JSON and is not any more")
    expect(editor.get_by_role("button", name="Send")).to_be_disabled()
    body.fill(written.replace("931555551", "931555552"))
    expect(preview).to_contain_text("The pump runs dry 931555552")
    editor.get_by_role("button", name="Send").click()
    expect(page.locator("#delivery-status")).to_have_text("Sent: answered with 202. 1 entry is queued.")
    expect(page.get_by_role("heading", name="The pump runs dry 931555552 #931555552", exact=True)).to_be_visible()
    expect(story(page)).to_contain_text("by HMAC-SHA256")
    expect(story(page).locator(".entry .pill")).to_have_text("posted")


def test_two_webhooks_are_compared(page, stack):
    stack.send("issues", issue("opened", 932555551))
    stack.send("issues", issue("closed", 932555551))
    search(page, "dry 932555551")
    expect(page.locator("#deliveries-rows li")).to_have_count(2)
    found(page, "issues.closed").click()
    page.get_by_role("button", name="Compare with").click()
    dialog = page.get_by_role("dialog", name="Compare")
    dialog.get_by_role("searchbox", name="Search").fill("932555551")
    expect(dialog.get_by_role("combobox", name="With").locator("option")).to_have_count(1)
    expect(dialog.get_by_role("status")).to_have_text("1 difference.")
    expect(dialog.get_by_role("row", name="action")).to_have_text('action"closed""opened"')


def test_older_ones_are_read_a_page_at_a_time(page, stack):
    with stack.outbox() as outbox:
        for number in range(120):
            outbox.note_delivery(old(number))
    page.goto(f"{stack.address}/#deliveries?source=gitlab")
    expect(page.locator("#deliveries-rows li")).to_have_count(50)
    for count in (100, 120):
        page.get_by_role("button", name="Show older").click()
        expect(page.locator("#deliveries-rows li")).to_have_count(count)
    expect(page.get_by_role("button", name="Show older")).to_be_hidden()
    expect(page.locator("#deliveries-note")).to_have_text("120 deliveries")


def old(number):
    at = time.time() - 86400 - number
    return DeliveryRecord(record_id(at, f"{number:05x}"), at, "gitlab", Outcome.IGNORED, 200, f"Old {number}")


def test_all_dead_letters_are_requeued(page, stack):
    page.request.post(f"{stack.address}/page/faults", data={"fault": {"kind": "400"}, "mode": "on"})
    for number in (940555551, 940555552, 940555553):
        stack.send("issues", issue("opened", number))
    badge = page.locator("#dead-count")
    expect(badge).to_have_text("3")
    page.request.post(f"{stack.address}/page/faults", data={"fault": {"kind": "400"}, "mode": "off"})
    page.get_by_role("link", name="Dead letters").click()
    letter = page.locator("#dead-letters-rows li").filter(has_text="940555552")
    expect(letter).to_contain_text("Graph answered 400")
    expect(letter).to_contain_text("What helps: Correct the event's template")
    letter.get_by_text("Details").click()
    expect(letter.frame_locator("iframe").locator("body")).to_contain_text("The pump runs dry 940555552")
    page.get_by_role("button", name="Requeue all").click()
    expect(page.locator("#dead-letters-note")).to_have_text("3 of 3 requeued.")
    expect(page.locator("#dead-letters-empty")).to_be_visible()
    expect(badge).to_be_empty()
    # The list has followed by then, and what came of it is still to be read.
    expect(page.locator("#dead-letters-note")).to_have_text("3 of 3 requeued.")


def test_a_group_on_hold_has_its_reason_and_is_examined(page, stack):
    with stack.outbox() as outbox:
        outbox.set_wait(NOWHERE, Hold(time.time() + 600, "Graph refuses it.", time.time()))
    page.get_by_role("link", name="Groups").click()
    group = page.locator("#groups-rows > li").filter(has_text=NAMES[0])
    expect(group).to_contain_text("BRIDGE_GROUP: what no route takes")
    group.get_by_role("button", name="Ask the doctor").click()
    expect(group).to_contain_text("its threads can be read")
    held = page.locator("#groups-rows > li").filter(has_text=NOWHERE)
    expect(held).to_contain_text("Graph refuses it.")
    expect(held).to_contain_text("No route leads to it.")


def test_the_views_work_without_a_mouse(page, stack):
    for number in (950555551, 950555552):
        stack.send("issues", issue("opened", number))
    expect(found(page, "950555552")).to_have_count(1)
    press(page, "1")
    expect(page.locator("#view-conversations")).to_be_visible()
    press(page, "2", "/")
    box = page.get_by_role("searchbox", name="Search deliveries")
    expect(box).to_be_focused()
    box.fill("dry 95055555")
    expect(page.locator("#deliveries-rows li")).to_have_count(2)
    page.get_by_role("link", name="Deliveries", exact=True).focus()
    press(page, "j")
    expect(page.locator("#deliveries-rows button").first).to_be_focused()
    press(page, "j", "Enter")
    expect(page.locator("#delivery-title")).to_be_focused()
    expect(page.locator("#delivery-title")).to_contain_text("950555551")
    press(page, "u")
    expect(page.locator("#deliveries-rows button").nth(1)).to_be_focused()
    press(page, "3")
    expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()
    press(page, "4")
    expect(page.get_by_role("heading", name="Groups", exact=True)).to_be_visible()
    press(page, "?")
    expect(page.get_by_role("dialog", name="Help")).to_contain_text("next or previous delivery")


@needs_axe
def test_axe_finds_nothing_in_the_views_and_nothing_overflows(window, stack):
    stack.send("issues", issue("opened", 960555550))
    with opening(window, stack, PHONE) as page:
        page.get_by_role("link", name="Deliveries", exact=True).click()
        found(page, "960555550").first.click()
        expect(story(page)).to_contain_text("HMAC")
        check_accessibility(page)
        for name, ready in (("Edit and resend", "#edit-posts iframe"), ("Compare with", "#compare-note:not(:empty)")):
            page.get_by_role("button", name=name).click()
            expect(page.locator(ready)).to_have_count(1)
            check_accessibility(page)
            press(page, "Escape")
        for name in ("Dead letters", "Groups"):
            page.get_by_role("link", name=re.compile(name)).click()
            check_accessibility(page)
