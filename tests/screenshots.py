"""Take the pictures for the docs with a headless Chromium: `make screenshots`."""

import shutil
import subprocess
import sys
import tempfile
from base64 import b64decode, b64encode
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from bridge.publishing.digests import digest_html
from bridge.publishing.stories import post_html
from tests import moving_picture
from tests.local_stack import GROUPS, environment, running
from tools import look_pictures
from tools.look_page import POSTS, entries, story

ROOT = Path(__file__).parent.parent
DARK = (ROOT / "bridge/local/page/static/dark.js").read_text().replace("export function", "function")
# file: (width of a post's frame, columns, dark)
SHEETS = {
    "posts.png": (632, 2, False),
    "posts-dark.png": (632, 2, True),
    "posts-phone.png": (375, 4, False),
    "posts-phone-dark.png": (375, 4, True),
}
# file: (width of a post's frame, pairs in a row, dark); twelve posts before and after
PAIRS = {
    "look.webp": (616, 1, False),
    "look-dark.webp": (616, 1, True),
    "look-phone.webp": (360, 2, False),
}
# file, size of the window, colours
PAGES = (
    ("page.png", 1440, 900, "light"),
    ("page-dark.png", 1440, 900, "dark"),
    ("page-phone.png", 375, 740, "light"),
    ("page-phone-dark.png", 375, 740, "dark"),
)


def posts() -> list[str]:
    """Nine cards, and their digest."""
    shown = entries()
    return [*(entry.html for entry in shown), digest_html(shown, {"github": "GitHub"})]


def sheet(browser: Browser, path: Path, width: int, columns: int, dark: bool) -> None:
    """Picture all posts side by side, each in a frame as wide as a reader's window."""
    page = browser.new_page(viewport={"width": columns * (width + 24) + 24, "height": 900}, device_scale_factor=1)
    page.set_content(
        f"<!doctype html><style>body {{ margin: 24px; columns: {columns}; column-gap: 24px }}"
        f"html {{ background: {'#1b1a19' if dark else '#faf9f8'} }}"
        f"iframe {{ display: block; width: {width}px; border: 0; margin: 0 0 24px; break-inside: avoid }}</style>"
    )
    for html in posts():
        body = (
            f'<body style="margin:16px;background:#ffffff;color:#201f1e;font-family:Calibri,Carlito,sans-serif">{html}'
        )
        page.evaluate(
            "(html) => { const frame = document.createElement('iframe'); frame.srcdoc = '<!doctype html>' + html;"
            " document.body.append(frame); return new Promise((done) => { frame.onload = done; }); }",
            body,
        )
    page.evaluate(
        f"(dark) => {{ {DARK} for (const frame of document.querySelectorAll('iframe')) {{"
        " const inside = frame.contentDocument; if (dark) darken(inside);"
        " frame.style.height = `${inside.documentElement.offsetHeight}px`; } }",
        dark,
    )
    page.screenshot(path=path, full_page=True)
    page.close()


def post(browser: Browser, path: Path) -> None:
    """Picture one post: a merged pull request, with who approved it and how it came about."""
    steps = ("pull_request.opened", "pull_request_review.submitted", "pull_request.closed")
    html = post_html(story([f"github/{step}" for step in steps]))
    page = browser.new_page(viewport={"width": 660, "height": 200}, device_scale_factor=2)
    page.set_content(f"<!doctype html><body style='margin:24px 30px;background:#faf9f8'>{html}")
    page.screenshot(path=path, full_page=True)
    page.close()


def pairs(browser: Browser, path: Path, width: int, columns: int, dark: bool) -> None:
    """Picture each post beside what it was, in frames as wide as a reader's window."""
    window = columns * 2 * (width + 16) + 16
    page = browser.new_page(viewport={"width": window, "height": 900}, device_scale_factor=1)
    ground, ink = ("#1b1a19", "#faf9f8") if dark else ("#faf9f8", "#201f1e")
    page.set_content(
        f"<!doctype html><style>body {{ margin: 16px; display: grid; gap: 8px 16px; align-items: start;"
        f" grid-template-columns: repeat({2 * columns}, {width}px) }}"
        f"html {{ background: {ground}; color: {ink}; font: 600 15px Calibri, Carlito, sans-serif }}"
        "iframe { display: block; width: 100%; border: 0; margin: 4px 0 12px }</style>"
    )
    shown = [
        (f"{name}{after}", html)
        for name, two in look_pictures.posts().items()
        for after, html in zip((": before", ": now"), two, strict=True)
    ]
    for title, html in shown:
        body = (
            f'<body style="margin:8px;background:#ffffff;color:#201f1e;font-family:Calibri,Carlito,sans-serif">{html}'
        )
        page.evaluate(
            "([title, html]) => { const cell = document.createElement('div'); cell.textContent = title;"
            " const frame = document.createElement('iframe'); frame.srcdoc = '<!doctype html>' + html;"
            " cell.append(frame); document.body.append(cell);"
            " return new Promise((done) => { frame.onload = done; }); }",
            [title, body],
        )
    page.evaluate(
        f"(dark) => {{ {DARK} for (const frame of document.querySelectorAll('iframe')) {{"
        " const inside = frame.contentDocument; if (dark) darken(inside);"
        " frame.style.height = `${inside.documentElement.offsetHeight}px`; } }",
        dark,
    )
    path.write_bytes(as_webp(browser, page.screenshot(full_page=True)))
    page.close()


