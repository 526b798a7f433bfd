"""Expressions of routes and of declared sources: Jinja's, in a sandbox, over the names that each kind of them has."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, meta, nodes
from jinja2.runtime import Context, new_context

from bridge.fields import as_time
from bridge.rendering.filters import FILTERS
from bridge.rendering.measures import against, explained
from bridge.rendering.sandbox import Sandbox
from bridge.spelling import hint
from bridge.values import dataclass


def _search(text: str, pattern: str) -> str:
    """What the pattern's first group (or all of it) finds in the text's beginning, or an empty string."""
    found = re.search(pattern, text[:2000]) if isinstance(text, str) else None
    return (found[1] if found.re.groups else found[0]) or "" if found else ""


_environment = Sandbox(undefined=ChainableUndefined)
_environment.tests["glob"] = lambda value, pattern: fnmatchcase(str(value), str(pattern))
_environment.tests["startingwith"] = lambda value, start: isinstance(value, str) and value.startswith(str(start))
_environment.tests["number_like"] = lambda value: bool(re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", str(value)))
_environment.filters.update(FILTERS, time=as_time, search=_search, against=against, explained=explained)


def fault(text: str, names: Collection[str]) -> str:
    """What is wrong with the text as an expression over these names, or an empty string."""
    # Imported here, as only settings and forms are checked.
    from bridge.rendering import jinja_errors  # noqa: PLC0415

    if wrong := jinja_errors.fault(_environment, text):
        return f"is not an expression: {wrong}"
    try:
        compiled(text)
    except jinja_errors.LIMITS_OF_PYTHON:
        return "is too long or nested too deeply; `source in ['github', 'jira']` is one comparison for many"
    unknown = min(meta.find_undeclared_variables(tree(text)) - set(names), default="")
    return f"has an unknown name {unknown!r}{hint(unknown, names)}" if unknown else ""


def tree(text: str) -> nodes.Template:
    """The parts of an expression in which nothing is at fault."""
    return _environment.parse("{{ (" + text + ") }}")


def paths(text: str) -> tuple[tuple[str, ...], ...]:
    """The names in an expression with what is read of them, in their order: `("attributes", "branch")`."""
    found: dict[tuple[str, ...], None] = {}
    _collect(tree(text), found)
    return tuple(found)


def _collect(node: nodes.Node, found: dict[tuple[str, ...], None]) -> None:
    if path := _path(node):
        found[path] = None
        return
    children = list(node.iter_child_nodes())
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        # The method that is called is no value: `kind.startswith('push')` reads the kind.
        children[0] = node.node.node
    for child in children:
        _collect(child, found)


def _path(node: nodes.Node) -> tuple[str, ...]:
    """The name and the constant keys of a node that reads a value; nothing where it is another node."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    key = node.attr if isinstance(node, nodes.Getattr) else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        key = str(node.arg.value)
    outer = _path(node.node) if isinstance(node, nodes.Getattr | nodes.Getitem) and key else ()
    return (*outer, key) if outer and key else ()


class Names(dict[str, Any]):
    """Values by the names that expressions have for them, made ready once for all expressions that use them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        # Expressions see these names and no globals: to copy those takes longer than most expressions.
        self.context = new_context(_environment, None, {}, self, shared=True)


@dataclass(frozen=True)
class Expression:
    """A compiled expression. What is missing in it is undefined, which is false and empty."""

    run: Callable[[Context], Iterator[str]]

    def __call__(self, **names: Any) -> Any:
        """What it comes to with these names."""
        return self.over(Names(names))

    def over(self, names: Names) -> Any:
        """What it comes to with names that are ready."""
        for _ in self.run(names.context):
            pass
        return names.context.vars.pop("result")


@lru_cache(maxsize=2048)
def compiled(text: str) -> Expression:
    """The expression, ready to be evaluated often."""
    return Expression(_environment.from_string("{% set result = (" + text + ") %}").root_render_func)
