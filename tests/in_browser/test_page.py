"""The page of `make run` in a real browser: reading mail, sending samples, and hostile posts that must not run."""

import json
import re

import pytest
import requests
from playwright.sync_api import expect

from tests.browser import (
    PHONE,
    check_accessibility,
    in_browser,
    listening,
    needs_axe,
    open_send_panel,
    opening,
    press,
    rows,
    send,
    threads,
)
from tests.graph_servers import answer, raw
from tests.local_stack import NAMES, ROOT, Stack, issue, running
from tests.test_hours_of_routes import NEVER

GROUP = "00000000-0000-4000-8000-0000000000d0"
SAMPLES = ROOT / "bridge/sources/github/samples"
POSTS = ".conversation:not(.waiting) article"

pytestmark = in_browser


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("page"), BRIDGE_GROUP=GROUP, BRIDGE_SETTLE_SECONDS="0.4") as stack:
        yield stack


@pytest.fixture
def page(window, stack):
    with opening(window, stack) as page:
        yield page


def shown_post(page, number=0):
    return page.frame_locator(f"{POSTS} iframe").nth(number).locator("body")


def test_a_sample_is_sent_and_arrives_unread(page, stack):
    port = stack.address.rpartition(":")[2]
    expect(page.locator("#send-command")).to_have_text(re.compile(f"^PORT={port} .*-m bridge send github"))
    open_send_panel(page)
    page.get_by_role("combobox", name="Sample", exact=True).select_option("release.published.json")
    expect(page.get_by_role("textbox", name="Event")).to_have_value("release")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#sent")).to_contain_text("202: accepted, 1 entry queued")
    expect(rows(page, "contoso/pump").first.locator(".pill")).to_have_text("sent")
    stack.send("issues", issue("opened", 501))
    arrived = threads(page, "The pump runs dry 501").get_by_role("button")
    expect(arrived).to_contain_text("Unread.")
    arrived.click()
    expect(arrived).not_to_contain_text("Unread.")
    expect(page.get_by_role("heading", name="The pump runs dry 501")).to_be_visible()
    expect(shown_post(page)).to_contain_text("The pump runs dry 501")


def test_an_ignored_webhook_shows_the_reason(page):
    open_send_panel(page)
    page.get_by_role("combobox", name="Sample", exact=True).select_option("ping.json")
    expect(page.get_by_role("textbox", name="Event")).to_have_value("ping")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#sent")).to_have_text(re.compile(r"200: GitHub's ping"))


def test_a_reply_appears_in_the_open_thread(page):
    open_send_panel(page)
    send(page, issue("opened", 502))
    threads(page, "The pump runs dry 502").get_by_role("button").click()
    expect(shown_post(page)).to_contain_text("The pump runs dry 502")
    expect(page.locator(POSTS)).to_have_count(1)
    frame = page.locator(f"{POSTS} iframe").element_handle()
    comment = {"user": {"login": "hubot"}, "body": "It is wet again", "html_url": "https://github.com/contoso/pump"}
    send(page, issue("created", 502, comment=comment), "issue_comment")
    expect(page.locator(POSTS)).to_have_count(2)
    expect(shown_post(page, 1)).to_contain_text("It is wet again")
    expect(threads(page, "The pump runs dry 502")).to_have_count(1)
    # The post that was being read is still in the same frame.
    assert frame.evaluate("frame => frame.isConnected")


def test_a_burst_becomes_a_digest(window, tmp_path):
    # On a bridge of its own: what others send afterwards would belong to this storm.
    settings = {"BRIDGE_GROUP": GROUP, "BRIDGE_SETTLE_SECONDS": "0.4", "BRIDGE_DIGEST_OVER": "3"}
    with running(tmp_path, **settings) as stack, opening(window, stack) as page:
        send_a_burst(page)


def send_a_burst(page):
    open_send_panel(page)
    page.get_by_role("textbox", name="Payload").fill(json.dumps(issue("opened", 600)))
    page.get_by_role("textbox", name="Event").fill("issues")
    page.get_by_role("spinbutton", name="Number of webhooks").fill("12")
    page.get_by_role("spinbutton", name="Seconds", exact=True).fill("0")
    page.get_by_role("button", name="Burst").click()
    expect(page.locator("#sent")).to_have_text("Sent 12 webhooks.")
    expect(page.locator("#burst-progress")).to_be_hidden()
    digest = page.locator("#threads li").filter(has_text="events")
    digest.first.get_by_role("button").click()
    expect(shown_post(page)).to_contain_text("The pump runs dry 600")
    label = re.compile(r"\d+ webhooks, \d+ to Graph.* in the last minute; at most \d+ webhooks? per second")
    expect(page.locator("#chart")).to_have_attribute("aria-label", label)


