"""The moving picture of the README: webhooks on the left, and the thread that they become on the right."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from bridge.sources import SOURCES
from tests.local_stack import GROUPS, environment, running

ROOT = Path(__file__).parent.parent
SIZE = 1200, 600  # of the picture, two thirds of what is taken
PAGE, STRIP = 1380, 420  # widths on the screen
# sample, fields of it that the picture shows, a text of the post that it becomes
STEPS = (
    ("pull_request.opened", ("action", "number", "pull_request.title", "sender.login"), "opened"),
    ("pull_request_review.submitted", ("action", "review.state", "review.body", "sender.login"), "approved"),
    ("pull_request.closed", ("action", "number", "pull_request.merged", "sender.login"), "merged"),
)
_SCENE = """<!doctype html><style>
body { margin: 0; display: flex; height: 100vh; background: #f3f2f1; overflow: hidden }
pre { box-sizing: border-box; flex: none; width: 420px; margin: 0; padding: 40px 26px; color: #323130;
  white-space: pre-wrap; overflow-wrap: anywhere; font: 18px/28px 'Cascadia Mono', 'DejaVu Sans Mono', monospace }
b { color: #0f6cbd } i { color: #0b6a0b; font-style: normal; font-weight: 700 }
img { height: 100vh; border-left: 1px solid #d2d0ce }</style>"""


def take(browser: Browser, folder: Path, path: Path) -> None:
    """Write the picture. folder: for the files of the bridge that is run for it."""
    config = f'[groups]\nplatform = "{GROUPS["group-1"]}"\n'
    with running(folder, BRIDGE_CONFIG=config, BRIDGE_GROUP="platform", BRIDGE_SETTLE_SECONDS="0") as stack:
        context = browser.new_context(
            viewport={"width": PAGE, "height": 900}, color_scheme="light", locale="en-GB", reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto(stack.address)
        expect(page.locator("#thread-source")).to_contain_text("All sources")
        frames = [(_still(browser, left, right), length) for left, right, length in _frames(page, stack.address)]
        context.close()
    path.write_bytes(animated(frames, *SIZE))


def _frames(page: Page, address: str) -> Iterator[tuple[str, bytes, int]]:
    """Each with what stands on the left, the page on the right, and its length in milliseconds."""
    shown = page.screenshot(animations="disabled")
    for number, (sample, names, text) in enumerate(STEPS):
        webhook = _webhook(sample, names)
        yield webhook, shown, 1600
        command = [sys.executable, "-m", "bridge", "send", "github", sample]
        port = address.rpartition(":")[2]
        subprocess.run(command, cwd=ROOT, env=environment(PORT=port), check=True, capture_output=True)
        if number == 0:
            page.locator("#threads li").filter(has_text="#12 Stop the pump").get_by_role("button").click(timeout=30_000)
        frames = page.locator("#posts iframe")
        expect(frames).to_have_count(number + 1, timeout=30_000)
        expect(frames.nth(number).content_frame.locator("body")).to_contain_text(text, timeout=30_000)
        frames.nth(number).evaluate("(frame) => frame.parentElement.scrollIntoView()")
        page.mouse.move(0, 0)
        shown = page.screenshot(animations="disabled")
        yield f"{webhook}\n\n<i>202 Accepted</i>", shown, 4000 if number == len(STEPS) - 1 else 2400


def _webhook(sample: str, names: Sequence[str]) -> str:
    payload = json.loads((SOURCES["github"].samples / f"{sample}.json").read_text("utf-8"))
    shown: dict[str, Any] = {}
    for name in names:
        value, place = payload, shown
        *outer, last = name.split(".")
        for key in outer:
            value, place = value[key], place.setdefault(key, {})
        place[last] = value[last]
    head = (
        f"<b>POST</b> /api/webhooks/github\nX-GitHub-Event: {sample.partition('.')[0]}\nX-Hub-Signature-256: sha256=…"
    )
    return f"{head}\n\n{escape(json.dumps(shown, indent=1, ensure_ascii=False), quote=False)}"


def _still(browser: Browser, left: str, right: bytes) -> bytes:
    """A frame as WebP."""
    page = browser.new_page(viewport={"width": PAGE + STRIP, "height": 900})
    page.set_content(f"{_SCENE}<pre>{left}</pre><img src='data:image/png;base64,{b64encode(right).decode()}'>")
    found = page.evaluate(
        "async ([source, size]) => { const image = new Image(); image.src = source; await image.decode();"
        " const canvas = document.createElement('canvas'); canvas.width = size[0]; canvas.height = size[1];"
        " canvas.getContext('2d', {alpha: false}).drawImage(image, 0, 0, ...size);"
        " return canvas.toDataURL('image/webp', 0.75); }",
        [f"data:image/png;base64,{b64encode(page.screenshot()).decode()}", SIZE],
    )
    page.close()
    return b64decode(found.partition(",")[2])


def animated(frames: Sequence[tuple[bytes, int]], width: int, height: int) -> bytes:
    """One WebP of several, each with its length: https://developers.google.com/speed/webp/docs/riff_container."""
    canvas = _number(width - 1) + _number(height - 1)
    chunks = [_chunk(b"VP8X", b"\x02\0\0\0" + canvas), _chunk(b"ANIM", b"\xff\xff\xff\xff\0\0")]
    for still, length in frames:
        chunks.append(_chunk(b"ANMF", bytes(6) + canvas + _number(length) + b"\x02" + _pixels(still)))
    return _chunk(b"RIFF", b"WEBP" + b"".join(chunks))


def _pixels(still: bytes) -> bytes:
    """The chunk of a WebP that has its pixels; a frame has no other one."""
    place = 12
    while place < len(still):
        size = int.from_bytes(still[place + 4 : place + 8], "little")
        if still[place : place + 4] in {b"VP8 ", b"VP8L"}:
            return still[place : place + 8 + size + size % 2]
        place += 8 + size + size % 2
    raise ValueError("The picture has no pixels.")


def _number(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)
