"""The floor of the rows `receive`: templates as they were rendered before receiving was made faster.

It stays as it is, so that rows of one day can be compared with those of another: Jinja's own sandbox, a context that
copies all blocks for each sentence, and the templates of this folder in place of those that were changed.
"""

from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, ChoiceLoader, FileSystemLoader, pass_context
from jinja2.defaults import DEFAULT_FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from bridge.events import Event
from bridge.rendering import environment as today
from bridge.rendering import selections
from bridge.rendering.filters import upper_first
from bridge.rendering.markdown_html import as_html
from bridge.rendering.template_context import Limits, template_context
from bridge.rendering.text import one_line, visible


def environment() -> ImmutableSandboxedEnvironment:
    """Jinja's sandbox with the bridge's filters, over the frozen templates."""
    loader = ChoiceLoader([FileSystemLoader(Path(__file__).parent), today.OwnTemplates()])
    sandbox = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=True,
        undefined=ChainableUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinjas = {name: DEFAULT_FILTERS[name] for name in selections.FILTERS}
    sandbox.filters.update(today.environment(loader).filters, markdown=_markdown, plain=_plain, **jinjas)
    return sandbox


def context_of(event: Event) -> dict[str, Any]:
    """What a template sees of an event, ready."""
    context = template_context(event, Limits(text=1200, rows=10), "-" * 32, "a footer")
    return {**context, "sentence": _sentence}


def _plain(text: str, limit: int) -> str:
    return one_line(_markdown(text, 3 * limit).striptags(), limit)


def _markdown(text: str, limit: int, url: str = "", repository: str = "") -> Markup:
    return as_html(text, limit, url, repository)  # also of no text


def _shown(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return "" if value is None else value


@pass_context
def _sentence(context: Context, object: str, prefix: str = "on") -> Markup:  # noqa: A002  templates name it so
    block = context.blocks.get(f"{prefix}_{context.get('action')}") or context.blocks[f"{prefix}_other"]
    subject = upper_first(object) if object.startswith(("this ", "the ")) else object
    return Markup("".join(block[0](context.derived({"object": object, "subject": subject}))).strip())