def test_a_dead_letter_shows_its_reason_and_is_requeued(page):
    open_send_panel(page)
    page.get_by_text("Make Graph fail").click()
    page.get_by_role("button", name="Once: Rejects the post").click()
    expect(page.locator("#faults-on")).to_have_text("1 on")
    send(page, issue("opened", 503))
    row = rows(page, "The pump runs dry 503")
    expect(row.locator(".pill")).to_have_text("dead")
    expect(row).to_contain_text("400")
    row.get_by_role("button", name="Requeue").click()
    expect(row.locator(".pill")).to_have_text("sent")
    row.get_by_role("button", name="The pump runs dry 503").click()
    expect(page.get_by_role("heading", name="The pump runs dry 503")).to_be_focused()


def test_a_switch_makes_graph_fail_until_it_is_off_and_the_outbox_counts_down(page):
    open_send_panel(page)
    page.get_by_text("Make Graph fail").click()
    page.get_by_role("spinbutton", name="Seconds of Retry-After").fill("2")
    switch = page.get_by_role("switch", name="Throttles requests")
    switch.check()
    send(page, issue("opened", 504))
    row = rows(page, "The pump runs dry 504")
    expect(row.locator(".pill")).to_have_text("deferred")
    expect(row.locator(".side")).to_have_text(re.compile("[12] s"))
    switch.uncheck()
    expect(row.locator(".pill")).to_have_text("sent")
    expect(page.locator("#faults-on")).to_be_empty()


def test_a_post_is_shown_as_text_as_source_with_its_webhook_and_at_phone_width(page, stack):
    open_send_panel(page)
    send(page, issue("opened", 505))
    threads(page, "The pump runs dry 505").get_by_role("button").click()
    reading = page.get_by_role("region", name="The pump runs dry 505")
    reading.get_by_text("Plain text").click()
    expect(page.get_by_role("region", name="Plain text")).to_contain_text("octocat opened")
    reading.get_by_text("HTML source").click()
    expect(page.get_by_role("region", name="HTML source")).to_contain_text("<table role=")
    reading.get_by_text("Webhook", exact=True).click()
    expect(page.locator(".raw pre")).to_contain_text('"number": 505')
    expect(page.locator(".raw pre")).to_contain_text("x-hub-signature-256: sha256=")
    reading.get_by_text("Post", exact=True).click()
    reading.get_by_text("Phone", exact=True).click()
    frame = page.locator(f"{POSTS} .phone iframe")
    expect(frame).to_have_css("width", "375px")
    reading.get_by_text("Dark", exact=True).click()
    expect(page.frame_locator(f"{POSTS} iframe").locator("body")).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    heading = page.frame_locator(f"{POSTS} iframe").get_by_text("The pump runs dry 505").last
    assert lightness(heading) > 70


def lightness(locator):
    """The lightness of the text's colour, from 0 to 100."""
    colour = locator.evaluate("node => getComputedStyle(node).color")
    assert colour.startswith("lab("), colour
    return float(colour[4:].split()[0])


# Hostile payloads and posts


def canary(url):
    steps = f"parent.document.title=document.title='ran';alert('ran');fetch('{url}')"
    return (
        f'"><script>{steps}</script><img src="{url}/img" onerror="{steps}"><svg onload="{steps}">'
        f'<link rel=stylesheet href="{url}/css"><iframe srcdoc="<script>{steps}</script>"></iframe>'
        f'<meta http-equiv=refresh content="0;url={url}/meta"><a href="javascript:{steps}">x</a>'
        f'<form action="{url}/form"><button autofocus onfocus="{steps}"></button></form>'
    )


def poisoned(value, text):
    """The value with the text added to every string except the action, which names the event."""
    if isinstance(value, dict):
        return {name: item if name == "action" else poisoned(item, text) for name, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, text) for item in value]
    return f"{value}{text}" if isinstance(value, str) else value


