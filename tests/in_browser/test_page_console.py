"""The page over a deployed app's storage in a real browser, as `console` serves it."""

import pytest
from playwright.sync_api import expect

from tests.azurite import needs_azurite
from tests.browser import in_browser, opening
from tests.local_stack import running
from tests.test_console import CONFIG, PLATFORM, account  # noqa: F401  a fixture

pytestmark = [*in_browser, needs_azurite]


@pytest.fixture
def settings(account):  # noqa: F811
    return {"AzureWebJobsStorage": account, "BRIDGE_CONFIG": CONFIG, "BRIDGE_GROUP": "platform"}


def test_a_read_only_page_lists_deliveries_and_has_no_button_that_acts(window, tmp_path, settings):
    with running(tmp_path, "bridge console", **settings) as console, opening(window, console) as page:
        rows = page.locator("#deliveries-rows button")
        expect(rows).to_have_count(1)
        rows.click()
        expect(page.get_by_role("region", name="Delivery", exact=True)).to_contain_text("Wrong secret.")
        expect(page.get_by_text("Read-only")).to_be_visible()
        for absent in ("Conversations", "Routes & templates"):
            expect(page.get_by_role("link", name=absent)).to_be_hidden()
        page.get_by_role("link", name="Dead letters").click()
        expect(page.locator("#view-dead-letters")).to_contain_text("400: bad")
        page.get_by_role("link", name="Groups").click()
        expect(page.locator("#view-groups")).to_contain_text("platform")
        expect(page.get_by_role("button", name="Requeue")).to_have_count(0)
        expect(page.get_by_role("button", name="Resend")).to_have_count(0)
        expect(page.get_by_role("button", name="Send a sample")).to_be_hidden()


def test_without_the_settings_of_the_app_nothing_is_said_of_its_routes(window, tmp_path, settings):
    unknown = {**settings, "BRIDGE_CONFIG": "", "BRIDGE_GROUP": ""}
    with running(tmp_path, "bridge console", **unknown) as console, opening(window, console) as page:
        expect(page.get_by_text("The app's settings are not known here")).to_be_visible()
        page.get_by_role("link", name="Groups").click()
        groups = page.locator("#view-groups")
        expect(groups).to_contain_text(PLATFORM)
        for text in ("not in the settings", "No route leads to it"):
            expect(groups).not_to_contain_text(text)


def test_with_write_a_dead_letter_is_requeued(window, tmp_path, settings):
    with running(tmp_path, "bridge console --write", **settings) as console, opening(window, console) as page:
        expect(page.get_by_text("Read and write")).to_be_visible()
        page.get_by_role("link", name="Dead letters").click()
        page.get_by_role("button", name="Requeue: ").click()
        expect(page.locator("#view-dead-letters")).not_to_contain_text("400: bad")
        assert console.get("/page/dead-letters").json()["total"] == 0
