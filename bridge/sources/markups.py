"""The markups of chat services as the Markdown of posts: one table, and for each service its own rules.

`slack`: https://docs.slack.dev/messaging/formatting-message-text
`teams`: https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features
`discord`: https://support.discord.com/hc/articles/210298617, https://discord.com/developers/docs/reference#message-formatting
`messagecard`: https://learn.microsoft.com/outlook/actionable-messages/message-card-reference#text-formatting
`plain`: text in which nothing is markup. `markdown`: what has been read already.
"""

import html
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from bridge.fields import as_time
from bridge.rendering.filters import clock, date
from bridge.sources.emoji import with_emoji
from bridge.values import dataclass

LONGEST = 20_000  # characters of a text that are read

# What is kept as it is stands meanwhile as a number between these; emphasis as one of those. No text has them.
_OPEN, _CLOSE = "\ue000", "\ue001"
_STRONG, _SLANTED, _STRUCK = "\ue002", "\ue003", "\ue004"
_PRIVATE = re.compile("[\ue000-\ue004]")
_KEPT = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_SIGNS = {_STRONG: "**", _SLANTED: "*", _STRUCK: "~~"}

_FENCE = r"```(?:[a-zA-Z0-9+-]*\n)?(?P<fence>.*?)(?:```|\Z)"
_CODE = r"`(?P<code>[^`\n]+)`"
_ITEM = re.compile(r"(\s*)(?:[-*+•◦]|(\d{1,3})[.)])\s(.*)")
_RULE = re.compile(r"\s*(?:-{3,}|={3,}|_{3,}|\*{3,}|─{3,})\s*")


@dataclass(frozen=True)
class _Rules:
    """How a markup is read.

    kept: what is taken out first, code and links, each by the name of its group in the pattern. line: the rest of a
    line. has_long_quotes: `>>>` quotes all that follows.
    """

    pattern: re.Pattern[str]
    kept: Mapping[str, Callable[[re.Match[str], Mapping[str, str]], str]]
    line: Callable[[str], str]
    has_long_quotes: bool = False


def markdown(markup: str, text: str, names: Mapping[str, str] | None = None) -> str:
    """The text as Markdown. markup: one of the table. names: of people, by what their mentions hold."""
    if markup == "markdown":
        return text
    rules, known = _TABLE[markup], names or {}
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(rules.kept[str(found.lastgroup)](found, known))
        return f"{_OPEN}{len(kept) - 1}{_CLOSE}"

    text = _PRIVATE.sub("", text[:LONGEST]).replace("\r\n", "\n").replace("\r", "\n")
    text = _lines(rules.pattern.sub(keep, text), rules)
    return _KEPT.sub(lambda found: kept[int(found[1])], text).strip()


def escaped(text: str) -> str:
    """A text as Markdown in which nothing is markup, lines kept."""
    return markdown("plain", text)


def inline(text: str) -> str:
    """A piece of a line as Markdown in which nothing is markup, with its outer blanks: others follow without a gap."""
    words = _escaped(_PRIVATE.sub("", text[:LONGEST]))
    before, after = words[:1].isspace(), words[-1:].isspace()
    return f"{' ' if before else ''}{words.strip()}{' ' if after and words.strip() else ''}"


def link(text: str, url: str) -> str:
    """A link in Markdown; without an address that can be one, its text alone."""
    words = " ".join(_escaped(text).split())
    if not re.fullmatch(r"(?:https?://|mailto:)[^\s<>]+", url):
        return words
    return f"[{words}](<{url}>)" if words and text != url else f"<{url}>"


def unescaped(markdown: str) -> str:
    """Words of Markdown without the signs that escape and emphasise them."""
    return re.sub(r"\\([^\w\s])|[*_`~]+", lambda found: found[1] or "", markdown).strip()


def fenced(code: str) -> str:
    """Code as a block."""
    code = code.strip("\n")
    fence = "~~~~~~" if "```" in code else "```"
    return f"\n\n{fence}\n{code}\n{fence}\n\n"