def test_nothing_of_a_hostile_payload_or_post_runs(page, stack):
    with (
        raw(answer(200)) as trap,
        listening(page, "dialog", lambda dialog: (dialog.message, dialog.dismiss())) as dialogs,
        listening(page, "requestfailed", lambda request: (request.url, request.failure)) as failed,
        listening(page, "requestfinished", lambda request: (request.url, "")) as finished,
    ):
        text = canary(trap.url)
        open_send_panel(page)
        for name in ("issues.opened", "pull_request.opened", "release.published"):
            send(page, poisoned(json.loads((SAMPLES / f"{name}.json").read_text()), text), name.partition(".")[0])
        send(page, issue("opened", 506) | {"action": text})
        # The bridge would never write this post; only the frame keeps it from running.
        start_thread(stack, f"Hostile {text}", f"<p>Seen</p>{text}")
        hostile = threads(page, "Hostile")
        expect(hostile).to_have_count(1)
        expect(rows(page, "<script>").first.locator(".pill")).to_have_text("sent")
        page.locator("#tools .toggle").click()
        for form in ("HTML source", "Plain text", "Post"):
            page.get_by_text(form, exact=True).click()
            for thread in page.locator("#threads li").filter(has_text="<script>").get_by_role("button").all():
                thread.click()
                expect(page.locator(".conversation.waiting")).to_have_count(0)
        hostile.get_by_role("button").click()
        expect(shown_post(page)).to_contain_text("Seen")
        expect(page).not_to_have_title("ran")
        assert page.locator("img, main svg:not(#chart), main [action], main link, script:not([src])").count() == 0
        assert dialogs == []
        # The policy blocks whatever a post tries to load before it is requested.
        assert {why for url, why in failed + finished if not url.startswith(stack.address)} <= {"csp"}
        assert trap.requests == []


def start_thread(stack: Stack, topic, html):
    token = stack.get(
        "/msi/token?api-version=2019-08-01&resource=https://graph.microsoft.com", headers={"X-IDENTITY-HEADER": "local"}
    ).json()["access_token"]
    post = {"body": {"contentType": "html", "content": html}}
    url = f"{stack.address}/graph/v1.0/groups/{GROUP}/threads"
    content = {"topic": topic, "posts": [post]}
    requests.post(url, json=content, headers={"Authorization": f"Bearer {token}"}, timeout=60).raise_for_status()


# Keyboard


