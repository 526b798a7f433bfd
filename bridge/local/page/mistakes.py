"""What the page says of mistakes that nothing else reports."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.app import Bridge
from bridge.mistakes import mistakes


class MistakesView:
    """The mistakes of a bridge, found again whenever one of the user's templates has been saved."""

    def __init__(self, bridge: Bridge, env: Mapping[str, str]) -> None:
        self._bridge, self._env = bridge, env
        self._saved: object = None
        self._found: Sequence[str] = ()

    def show(self) -> Sequence[str]:
        """A sentence for each."""
        saved = _saved(self._bridge.configuration.settings.templates)
        if saved != self._saved:
            found = mistakes(self._bridge, self._env)
            self._found = [*self._bridge.renderer.problems(), *(one.text for one in found)]
            self._saved = saved
        return self._found


def _saved(folder: Path | None) -> Sequence[tuple[Path, int]]:
    paths = sorted(folder.rglob("*.html")) if folder else ()
    return [(path, path.stat().st_mtime_ns) for path in paths if path.is_file()]
