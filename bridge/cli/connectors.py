"""Addresses of incoming webhooks in configuration files: where each stands, who posts to it, and what replaces it."""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.rendering.text import one_line

LARGEST = 10 << 20  # bytes of a file that is read
_HEAD = 8192  # bytes by which a binary file is recognised
_NEAR = 400  # lines above an address in which its sender's name is looked for
_SKIPPED = {".git", ".hg", ".svn", ".venv", "__pycache__", "node_modules"}
# The address and the source that replaces it. What follows in the path is the secret, and is not shown.
_HOST = r"(?<![\w.-])(?:[\w-]+\.)*"
_ADDRESSES: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern, re.IGNORECASE), source)
    for pattern, source in (
        (rf"{_HOST}webhook\.office(?:365)?\.com(?=/)", "messagecard"),
        (r"(?<![\w.-])outlook\.office(?:365)?\.com(?=/webhook)", "messagecard"),
        (rf"{_HOST}logic\.azure\.(?:com|us|cn)(?=(?::\d+)?/workflows/)", "teams"),
        (rf"{_HOST}api\.(?:[\w-]+\.)*powerplatform\.com(?=(?::\d+)?/[\w/.-]*workflows/)", "teams"),
        (r"(?<![\w.-])hooks\.slack(?:-gov)?\.com(?=/(?:services|workflows|triggers)/)", "slack"),
        (rf"{_HOST}discord(?:app)?\.com(?=/api/(?:v\d+/)?webhooks/)", "discord"),
    )
]
# Discord takes other formats at the same address: what its senders send decides.
_OF_DISCORD = re.compile(r"/api/(?:v\d+/)?webhooks/[^\s\"'<>]*/(slack|github)\b")
# Settings of Alertmanager by which it is known what it sends.
_RECEIVERS = {
    "slack_configs": "slack",
    "discord_configs": "discord",
    "msteams_configs": "messagecard",
    "msteamsv2_configs": "teams",
}
_NAME = re.compile(
    r"""^\s*(?:-\s+)?["']?(name|receiver|title|displayName|job_name|alias|service)["']?\s*[:=]\s*(.+?),?\s*$""",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"""^\s*(?:-\s+)?(?:export\s+|set\s+|const\s+|let\s+|var\s+)?["']?([\w.$:-]{2,60}?)["']?\s*(?:=>|=|:(?!//))"""
)
_SECTION = re.compile(r"^\s*\[{1,2}\s*([^\[\]\"']{1,80})\s*\]{1,2}\s*$")
_ELEMENT = re.compile(r"<name>([^<]{1,80})</name>")
_JENKINS = re.compile(r"(?:^|/)jobs/([^/]+)/(?:[^/]+/)*config\.xml$")
_INLINE = re.compile(r'"(?:name|title)"\s*:\s*"([^"]{1,80})"')


@dataclass(frozen=True)
class Connector:
    """An address that was found. host: of the address. source: the bridge's, by which it is replaced."""

    path: Path
    line: int
    host: str
    source: str
    sender: str


