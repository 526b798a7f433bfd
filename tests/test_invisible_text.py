"""What is not seen is not written: no name pretends to be another, and no words hide in a title."""

import json
import unicodedata

import pytest

from bridge.events import Webhook
from bridge.receiving.receiver import Receiver
from bridge.rendering.markdown import markdown
from bridge.rendering.renderer import Renderer
from bridge.rendering.text import one_line, visible
from bridge.sources import SOURCES
from tests.amounts import one_in
from tests.test_attacks import NOW, ROUTES, SAMPLES, everywhere

pytestmark = pytest.mark.wide

RENDERER = Renderer()
# Ours are places to wrap long words at.
RENDERER._environment.filters["joints"] = lambda text: text
RECEIVER = Receiver(SOURCES, {}, ROUTES, RENDERER, lambda: NOW)
HIDDEN = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2063\u2066\u2069\u206a\u061c\u034f\u115f\u180e\u3164\ufe0f\ufeff"
    "\uffa0\ufff9\xad\U000e0100\x00\x1b\x7f\x9b" + HIDDEN
)


@pytest.mark.parametrize("mark", INVISIBLE, ids=lambda mark: f"{ord(mark):04X}")
def test_what_is_not_seen_goes(mark: str) -> None:
    assert one_line(f"con{mark}toso", 100) == "contoso"
    assert "contoso</p>" in markdown(f"con{mark}toso", 100)
    assert ">contoso<" in markdown(f"[con{mark}toso](https://example.com)", 100)
    if unicodedata.category(mark) == "Cf":
        assert ">contoso<" in markdown(f"[con&#{ord(mark)};toso](https://example.com)", 100)
        assert ">contoso<" in markdown(f"![con{mark}toso](https://example.com)", 100)


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",  # a family
        "\U0001f469\U0001f3fd\u200d\U0001f4bb",  # a woman with a laptop, of some colour
        "\U0001f3f3\ufe0f\u200d\U0001f308",  # a flag of the rainbow
        "\u2764\ufe0f",
        "1\ufe0f\u20e3",
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbsct") + "\U000e007f",  # Scotland's
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a joiner that parts
        "\u0915\u094d\u200d\u0937",  # Hindi, with one that joins
        "\u05e9\u05dc\u05d5\u05dd 12 abc",
        "e\u0301",
        "\u65e5\u672c\u8a9e",
    ],
)
def test_what_makes_a_sign_or_a_letter_stays(text: str) -> None:
    assert visible(text) == one_line(text, 100) == text


@pytest.mark.parametrize(
    "text",
    [
        "a\u200d\U0001f469",
        "\U0001f469\u200d\u200da",
        "1\ufe0f",
        "\U0001f3f4" + HIDDEN + "\U000e007f",
        "\u0645\u200c\u200c",
        "\u05e9\u200f",
    ],
)
def test_what_only_looks_like_a_part_of_one_goes(text: str) -> None:
    assert all(unicodedata.category(letter) not in {"Cf", "Mn"} for letter in visible(text))


def test_accents_do_not_pile_up() -> None:
    assert one_line("Ze\u0301" + "\u0301" * 500 + "ro\u0302\u0303", 100) == "Ze" + "\u0301" * 4 + "ro\u0302\u0303"


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_in_a_post_is_invisible(name: str) -> None:
    spoils = (lambda text: f"{text[:1]}{INVISIBLE}{text[1:]}", lambda text: text + INVISIBLE)
    each_of = (*spoils, lambda text: spoils[0](text) if " " in text or "\n" in text else text)
    samples = list(enumerate(sample for sample in SAMPLES if sample[0] == name))
    for number, (_, event, payload) in one_in(3, samples, len(name)):
        for spoil in one_in(3, each_of, number):
            body = json.dumps(everywhere(payload, spoil)).encode()
            for entry in RECEIVER.receive(name, Webhook(SOURCES[name].headers(event, "d"), body)).entries:
                for text in (entry.topic, entry.summary, entry.html, entry.url):
                    assert visible(text) == text, (event, text)
                    assert not set(text) & set(INVISIBLE.replace("\ufe0f", "")), (event, text)
