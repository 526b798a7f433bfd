"""Notice that a file of the configuration was saved with an editor, while the bridge runs."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.configuration import Configuration
from bridge.errors import SettingsError
from bridge.settings.conversions import is_toml

SETTINGS = Path("local.settings.json")
_INTERVAL = 0.5  # seconds between two looks
_Version = tuple[int, int] | None

_logger = logging.getLogger(__name__)


class SavedFiles:
    """Looks at the file that BRIDGE_CONFIG names, and at the settings file.

    env: the environment that the bridge was configured from. reload: starts the bridge again, with the files as they
    are.
    """

    def __init__(self, env: Mapping[str, str], reload: Callable[[], object]) -> None:
        self._env, self._reload = env, reload
        self._known = self._now()
        self._last = self._known

    async def watch(self) -> None:
        """Look again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            self.look()

    def look(self) -> None:
        """Act on a file that has changed since it was used, once no editor writes to it any more."""
        now = self._now()
        if now == self._last and now != self._known:
            changed = [path for path, version in now.items() if version != self._known.get(path)]
            self._known = now
            for path in changed:
                self._use(path)
        self._last = now

    def used(self) -> None:
        """Remember the files as they are: the bridge has just read them."""
        self._known = self._last = self._now()

    def _use(self, path: Path) -> None:
        if path == SETTINGS:
            _logger.warning("%s was saved: restart the bridge to use it.", path.name)
        elif problems := self._problems():
            _logger.warning("%s was saved, and is not used, as it is wrong: %s", path.name, "; ".join(problems))
        else:
            self._reload()
            _logger.info("%s was saved, and is used from now on.", path.name)

    def _problems(self) -> list[str]:
        try:
            Configuration.from_env(self._env)
        except SettingsError as error:
            return list(error.problems)
        return []

    def _now(self) -> dict[Path, _Version]:
        return {path: _version(path) for path in self._paths()}

    def _paths(self) -> list[Path]:
        config = self._env.get("BRIDGE_CONFIG", "").strip()
        return [SETTINGS, *([Path(config)] if config and not is_toml(config) else [])]


def _version(path: Path) -> _Version:
    """What changes when the file is saved; None if it does not exist, for instance while an editor replaces it."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
