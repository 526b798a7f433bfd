"""What a template sees."""

from functools import partial
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from bridge.events import Event
from bridge.fields import dig, moment, objects
from bridge.rendering.filters import upper_first
from bridge.values import dataclass


@dataclass(frozen=True)
class Limits:
    """How much of a payload a template shows: characters of a quoted text, rows of a list."""

    text: int
    rows: int


def template_context(event: Event, limits: Limits, boundary: str, footer: str, service: str = "") -> dict[str, Any]:
    """What a template sees, by its names.

    event: what the source understood, with the fields below.
    payload: all that the service sent.
    field: `field('pull_request.user.login')`: the text at a path, or an empty one; `field(path, 0)` a number,
        `field(path, false)` a truth.
    rows: `rows('commits')`: the objects of the list at a path, or none.
    time: `time('release.published_at')`: the time at a path, for the filters `clock`, `date` and `between`.
    details: the values that the source has read for its templates.
    action: what was done: `opened`; where the source does not say so, what stands in the kind after its first dot.
    limits: how much to show: `limits.text` characters of a text, `limits.rows` rows of a list; less is tried when the
        post would be too big.
    boundary: what parts the blocks; `layout.html` writes it.
    footer: the line with the time; `layout.html` writes it.
    service: the name of the source for people.
    sentence: `sentence(object='this issue')`: what happened, by the block `on_<action>`, else `on_other`.
    """
    return {
        "event": event,
        "payload": event.payload,
        "field": partial(dig, event.payload),
        "rows": partial(objects, event.payload),
        "time": partial(moment, event.payload),
        "details": event.details,
        "action": event.details.get("action") or event.kind.partition(".")[2],
        "limits": limits,
        "boundary": boundary,
        "footer": footer,
        "service": service,
        "sentence": _sentence,
    }


@pass_context
def _sentence(context: Context, object: str, prefix: str = "on") -> Markup:  # noqa: A002  templates name it so
    """What happened to the object, by the template's block for the action: `on_opened`, else `on_other`.

    A block begins its sentence with `subject`, which is the object with a capital letter where it is not a name.
    """
    block = context.blocks.get(f"{prefix}_{context.get('action')}") or context.blocks[f"{prefix}_other"]
    subject = upper_first(object) if object.startswith(("this ", "the ")) else object
    # Not `derived`, which copies the list of every block for each sentence: a fifth of the time of a post.
    names = {**context.get_all(), "object": object, "subject": subject}
    inner = context.environment.context_class(context.environment, names, context.name, {})
    inner.blocks, inner.eval_ctx = context.blocks, context.eval_ctx
    # Each block has escaped what it shows.
    return Markup("".join(block[0](inner)).strip())  # noqa: S704