def inbox(browser: Browser, path: Path) -> None:
    """Picture forty threads as Outlook lists them: sender and time, topic, and the beginning of the text."""
    page = browser.new_page(viewport={"width": 760, "height": 900}, device_scale_factor=1)
    line = "<div class=%s>%s</div>"
    rows = [
        '<div class="row">'
        + line % ("sender", f"{escape(row.sender)}<span>{row.time:%H:%M}</span>")
        + line % ("topic", escape(row.topic))
        + line % ("preview", escape(row.preview))
        + "</div>"
        for row in look_pictures.inbox()
    ]
    page.set_content(
        "<!doctype html><style>body { margin: 0; font: 14px/20px 'Segoe UI', Carlito, sans-serif; color: #201f1e }"
        ".row { padding: 7px 16px; border-bottom: 1px solid #edebe9 } .row > div { white-space: nowrap;"
        " overflow: hidden; text-overflow: ellipsis } .sender { font-size: 13px; color: #484644 }"
        " span { float: right; color: #605e5c } .topic { font-weight: 600 } .preview { color: #605e5c }</style>"
        + "".join(rows)
    )
    page.screenshot(path=path, full_page=True)
    page.close()


def as_webp(browser: Browser, picture: bytes) -> bytes:
    """The picture in a format that takes a third of the room."""
    page = browser.new_page()
    found = page.evaluate(
        "async (source) => { const image = new Image(); image.src = source; await image.decode();"
        " const canvas = document.createElement('canvas'); canvas.width = image.width; canvas.height = image.height;"
        " canvas.getContext('2d').drawImage(image, 0, 0); return canvas.toDataURL('image/webp', 0.7); }",
        f"data:image/png;base64,{b64encode(picture).decode()}",
    )
    page.close()
    return b64decode(found.partition(",")[2])


def page_of_run(browser: Browser, folder: Path) -> None:
    """Picture the page of `make run` after a busy minute, in both widths, light and dark."""
    config = f'[groups]\nplatform = "{GROUPS["group-1"]}"\n'
    with running(folder, BRIDGE_CONFIG=config, BRIDGE_GROUP="platform", BRIDGE_SETTLE_SECONDS="1") as stack:
        for name in (*POSTS, "datadog/monitor.triggered", "azure_devops/git.pullrequest.created", "updown/check.down"):
            command = [sys.executable, "-m", "bridge", "send", *name.split("/")]
            port = stack.address.rpartition(":")[2]
            subprocess.run(command, cwd=ROOT, env=environment(PORT=port), check=True, capture_output=True)
        for file, width, height, scheme in PAGES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB"
            )
            page = context.new_page()
            page.goto(stack.address)
            if width > 1000:
                page.get_by_role("button", name="Send a sample").click()
            thread = page.locator("#threads li").filter(has_text="#12 Stop the pump").get_by_role("button")
            expect(thread).to_have_count(1, timeout=30_000)
            thread.click()
            frame = page.frame_locator("#posts iframe").first.locator("body")
            expect(frame).to_contain_text("Stop the pump", timeout=30_000)
            page.mouse.move(0, 0)
            page.screenshot(path=ROOT / "docs" / file, animations="disabled")
            context.close()


def main() -> int:
    """Take all pictures; return 1 if there is no browser."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        print("No Chromium or Chrome was found: no pictures were taken.", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for name, (width, columns, dark) in SHEETS.items():
            sheet(browser, ROOT / "docs" / name, width, columns, dark)
        for name, (width, columns, dark) in PAIRS.items():
            pairs(browser, ROOT / "docs" / name, width, columns, dark)
        inbox(browser, ROOT / "docs/inbox.png")
        post(browser, ROOT / "docs/post.png")
        with tempfile.TemporaryDirectory() as folder:
            page_of_run(browser, Path(folder) / "run")
            moving_picture.take(browser, Path(folder) / "moving", ROOT / "docs/webhook-to-thread.webp")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