@dataclass
class Files:
    """The files below some paths. read, skipped: those that were, the latter with the reason."""

    paths: Sequence[Path]
    read: int = 0
    skipped: list[tuple[Path, str]] | None = None

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Each file with its text, in the order of their names."""
        self.skipped = []
        for path in self._all():
            text = self._text(path)
            if text is not None:
                self.read += 1
                yield path, text

    def _all(self) -> Iterator[Path]:
        for path in self.paths:
            yield from _below(path) if path.is_dir() else [path]

    def _text(self, path: Path) -> str | None:
        try:
            if not path.is_file():
                return None
            if path.stat().st_size > LARGEST:
                self._skip(path, f"larger than {LARGEST >> 20} MiB")
                return None
            content = path.read_bytes()
        except OSError as error:
            self._skip(path, f"cannot be read: {error.strerror}")
            return None
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16", "replace")
        return None if b"\0" in content[:_HEAD] else content.decode("utf-8", "replace")

    def _skip(self, path: Path, reason: str) -> None:
        if self.skipped is not None:
            self.skipped.append((path, reason))


def _below(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink():
            continue  # what it leads to is found where it is, and a loop never ends
        if entry.is_dir():
            yield from _below(entry) if entry.name not in _SKIPPED else ()
        else:
            yield entry


def find(path: Path, text: str) -> Iterator[Connector]:
    """The addresses in a text, with the file that it came from."""
    lines = text.replace("\\/", "/").splitlines()
    for number, line in enumerate(lines):
        found = [(match, source) for pattern, source in _ADDRESSES for match in pattern.finditer(line)]
        for match, source in sorted(found, key=lambda pair: pair[0].start()):
            context = _Context(path, lines, number, match.start())
            yield Connector(
                path, number + 1, match[0].lower(), _source(line[match.end() :], source, context), context.sender()
            )


def _source(rest: str, source: str, context: "_Context") -> str:
    """What replaces the address. rest: what follows its host."""
    other = _OF_DISCORD.match(rest) if source == "discord" else None
    return other[1] if other else _RECEIVERS.get(context.receiver(), source)


class _Context:
    """What stands around an address: the keys that hold it, and the names beside them, by the indents of the lines."""

    def __init__(self, path: Path, lines: Sequence[str], number: int, column: int) -> None:
        self._path = path.as_posix()
        self._keys: list[str] = []
        self._names: list[tuple[int, str]] = []  # with their indents
        if inline := _INLINE.findall(lines[number][:column]):
            self._names.append((_indent(lines[number]), _clean(inline[-1])))
        if match := _KEY.match(lines[number]):
            self._keys.append(match[1])
        self._look_up(lines[number], lines[max(0, number - _NEAR) : number])
        self._look_down(lines[number], lines[number + 1 : number + _NEAR])

    def receiver(self) -> str:
        """The kind of Alertmanager's receiver that holds the address, if one does."""
        return next((key for key in self._keys if key in _RECEIVERS), "")

    def sender(self) -> str:
        """Who posts to the address, as far as the file says so; empty where it does not."""
        names = [name for _, name in sorted(self._names, key=lambda pair: -pair[0]) if name]
        if job := _JENKINS.search(self._path):
            return f"Jenkins job {_clean(job[1])}"
        if kind := self.receiver():
            return " ".join(filter(None, ("Alertmanager receiver", next(iter(names), ""), f"({kind})")))
        if {"contactPoints", "contact_points"} & {*self._keys}:
            return " ".join(("Grafana contact point", *names[-1:]))
        return ", ".join(dict.fromkeys([*names[:1], *self._keys[:1]]))

    def _look_up(self, address: str, lines: Sequence[str]) -> None:
        """A line above with a smaller indent holds the address, one with the same stands beside what holds it."""
        within, is_first = _indent(address), _is_item(address)
        within = _dash(address) if is_first else within
        for line in reversed(lines):
            if not line.strip() or line.lstrip().startswith(("#", ";", "//")):
                continue
            if outer := _SECTION.match(line) or _ELEMENT.search(line):
                self._names.append((-1, _clean(outer[1])))
                return
            indent = _indent(line)
            if indent <= within:
                self._add(line, indent, holds=is_first or indent < within)
                is_first = _is_item(line)
                within = _dash(line) if is_first else indent

    def _look_down(self, address: str, lines: Sequence[str]) -> None:
        """A name may also stand below: sorted files have it behind the settings of its receiver."""
        within = _indent(address)
        for line in lines:
            if not line.strip() or _SECTION.match(line):
                return
            indent = _indent(line)
            if indent <= within:
                within = _dash(line) if _is_item(line) else indent
                if not _is_item(line):
                    self._add(line, indent, holds=False)

    def _add(self, line: str, indent: int, *, holds: bool) -> None:
        if name := _NAME.match(line):
            self._names.append((indent, _clean(name[2])))
        elif holds and (key := _KEY.match(line)):
            self._keys.append(key[1])


def _is_item(line: str) -> bool:
    return line.lstrip().startswith("- ")


def _dash(line: str) -> int:
    return len(line) - len(line.lstrip())


def _indent(line: str) -> int:
    """Where the key of a line begins; that of an item of a list stands behind its dash."""
    return len(line) - len(re.sub(r"^\s*(?:-\s+)?", "", line))


def _clean(text: str) -> str:
    """A name in one line; empty where it is no plain one, and might hold a secret."""
    name = one_line(text.strip().strip("\"'"), 80)
    return "" if "://" in name or any(pattern.search(name) for pattern, _ in _ADDRESSES) else name
