import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser import EXECUTABLE
from tests.local_stack import PATIENCE


@pytest.fixture(scope="package")
def window() -> Iterator[Page]:
    """A window of a browser, for all tests here: a new one takes another second of the processor, a browser two."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=arguments)
        context = browser.new_context(locale="en-GB", reduced_motion="reduce")
        context.set_default_timeout(PATIENCE * 1000)
        yield context.new_page()
        browser.close()
