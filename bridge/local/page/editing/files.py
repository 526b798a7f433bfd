"""The files that can be edited: the configuration file, and the user's templates.

Nothing else is ever written: a template is only saved under a name that is in the list.
"""

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from bridge.errors import BridgeError
from bridge.local.config import new_config, new_templates
from bridge.rendering.environment import OwnTemplates
from bridge.settings.conversions import is_toml

CONFIG = "BRIDGE_CONFIG"  # in place of a template's name
_TEMPLATES = "BRIDGE_TEMPLATES"
_LARGEST = 1 << 20  # characters
_CONFIG_START = """\
# Routes are tried from top to bottom: the first match wins, and what no route matches goes to BRIDGE_GROUP.

[groups]                     # names for the object ids of groups
platform = "3c1d0d4e-0000-4000-8000-000000000001"

[[route]]
when = "severity >= 'error'"
groups = ["platform"]
"""
_EXTENDS = '{{% extends "default:{}" %}}\n'
_TEXT_IN_SETTINGS = (
    "BRIDGE_CONFIG holds the text itself: save it as a file and set BRIDGE_CONFIG to its path, to save it here."
)


class NotSaved(BridgeError):
    """A file cannot be opened or saved."""


class ChangedOnDisk(NotSaved):
    """A file is not what was opened any more."""


@dataclass(frozen=True)
class OpenFile:
    """A file as it was opened.

    text: with plain line ends. version: of its content, empty while there is no file. place: its path for people.
    note: why it cannot be saved, or what saving does besides.
    """

    name: str
    text: str
    version: str
    place: str
    note: str = ""
    can_be_saved: bool = True


class EditableFiles:
    """The files that the environment names.

    starts: what templates begin with that the bridge does not have itself, by their names.
    """

    def __init__(self, env: Mapping[str, str], starts: Mapping[str, str]) -> None:
        self._config = env.get(CONFIG, "").strip()
        self._new_config = new_config(env)
        self._folder = Path(env.get(_TEMPLATES, "").strip() or new_templates(env))
        self._own = OwnTemplates()
        self._starts = starts
        self._saving = threading.Lock()

    @property
    def has_config(self) -> bool:
        """Whether there is a configuration, be it a file or a text in the settings."""
        return bool(self._config)

    def templates(self) -> list[str]:
        """The names of the user's templates."""
        folder = self._folder.resolve()
        paths = sorted(folder.rglob("*.html")) if folder.is_dir() else ()
        # A link that leads to itself is none of the files either.
        files = filter(Path.is_file, paths)
        return [path.relative_to(folder).as_posix() for path in files if path.resolve().is_relative_to(folder)]

    def originals(self) -> list[str]:
        """The names of templates that the user can have in place of the bridge's."""
        return sorted({*self._own.list_templates(), *self._starts})

    def open(self, name: str) -> OpenFile:
        """The file, or what it begins with where there is none; NotSaved if it cannot be read."""
        if name == CONFIG and is_toml(self._config):
            return OpenFile(name, self._config, "", "the settings", _TEXT_IN_SETTINGS, can_be_saved=False)
        path = self._path(name)
        content = _read(path)
        if content is None:
            return OpenFile(name, self._start(name), "", str(path), self._note(name))
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotSaved(f"{path} is not saved as UTF-8 ({error.reason}, byte {error.start}).") from error
        return OpenFile(name, text.replace("\r\n", "\n"), _version(content), str(path))

    def save(self, name: str, text: str, version: str) -> OpenFile:
        """Write the file, with the line ends that it had; ChangedOnDisk if it is not of that version any more."""
        if len(text) > _LARGEST:
            raise NotSaved(f"The text is longer than {_LARGEST >> 20} MiB.")
        if name == CONFIG and is_toml(self._config):
            raise NotSaved(_TEXT_IN_SETTINGS)
        path = self._path(name)
        with self._saving:
            before = _read(path)
            if (_version(before) if before is not None else "") != version:
                raise ChangedOnDisk(f"{path} {_what_happened(before, version)} since it was opened here.")
            plain = text.replace("\r\n", "\n")
            ended = plain.replace("\n", "\r\n") if _has_windows_ends(before or b"") else plain
            _write(path, ended.encode("utf-8", "replace"))
        return self.open(name)

    def _path(self, name: str) -> Path:
        """Where the file is, or would be; links are followed, but templates not out of their folder."""
        if name == CONFIG:
            return _resolved(Path(self._config or self._new_config))
        folder = self._folder.resolve()
        is_known = name in {*self.templates(), *self.originals()}
        if not is_known or not (path := _resolved(folder / name)).is_relative_to(folder):
            raise NotSaved(f"There is no template {name!r}.")
        return path

    def _start(self, name: str) -> str:
        if name == CONFIG:
            return _CONFIG_START
        return self._starts.get(name) or self._own.get_source(Environment(), name)[0]  # noqa: S701  not rendered

    def _note(self, name: str) -> str:
        if name == CONFIG:
            return "There is no configuration yet: saving makes this file, which `make run` then uses."
        return "This is the bridge's template: saving makes a copy of yours, which is used in its place."


def extending(name: str) -> str:
    """The first text of a template that inherits everything from one of the bridge's own."""
    return _EXTENDS.format(name)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise NotSaved(f"{path} is a link that leads nowhere.") from error


def _read(path: Path) -> bytes | None:
    if path.exists() and not path.is_file():
        raise NotSaved(f"{path} is no file.")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotSaved(f"{path} cannot be read: {error.strerror}.") from error


def _write(path: Path, content: bytes) -> None:
    """Replace the file in one step: it always has either the old content or the new."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("xb") as file:
                file.write(content)
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise NotSaved(f"{path} cannot be written: {error.strerror}.") from error


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _what_happened(content: bytes | None, version: str) -> str:
    """What became of a file on disk since it was opened with that version."""
    if content is None:
        return "was deleted"
    return "was changed on disk" if version else "was made"


def _has_windows_ends(content: bytes) -> bool:
    """Whether most lines end as on Windows."""
    return 2 * content.count(b"\r\n") > content.count(b"\n")
