"""Where templates come from, and the sandbox in which they are rendered."""

import time
from collections.abc import Callable, Collection
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChainableUndefined, Environment, FileSystemLoader, TemplateNotFound
from markupsafe import Markup

from bridge.files import ROOT, beside
from bridge.rendering import picture_marks
from bridge.rendering.filters import FILTERS, clock, date
from bridge.rendering.sandbox import Sandbox
from bridge.rendering.template_bytecode import BYTECODE, TemplateBytecode
from bridge.rendering.text import visible

_LOOK = 0.5  # seconds between two looks whether a template of the bridge has been edited


class OwnTemplates(FileSystemLoader):
    """The bridge's templates: what all posts share, in templates/, and those of each source, in its folder.

    root: the folder of the bridge. bridge/sources/github/templates/push.html has the name `github/push.html`.
    without: sources whose templates are not used.
    """

    def __init__(self, root: Path = ROOT, without: Collection[str] = ()) -> None:
        super().__init__(root)
        self._root = root
        self._shared = beside(root).relative_to(root) / "templates"
        self._without = without

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The text of a template, its file, and whether that is still the same; TemplateNotFound if there is none."""
        source, slash, name = template.partition("/")
        if slash and source in self._without:
            raise TemplateNotFound(template)
        path = f"bridge/sources/{source}/templates/{name}" if slash else (self._shared / template).as_posix()
        try:
            text, file, is_same = super().get_source(environment, path)
        except TemplateNotFound:
            raise TemplateNotFound(template) from None
        return text, file, _now_and_then(is_same)

    def list_templates(self) -> list[str]:
        """The names of all templates."""
        shared = [path.name for path in (self._root / self._shared).glob("*.html")]
        paths = self._root.glob("bridge/sources/*/templates/*.html")
        own = [(path.parents[1].name, path.name) for path in paths]
        return sorted([*shared, *(f"{source}/{name}" for source, name in own if source not in self._without)])


def _now_and_then(is_same: Callable[[], bool]) -> Callable[[], bool]:
    """What looks whether a file is the same, but not again and again: a post is made of eight of them."""
    looked = time.monotonic()

    def is_still_same() -> bool:
        nonlocal looked
        now = time.monotonic()
        if now < looked + _LOOK:
            return True
        looked = now
        return is_same()

    return is_still_same


def environment(loader: BaseLoader, zone: tzinfo = UTC) -> Sandbox:
    """Where every template is rendered: in a sandbox, all values escaped, with the bridge's filters.

    zone: of the times that the filters `clock` and `date` write.
    """
    sandbox = Sandbox(
        loader=loader,
        # Only the package has it, and what is in the package never changes.
        bytecode_cache=TemplateBytecode(BYTECODE) if BYTECODE.is_dir() else None,
        auto_reload=not BYTECODE.is_dir(),
        autoescape=True,
        undefined=ChainableUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sandbox.filters.update(FILTERS, **picture_marks.FILTERS)
    sandbox.filters.update(clock=partial(clock, zone=zone), date=partial(date, zone=zone))
    return sandbox


def _shown(value: Any) -> Any:
    """What a template writes for a value: nothing that is not seen. Markup has been made of such values."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return "" if value is None else value