def styled(text: str, signs: str) -> str:
    """Markdown between signs such as `**`, with its outer blanks outside of them."""
    words = text.strip()
    if not words:
        return text
    start = len(text) - len(text.lstrip())
    return f"{text[:start]}{signs}{words}{signs[::-1]}{text[start + len(words) :]}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _lines(text: str, rules: _Rules) -> str:
    """The lines by their kind. A quote and a list end where the next line is none: Markdown would go on with them."""
    written: list[str] = []
    before, in_quote = "", False
    for line in text.split("\n"):
        mark = re.match(r"\s{0,3}(?:>|&gt;)", line)
        if rules.has_long_quotes and re.match(r"\s{0,3}(?:>>>|(?:&gt;){3})", line):
            in_quote, line = True, re.sub(r"^\s*(?:>>>|(?:&gt;){3}) ?", "", line)  # noqa: PLW2901
        elif mark and not in_quote:
            line = line[mark.end() :].removeprefix(" ")  # noqa: PLW2901
        is_quote, item = in_quote or bool(mark), _ITEM.fullmatch(line)
        kind = "quote" if is_quote else "item" if item else "rule" if _RULE.fullmatch(line) else ""
        if before != kind and line.strip() and not (before == "item" and line.startswith("  ")):
            written.append("")
        written.append(("> " if is_quote else "") + ("---" if kind == "rule" else _line(line, item, rules)))
        before = kind if line.strip() or is_quote else ""
    return "\n".join(written)


def _line(line: str, item: re.Match[str] | None, rules: _Rules) -> str:
    if item:
        return f"{item[1][:6]}{f'{item[2]}.' if item[2] else '*'} {rules.line(item[3].lstrip())}"
    # Markdown takes what is indented as code.
    return rules.line(line.lstrip() if re.match(r"\s{4}|\t", line) else line)


def _emphasis(mark: str) -> re.Pattern[str]:
    """Words between two of the marks, which stand at the borders of words."""
    sign = re.escape(mark)
    return re.compile(rf"(?<![\w{sign}])({sign}+)(?=[^\s{sign}])([^\n{sign}]+?)(?<=\S)\1(?![\w{sign}])")


_SLACK_EMPHASES = (
    (_emphasis("*"), _STRONG),
    (_emphasis("_"), _SLANTED),
    (_emphasis("~"), _STRUCK),
)


def _slack_line(line: str) -> str:
    line = with_emoji(html.unescape(line))
    for pattern, sign in _SLACK_EMPHASES:
        line = pattern.sub(rf"{sign}\2{sign}", line)
    return re.sub("[\ue002-\ue004]", lambda found: _SIGNS[found[0]], _escaped(line))


def _slack_control(found: re.Match[str], names: Mapping[str, str]) -> str:
    """A link, a mention or a date in angle brackets."""
    target, _, label = html.unescape(found["control"]).partition("|")
    if target.startswith("!date^"):
        return _escaped(label) or _date(target.split("^")[1])
    if target.startswith("!subteam^"):
        return _escaped(f"@{label.lstrip('@') or 'a user group'}")
    if target.startswith("!"):
        return _escaped(f"@{label or target[1:]}")
    if target.startswith(("@", "#")):
        return _escaped(
            target[0]
            + (label.lstrip("@#") or names.get(target[1:].lower(), "someone" if target[0] == "@" else "channel"))
        )
    if re.match(r"(?:https?://|mailto:)", target):
        return link(with_emoji(label) or target.removeprefix("mailto:"), target)
    return _escaped(f"<{found['control']}>")


def _slack_address(found: re.Match[str], _names: Mapping[str, str]) -> str:
    """A bare address, without the marks behind it that end a sentence."""
    url = found["url"].rstrip(".,;:!?\"'" + ("" if "(" in found["url"] else ")"))
    return f"<{html.unescape(url)}>{found['url'][len(url) :]}"