def test_everything_works_without_a_mouse(page):
    accepted = []
    for _ in range(2):
        press(page, "c")
        expect(page.get_by_role("combobox", name="Find a sample")).to_be_focused()
        expect(page.locator("#payload")).not_to_have_value("")
        for _ in range(5):
            press(page, "Tab")
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_focused()
        with page.expect_response("**/page/send") as answered:
            press(page, "Enter")
        expect(page.locator("#sent")).to_contain_text("202")
        accepted += json.loads(answered.value.json()["answer"])["accepted"]
        press(page, "Escape")
        expect(page.get_by_role("button", name="Send a sample")).to_be_focused()
    # The order of the threads changes until everything is posted; the last webhooks may not be in the outbox yet.
    for entry in accepted:
        expect(page.locator(f'#rows [data-key="{entry}"] .pill')).to_have_text("sent")
    expect(page.locator("#rows li").filter(has_not_text="sent")).to_have_count(0)
    page.reload()
    expect(page.locator("#threads li").nth(1)).to_be_visible()
    press(page, "Tab")
    expect(page.get_by_role("link", name="Skip to the threads")).to_be_focused()
    press(page, "Enter", "Tab")
    expect(page.locator("#threads button").nth(0)).to_be_focused()
    for key, place in [("ArrowDown", 1), ("k", 0), ("j", 1), ("End", -1), ("Home", 0), ("ArrowUp", 0)]:
        press(page, key)
        current = page.locator("#threads button").nth(place)
        expect(current).to_be_focused()
        expect(current).to_have_attribute("aria-current", "true")
    press(page, "Enter")
    expect(page.locator("#topic")).to_be_focused()
    press(page, "u")
    expect(page.locator("#threads button").nth(0)).to_be_focused()
    press(page, "?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    press(page, "Escape")
    press(page, "o")
    expect(page.get_by_role("heading", name="Outbox")).to_be_focused()


# Groups, colours, sizes


def test_groups_have_their_threads_and_a_group_on_hold_is_shown(page, stack):
    held, fine = NAMES[1], NAMES[2]
    stack.wait_for_posts(fine, stack.send("issues", issue("opened", 507), group=fine))
    group = page.get_by_role("navigation", name="Groups").get_by_role("button", name=fine)
    group.click()
    expect(page.get_by_role("heading", name=fine)).to_be_visible()
    expect(threads(page, "The pump runs dry 507")).to_have_count(1)
    expect(page.locator("#threads li")).to_have_count(1)
    page.request.post(f"{stack.address}/page/faults", data={"fault": {"kind": "app-only-refused"}, "mode": "on"})
    stack.send("issues", issue("opened", 508), group=held)
    alert = page.get_by_role("alert").filter(has_text=f"{held} is on hold")
    expect(alert).to_contain_text("403")
    page.request.post(f"{stack.address}/page/faults", data={"fault": {"kind": "app-only-refused"}, "mode": "off"})
    expect(page.locator("#permissions")).to_have_text("All permissions")


def test_mistakes_are_shown_with_the_name_that_was_meant(window, tmp_path):
    with running(tmp_path, BRIDGE_GROUP=GROUP, BRIDGE_GITHUB_SECERT="hush") as stack, opening(window, stack) as page:
        mistakes = page.get_by_role("status", name="Mistakes in the configuration")
        expect(mistakes).to_have_text(
            "BRIDGE_GITHUB_SECERT is no setting of the bridge; did you mean `BRIDGE_GITHUB_SECRET`?"
        )
        expect(mistakes).not_to_contain_text("hush")


def test_what_waits_shows_until_when_and_is_released(window, tmp_path):
    config = f'{NEVER}[[route]]\nwhen = "true"\ngroups = ["{GROUP}"]\nhours = "office"\n'
    settings = {"BRIDGE_GROUP": GROUP, "BRIDGE_SETTLE_SECONDS": "0.4", "BRIDGE_CONFIG": config}
    with running(tmp_path, **settings) as stack, opening(window, stack) as page:
        open_send_panel(page)
        send(page, issue("opened", 506))
        row = rows(page, "The pump runs dry 506")
        expect(row.locator(".pill")).to_have_text("waiting")
        expect(row).to_contain_text("For the hours office. Until ")
        row.get_by_role("button", name="Release: ").click()
        expect(row.locator(".pill")).to_have_text("sent")
        expect(row.get_by_role("button", name="Release: ")).to_have_count(0)


# Withholds the answers to trials until `late` is called, which ends when the page has had them.
SLOW_TRIALS = """
    const real = window.fetch;
    const let_go = new Promise((done) => {
        window.late = async () => {
            window.fetch = real;
            done();
            await new Promise((next) => setTimeout(next, 50));
        };
    });
    window.fetch = async (...asked) => {
        const answer = await real(...asked);
        if (String(asked[0]).includes("trial")) await let_go;
        return answer;
    };
"""


def test_a_source_is_learned_from_what_came_and_edited_beside_its_post(page, stack):
    stack.wait_for_posts(NAMES[4], stack.send("issues", issue("opened", 8100), group=NAMES[4]))
    page.get_by_role("button", name="Learn a source").click()
    table, posts, problems = (page.locator(f"#learn-{name}") for name in ("table", "posts", "problems"))
    post = page.frame_locator("#learn-posts iframe").last.locator("body")
    expect(post).to_contain_text("The pump runs dry")
    expect(table).to_have_value(re.compile(r"\[sources\.own_github\.event\]"))
    table.fill("[sources.mine.event]\ntitle = \"'Mine: ' ~ item.issue.number\"")
    expect(post).to_contain_text("Mine: 8100")
    table.fill("[sources.mine.event]\ntitle = 'itm.issue'")
    expect(problems).to_contain_text("`title` has an unknown name 'itm'")
    expect(posts).to_have_class("stale")
    page.get_by_role("combobox", name="Received from").select_option("a payload that I paste")
    page.evaluate(SLOW_TRIALS)
    with page.expect_request("**/page/trial"):
        page.locator("#learn-webhooks textarea").fill('{"title": "<b>Pasted</b>", "severity": "error"}')
    page.get_by_role("button", name="Propose a form").click()
    expect(post).to_contain_text("<b>Pasted</b>")
    expect(page.locator("#learn-unsure")).to_contain_text("Not sure: No value is a state")
    expect(problems.locator("li")).to_have_count(0)
    # What was asked of the form before is answered only now.
    page.evaluate("late()")
    expect(page.locator("#learn-state")).to_be_empty()
    expect(problems.locator("li")).to_have_count(0)
    expect(posts).not_to_have_class("stale")


@needs_axe
def test_axe_finds_nothing_and_nothing_overflows(window, stack):
    stack.wait_for_posts(NAMES[3], stack.send("issues", issue("opened"), group=NAMES[3]))
    with opening(window, stack, PHONE) as page:
        group = page.get_by_role("navigation", name="Groups").get_by_role("button", name=NAMES[3])
        group.click()
        expect(page.locator("#list-title")).to_have_text(NAMES[3])
        check_accessibility(page)
        page.locator("#threads button").first.click()
        page.locator("#tools .toggle").click()
        expect(page.locator(".raw pre").first).to_contain_text("POST /api/webhooks/github")
        check_accessibility(page)
        page.get_by_role("button", name="Back").click()
        open_send_panel(page)
        page.get_by_text("Make Graph fail").click()
        check_accessibility(page)
        page.get_by_role("button", name="Help").click()
        check_accessibility(page)
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Learn a source").click()
        expect(page.locator("#learn-posts article").first).to_be_visible()
        check_accessibility(page)
