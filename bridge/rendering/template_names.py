"""What a user's templates read that no event has: Jinja shows nothing for it, without a word."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from functools import cache
from itertools import chain

from jinja2 import Environment, TemplateError, meta, nodes

from bridge.events import Event
from bridge.rendering.environment import OwnTemplates
from bridge.rendering.environment import environment as own_environment
from bridge.rendering.jinja_errors import parsed
from bridge.spelling import hint, slip_of
from bridge.values import dataclass

_EVENT = frozenset({one.name for one in fields(Event)} | {"thread"})
# What Jinja itself gives, and what the blocks of sentences get.
_GIVEN = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs", "object", "subject"})
OF_MAPPINGS = frozenset({"get", "items", "keys", "values"})


@dataclass(frozen=True)
class Fields:
    """The names that the events of a template can have.

    attributes: all there are. details: known ones; a payload may bring others. paths: of the fields of recorded
    payloads; empty where none are at hand. actions: known ones.
    """

    attributes: Collection[str] = ()
    details: Collection[str] = ()
    paths: Collection[str] = ()
    actions: Collection[str] = ()


@dataclass(frozen=True)
class _Shipped:
    """What the bridge's own templates read and define. names: those that they get, or give themselves."""

    names: frozenset[str]
    details: frozenset[str]
    paths: frozenset[str]
    actions: frozenset[str]


def mistakes(
    environment: Environment,
    templates: Collection[str],
    context: Collection[str],
    fields_of: Callable[[str], Fields],
) -> list[str]:
    """A sentence for each name in the user's templates that nothing has, with the template and the line.

    context: what every template sees. fields_of: by a template's name.
    """
    trees = {name: tree for name in sorted(templates) if (tree := _tree(environment, name))}
    shipped = _shipped()
    own = chain.from_iterable(map(_assigned, trees.values()))
    given = {*context, *_GIVEN, *environment.globals, *shipped.names, *own}
    found: list[str] = []
    for name, tree in trees.items():
        of_it = fields_of(name)
        paths = shipped.paths.union(of_it.paths) if of_it.paths else ()
        wrong = chain(
            _unknown_names(tree, given),
            _unknown_fields(tree, of_it, shipped.details.union(of_it.details)),
            _unknown_paths(tree, paths),
            _unknown_actions(tree, shipped.actions.union(of_it.actions)),
        )
        found += (f"{name}, line {line}: {what}" for line, what in sorted(set(wrong)))
    return found


@cache
def _shipped() -> _Shipped:
    loader = OwnTemplates()
    shipped = own_environment(loader)
    trees = [tree for name in loader.list_templates() if (tree := _tree(shipped, name))]
    return _Shipped(
        names=frozenset(chain(*map(_assigned, trees), *map(meta.find_undeclared_variables, trees))),
        details=frozenset(
            name for tree in trees for holder, name in map(read_at, _readers(tree)) if holder == "details"
        ),
        paths=frozenset(part for tree in trees for _, path in _reads(tree) for part in through(path)),
        actions=frozenset(
            block.name.partition("_")[2] for tree in trees for block in tree.find_all(nodes.Block)
        ).difference({""}),
    )


def _tree(environment: Environment, name: str) -> nodes.Template | None:
    try:
        return parsed(environment, environment.loader.get_source(environment, name)[0]) if environment.loader else None
    except (TemplateError, UnicodeDecodeError):
        return None  # what is wrong with it is a problem of its own


def _assigned(tree: nodes.Template) -> Iterator[str]:
    yield from (node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param"))
    yield from (macro.name for macro in tree.find_all(nodes.Macro))
    yield from (each.target for each in tree.find_all(nodes.Import))
    for each in tree.find_all(nodes.FromImport):
        yield from (name if isinstance(name, str) else name[1] for name in each.names)


def _unknown_names(tree: nodes.Template, given: Collection[str]) -> Iterator[tuple[int, str]]:
    try:
        unknown = meta.find_undeclared_variables(tree) - set(given)
    except TemplateError:
        return  # a filter or a test that there is not: a problem of its own, too
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            yield node.lineno, f"no template has a name `{node.name}`{hint(node.name, given)}"


def _readers(tree: nodes.Template) -> Iterator[nodes.Node]:
    return tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Call))


def _unknown_fields(tree: nodes.Template, known: Fields, details: Collection[str]) -> Iterator[tuple[int, str]]:
    for node in _readers(tree):
        (holder, name), line = read_at(node), node.lineno
        if holder == "event" and name not in _EVENT:
            yield line, f"no event has a field `event.{name}`{hint(name, _EVENT, 'event.')}"
        elif holder == "attributes" and known.attributes and name not in {*known.attributes, *OF_MAPPINGS}:
            text = f"no event of it has `event.attributes.{name}`"
            yield line, text + hint(name, known.attributes, "event.attributes.")
        elif holder == "details" and name not in OF_MAPPINGS and (slip := slip_of(name, details)):
            yield line, f"no recorded event has `details.{name}`; did you mean `details.{slip}`?"


def read_at(node: nodes.Node) -> tuple[str, str]:
    """What a node reads of `event`, `attributes` or `details`: which of them, and the name; or twice nothing."""
    if isinstance(node, nodes.Getattr):
        return _holder(node.node), node.attr
    if isinstance(node, nodes.Getitem):
        return (_holder(node.node), name) if (name := _text(node.arg)) else ("", "")
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr == "get" and node.args:
        return (_holder(node.node.node), name) if (name := _text(node.args[0])) else ("", "")
    return "", ""


def _holder(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name if node.name in ("event", "attributes", "details") else ""
    if not (isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name == "event"):
        return ""
    return node.attr if node.attr in ("attributes", "details") else ""


def _text(node: nodes.Node) -> str:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else ""


def through(path: str) -> Iterator[str]:
    """The path and all that it leads through: `a`, `a.b`, `a.b.c`."""
    parts = path.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _reads(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    for call in tree.find_all(nodes.Call):
        is_read = isinstance(call.node, nodes.Name) and call.node.name in ("field", "rows", "time") and call.args
        if is_read and (path := _text(call.args[0])):
            yield call.lineno, path


def _unknown_paths(tree: nodes.Template, known: Collection[str]) -> Iterator[tuple[int, str]]:
    """Only slips: a recorded webhook has not every field that a service sends."""
    beside: dict[str, set[str]] = {}
    for path in known:
        parent, _, last = path.rpartition(".")
        beside.setdefault(parent, set()).add(last)
    for line, path in _reads(tree):
        for part in through(path):
            parent, _, last = part.rpartition(".")
            if part not in known:
                if slip := slip_of(last, beside.get(parent, set())):
                    meant = f"{parent}.{slip}".removeprefix(".")
                    yield line, f"no recorded webhook has a field `{part}`; did you mean `{meant}`?"
                break


def _unknown_actions(tree: nodes.Template, known: Collection[str]) -> Iterator[tuple[int, str]]:
    for block in tree.find_all(nodes.Block):
        start, _, action = block.name.partition("_")
        if start in ("on", "run") and (slip := slip_of(action, known)):
            yield block.lineno, f"nothing shows a block {block.name}; did you mean {start}_{slip}?"