def _discord_line(line: str) -> str:
    line = with_emoji(re.sub(r"^\s*-# ", "", line).replace("||", ""))
    return line.replace("<", "\\<")


def _discord_mention(found: re.Match[str], _names: Mapping[str, str]) -> str:
    """Who or what is named: a webhook brings its id alone."""
    kind = found["mention"]
    return "@role" if kind.startswith("@&") else "@someone" if kind.startswith("@") else "#channel"


def _teams_line(line: str) -> str:
    return line.replace("<", "\\<")


def _teams_mention(found: re.Match[str], names: Mapping[str, str]) -> str:
    name = html.unescape(found["at"]).strip()
    return _escaped(f"@{names.get(name.lower(), name) or 'someone'}")


def _teams_time(found: re.Match[str], _names: Mapping[str, str]) -> str:
    """A time that Teams would show in the reader's own zone."""
    time = as_time(found["time"])
    if time is None:
        return _escaped(found[0])
    return clock(time) if found["function"] == "TIME" else f"{time.astimezone(UTC):%-d %b %Y}"


def _date(seconds: str) -> str:
    time = as_time(seconds)
    return date(time) if time else ""


def _discord_time(found: re.Match[str], _names: Mapping[str, str]) -> str:
    try:
        return date(datetime.fromtimestamp(int(found["time"]), UTC))
    except (ValueError, OverflowError, OSError):
        return _escaped(found[0])


def _raw_code(found: re.Match[str], _names: Mapping[str, str]) -> str:
    return f"`{found['code']}`"


def _raw_fence(found: re.Match[str], _names: Mapping[str, str]) -> str:
    return fenced(found["fence"])


_RAW = {"fence": _raw_fence, "code": _raw_code}

_TABLE: Mapping[str, _Rules] = {
    "plain": _Rules(re.compile(r"(?P<none>(?!))"), {}, _escaped),
    "slack": _Rules(
        re.compile(rf"{_FENCE}|{_CODE}|<(?P<control>[^<>\n]{{1,3000}})>|(?P<url>https?://[^\s<>|*]+)", re.DOTALL),
        {
            "fence": lambda found, _: fenced(
                html.unescape(re.sub(r"<([^<>|\n]+)(?:\|([^<>\n]+))?>", r"\1", found["fence"]))
            ),
            "code": lambda found, _: f"`{html.unescape(found['code'])}`",
            "control": _slack_control,
            "url": _slack_address,
        },
        _slack_line,
        has_long_quotes=True,
    ),
    "discord": _Rules(
        re.compile(
            rf"{_FENCE}|{_CODE}|<(?P<mention>@[!&]?|#)\d{{5,25}}>|<a?:(?P<emoji>\w{{1,40}}):\d+>"
            r"|<t:(?P<time>-?\d{1,12})(?::[a-zA-Z])?>|<(?P<url>https?://[^\s<>]+)>",
            re.DOTALL,
        ),
        {
            **_RAW,
            "mention": _discord_mention,
            "emoji": lambda found, _: f":{_escaped(found['emoji'])}:",
            "time": _discord_time,
            "url": lambda found, _: f"<{found['url']}>",
        },
        _discord_line,
        has_long_quotes=True,
    ),
    "teams": _Rules(
        re.compile(
            rf"{_FENCE}|{_CODE}|<at[^<>]{{0,40}}>(?P<at>[^<>]{{0,200}})</at>"
            r"|\{\{(?P<function>DATE|TIME)\((?P<time>[0-9TZ:+.-]{10,40})(?:,\s*\w+)?\)\}\}",
            re.DOTALL,
        ),
        {**_RAW, "at": _teams_mention, "time": _teams_time},
        _teams_line,
    ),
    # Clients of connectors have drawn the tags of its texts, too; what acts is removed where it is rendered.
    "messagecard": _Rules(re.compile(rf"{_FENCE}|{_CODE}", re.DOTALL), _RAW, lambda line: line),
}
