"""What a route asks for that no event has: such a route never matches, and nothing else says so."""

from collections.abc import Collection, Iterator, Mapping

from jinja2 import nodes

from bridge.events import Severity
from bridge.receiving.routing import Route
from bridge.rendering.expressions import tree
from bridge.rendering.template_names import OF_MAPPINGS, read_at
from bridge.spelling import hint

_Sources = frozenset[str] | None  # None: any


def mistakes(route: Route, attributes: Mapping[str, Collection[str]]) -> list[str]:
    """A sentence for each. attributes: the names that the events of each source have, by the source."""
    return list(dict.fromkeys(_of(tree(route.when), None, attributes)))


def _of(node: nodes.Node, allowed: _Sources, attributes: Mapping[str, Collection[str]]) -> Iterator[str]:
    """What is wrong in a part of the expression that counts only for events of the allowed sources."""
    if isinstance(node, nodes.And):
        allowed = _both(allowed, _required(node))
    yield from _compared(node, attributes)
    yield from _read(node, allowed, attributes)
    for child in node.iter_child_nodes():
        yield from _of(child, allowed, attributes)


def _required(node: nodes.Node) -> _Sources:
    """The sources of which an event must be where the expression is true."""
    if isinstance(node, nodes.And):
        return _both(_required(node.left), _required(node.right))
    if isinstance(node, nodes.Or):
        left, right = _required(node.left), _required(node.right)
        return None if left is None or right is None else left | right
    return frozenset(_constants(node, "source", ("eq", "in"))) or None


def _both(one: _Sources, other: _Sources) -> _Sources:
    return other if one is None else one if other is None else one & other


def _constants(node: nodes.Node, name: str, operators: Collection[str]) -> list[str]:
    """The texts with which a name is compared."""
    if not (isinstance(node, nodes.Compare) and isinstance(node.expr, nodes.Name) and node.expr.name == name):
        return []
    if len(node.ops) != 1 or node.ops[0].op not in operators:
        return []
    given = node.ops[0].expr
    parts = given.items if isinstance(given, nodes.Tuple | nodes.List) else [given]
    return [part.value for part in parts if isinstance(part, nodes.Const) and isinstance(part.value, str)]


def _compared(node: nodes.Node, attributes: Mapping[str, Collection[str]]) -> Iterator[str]:
    for source in _constants(node, "source", ("eq", "ne", "in", "notin")):
        if source not in attributes:
            yield f"there is no source '{source}'{hint(source, attributes)}"
    for severity in _constants(node, "severity", ("eq", "ne", "in", "notin", "lt", "lteq", "gt", "gteq")):
        if severity not in set(Severity):
            yield f"there is no severity '{severity}'{hint(severity, [str(one) for one in Severity])}"


def _read(node: nodes.Node, allowed: _Sources, attributes: Mapping[str, Collection[str]]) -> Iterator[str]:
    holder, name = read_at(node)
    if holder != "attributes":
        return
    sources = attributes.keys() if allowed is None else [one for one in sorted(allowed) if one in attributes]
    known = frozenset(name for source in sources for name in attributes[source])
    if sources and name not in known | OF_MAPPINGS:
        whose = "" if allowed is None else f" of {' or '.join(sources)}"
        yield f"no event{whose} has `attributes.{name}`{hint(name, known, 'attributes.')}"
