"""What an expression asks for that no event has: it never matches, and nothing else says so."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from jinja2 import nodes

from bridge.entries import CATEGORIES
from bridge.events import OWN, Severity
from bridge.rendering.expressions import tree
from bridge.rendering.template_names import OF_MAPPINGS, read_at
from bridge.sources.known_names import Names
from bridge.spelling import hint, slip_of

_EQUAL = frozenset({"eq", "ne", "in", "notin"})
_COMPARED = _EQUAL | {"lt", "lteq", "gt", "gteq"}
_Sources = frozenset[str] | None  # None: any


def mistakes(when: str, known: Mapping[str, Names]) -> list[str]:
    """A sentence for each. known: the names that the events of each source have, by the source."""
    return list(dict.fromkeys(_of(tree(when), None, known)))


def summary_mistakes(when: str, known: Mapping[str, Names]) -> list[str]:
    """The same for an expression over the rows of a summary."""
    found = [
        f"there is no {name} '{given}'{hint(given, allowed)}"
        for node in tree(when).find_all(nodes.Compare)
        for name, allowed in (
            ("category", CATEGORIES),
            ("severity", list(map(str, Severity))),
            ("source", [OWN, *known]),
        )
        for given in _constants(node, name, _COMPARED)
        if given not in allowed
    ]
    return list(dict.fromkeys(found))


def _of(node: nodes.Node, allowed: _Sources, known: Mapping[str, Names]) -> Iterator[str]:
    """What is wrong in a part of the expression that counts only for events of the allowed sources."""
    if isinstance(node, nodes.And):
        allowed = _both(allowed, _required(node))
    of_them = [known[one] for one in sorted(known) if allowed is None or one in allowed]
    yield from _compared(node, of_them, known)
    if of_them:
        yield from _read(node, of_them, "" if allowed is None else f" of {' or '.join(sorted(allowed & known.keys()))}")
    for child in node.iter_child_nodes():
        yield from _of(child, allowed, known)


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


def _compared(node: nodes.Node, of_them: Sequence[Names], known: Mapping[str, Names]) -> Iterator[str]:
    for source in _constants(node, "source", _EQUAL):
        if source not in known:
            yield f"there is no source '{source}'{hint(source, known)}"
    for severity in _constants(node, "severity", _COMPARED):
        if severity not in set(Severity):
            yield f"there is no severity '{severity}'{hint(severity, [str(one) for one in Severity])}"
    # A declared source may have any kinds; the others have more than are recorded, so only slips are reported.
    kinds = frozenset(chain.from_iterable(names.kinds for names in of_them)) if all(n.kinds for n in of_them) else ()
    for kind in _constants(node, "kind", _EQUAL):
        if slip := slip_of(kind.partition(".")[0], kinds):
            yield f"no recorded event has the kind '{kind}'; did you mean `{slip}`?"


def _read(node: nodes.Node, of_them: Sequence[Names], whose: str) -> Iterator[str]:
    holder, name = read_at(node)
    attributes = frozenset(chain.from_iterable(names.attributes for names in of_them))
    if holder == "attributes" and name not in attributes | OF_MAPPINGS:
        yield f"no event{whose} has `attributes.{name}`{hint(name, attributes, 'attributes.')}"
