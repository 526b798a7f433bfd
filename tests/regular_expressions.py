"""Reads every regular expression of a tree, and finds those whose time grows faster than the text.

Three shapes do so where a text fails to match: a repeat within a repeat of the same characters (exponential), two
repeats of the same characters beside each other, and, in a search, a repeat that runs over the places where it could
also begin.
"""

import ast
import importlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]

LONG = 100  # a repeat up to fewer is a constant factor
_ANCHORED = {"match", "fullmatch"}
_FUNCTIONS = _ANCHORED | {"compile", "search", "sub", "subn", "split", "findall", "finditer"}
_METHODS = _FUNCTIONS - {"compile"}
# Stands for all characters: those of ASCII, and one of each other kind.
_ALPHABET = frozenset([*map(chr, range(128)), *"\x85\xa0é\u0663\u0436\u2028\ue000\u200d\U0001f600"])
_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d", op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_SPACE: r"\s", op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w", op.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_UNKNOWN = "\U0010fffd"
_MOST_WAYS = 2000  # through the branches of one pattern
_MANY_WAYS = 8


@dataclass(frozen=True)
class Pattern:
    """An expression and where it stands.

    methods: by which it is used. is_whole: all of its text is known; what is not stands in it as a `0`.
    """

    file: str
    line: int
    text: str
    flags: int
    methods: frozenset[str]
    is_whole: bool = True


@dataclass(frozen=True)
class _Atom:
    """What consumes characters or looks at those before it; without any, it only looks at what follows.

    body: of a repeat. before: characters that may not stand before it.
    """

    characters: frozenset[str] = frozenset()
    least: int = 1
    most: int = 1
    body: tuple[tuple["_Atom", ...], ...] = ()
    before: frozenset[str] = frozenset()
    is_start: bool = False

    @property
    def beginning(self) -> frozenset[str]:
        """The characters with which it can begin."""
        begins = [_first_of(way) for way in self.body]
        return frozenset().union(*(each.beginning for way in begins for each in way)) if begins else self.characters

    @property
    def is_long(self) -> bool:
        return self.most >= LONG and bool(self.characters)


def _first_of(way: tuple[_Atom, ...]) -> list[_Atom]:
    """The atoms up to the first that consumes something."""
    optional = list(itertools.takewhile(lambda atom: not (atom.least and atom.characters), way))
    return [*optional, *way[len(optional) : len(optional) + 1]]


def faults(pattern: Pattern) -> list[str]:
    """Say what makes the expression slow, if anything."""
    try:
        ways = _ways(_parser.parse(pattern.text, pattern.flags), pattern.flags)
    except re.error:
        return ["cannot be read"]
    return sorted({fault for way in ways for fault in _of_way(way, pattern.methods)})


def _of_way(way: tuple[_Atom, ...], methods: frozenset[str]) -> Iterator[str]:
    for place, atom in enumerate(way):
        if not atom.is_long:
            continue
        for body, other in itertools.product(atom.body, repeat=2):
            if any(each.is_long for each in body) and _adjacent(body + other, can_fail=True):
                yield "a repeat within a repeat"
        is_anchored = methods <= _ANCHORED or way[0].is_start
        if not is_anchored and any(each.least for each in way[place + 1 :]) and _restarts(way[:place], atom):
            yield "a search that runs over its own beginnings"
    if _adjacent(way, can_fail="fullmatch" in methods):
        yield "two repeats beside each other"


def _restarts(before: tuple[_Atom, ...], atom: _Atom) -> bool:
    """Whether the search could begin again at many places within the repeat."""
    if any(atom.characters <= each.before for each in before if each.before):
        return False
    return all(each.characters & atom.characters for each in before if each.least and each.characters)


def _adjacent(way: tuple[_Atom, ...], *, can_fail: bool) -> bool:
    """Whether a text can be divided between two repeats in many ways, and what follows can fail."""
    for first, second in itertools.combinations([place for place, atom in enumerate(way) if atom.is_long], 2):
        both = way[first].characters & way[second].characters
        between = (each for each in way[first + 1 : second] if each.least and each.characters)
        fails = can_fail or any(each.least for each in way[second + 1 :])
        is_shared = both and way[first].characters & way[second].beginning
        if fails and is_shared and all(each.characters & both for each in between):
            return True
    return False


def _ways(items: object, flags: int) -> list[tuple[_Atom, ...]]:
    """Every way through the branches."""
    ways: list[tuple[_Atom, ...]] = [()]
    for item in items:  # type: ignore[attr-defined]
        following = _item(item, flags)
        ways = list(itertools.islice((way + more for way in ways for more in following), _MOST_WAYS))
    return ways


def _item(item: tuple[object, object], flags: int) -> list[tuple[_Atom, ...]]:  # noqa: C901, PLR0911  one of each kind
    kind, value = item
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        least, most, inner = value  # type: ignore[misc]
        body = _ways(inner, flags)
        if most == 1:
            return [*([()] if least == 0 else []), *body]
        characters = _union(body)
        return [(_Atom(characters, int(least), LONG if most >= LONG else int(most), tuple(body)),)]
    if kind is op.SUBPATTERN:
        _, add, remove, inner = value  # type: ignore[misc]
        return _ways(inner, (flags | add) & ~remove)
    if kind is op.ATOMIC_GROUP:
        return _ways(value, flags)
    if kind is op.BRANCH:
        return _together([way for inner in value[1] for way in _ways(inner, flags)])  # type: ignore[index]
    if kind in (op.ASSERT, op.ASSERT_NOT):
        direction, inner = value  # type: ignore[misc]
        ways = _ways(inner, flags)
        if direction > 0:
            return [(_Atom(most=0),)]
        if kind is op.ASSERT_NOT:
            return [(_Atom(most=0, before=frozenset().union(*(way[-1].characters for way in ways if len(way) == 1))),)]
        return [(_Atom(frozenset().union(*(way[-1].characters for way in ways)), most=0),)]
    if kind is op.AT and value is op.AT_BEGINNING and flags & re.MULTILINE:
        return [(_Atom(frozenset("\n"), most=0),)]
    if kind is op.AT:
        return [(_Atom(most=0, is_start=value in (op.AT_BEGINNING_STRING, op.AT_BEGINNING)),)]
    if kind in (op.GROUPREF, op.GROUPREF_EXISTS):
        return [(_Atom(_ALPHABET),)]
    return [(_Atom(_characters(kind, value, flags)),)]


def _together(ways: list[tuple[_Atom, ...]]) -> list[tuple[_Atom, ...]]:
    """Ways beside each other; many that repeat nothing, such as those of a table of words, are as one."""
    if len(ways) < _MANY_WAYS or any(atom.is_long for way in ways for atom in way):
        return ways
    return [(_Atom(_union(ways), least=int(all(any(atom.least for atom in way) for way in ways))),)]


def _union(ways: list[tuple[_Atom, ...]]) -> frozenset[str]:
    return frozenset().union(*(atom.characters for way in ways for atom in way))


def _characters(kind: object, value: object, flags: int) -> frozenset[str]:
    if kind is op.ANY:
        return _ALPHABET if flags & re.DOTALL else _ALPHABET - {"\n"}
    if kind is op.IN:
        return _of_set(tuple(value), flags)  # type: ignore[arg-type]
    return _of_set(((kind, value),), flags)


@cache
def _of_set(members: tuple[tuple[object, object], ...], flags: int) -> frozenset[str]:
    found: set[str] = set()
    for kind, value in members:
        if kind is op.LITERAL:
            found.add(chr(value))  # type: ignore[arg-type]
        elif kind is op.NOT_LITERAL:
            found |= _ALPHABET - {chr(value)}  # type: ignore[arg-type]
        elif kind is op.RANGE:
            found |= {each for each in _ALPHABET if value[0] <= ord(each) <= value[1]}  # type: ignore[index]
        elif kind is op.CATEGORY:
            category = re.compile(_CATEGORIES[value], flags & re.ASCII)  # type: ignore[index]
            found |= {each for each in _ALPHABET if category.match(each)}
    if flags & re.IGNORECASE:
        found |= {other for each in found for other in (each.lower(), each.upper()) if len(other) == 1}
    is_negated = members[0][0] is op.NEGATE
    return frozenset(_ALPHABET - found) if is_negated else frozenset(found)


def patterns(root: Path, folder: str) -> list[Pattern]:
    """Every expression of the Python files in a folder."""
    found = []
    for path in sorted((root / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        name = str(path.relative_to(root))
        found += list(_in_file(name, tree))
    return found


def _in_file(file: str, tree: ast.Module) -> Iterator[Pattern]:
    uses = _uses(tree)
    names = _names(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_re(node.func)):
            continue
        if node.func.attr == "compile":
            methods = uses.get(names.get(id(node), ""), frozenset()) or frozenset({"search"})
        else:
            methods = frozenset({node.func.attr})
        text = _text(file, node.args[0])
        yield Pattern(file, node.lineno, text.replace(_UNKNOWN, "0"), _flags(node), methods, _UNKNOWN not in text)


def _is_re(function: ast.Attribute) -> bool:
    return isinstance(function.value, ast.Name) and function.value.id == "re" and function.attr in _FUNCTIONS


def _names(tree: ast.Module) -> dict[int, str]:
    """The name that is given to a value, by the id of each node within."""
    names: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[id(node.value)] = node.targets[0].id
    return names


def _uses(tree: ast.Module) -> dict[str, frozenset[str]]:
    """By which methods each name is used; by `search` also where it is only handed on."""
    uses: dict[str, set[str]] = {}
    called: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in _METHODS:
            uses.setdefault(node.value.id, set()).add(node.attr)
            called.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in called:
            uses.setdefault(node.id, set()).add("search")
    return {name: frozenset(methods) for name, methods in uses.items()}


def _flags(call: ast.Call) -> int:
    """The flags among a call's arguments, those that are written as `re.X`."""
    given = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    named = (node for value in given for node in ast.walk(value) if isinstance(node, ast.Attribute))
    return sum({int(getattr(re, node.attr)) for node in named if isinstance(getattr(re, node.attr, 0), re.RegexFlag)})


def _text(file: str, node: ast.expr) -> str:
    """The expression's text; what it takes from constants of its module is filled in."""
    if isinstance(node, ast.Constant):
        return node.value.decode("latin-1") if isinstance(node.value, bytes) else str(node.value)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mod):
            return _text(file, node.left).replace("%d", "30")
        return _text(file, node.left) + _text(file, node.right)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(file, value) for value in node.values)
    expression = node.value if isinstance(node, ast.FormattedValue) else node
    module = importlib.import_module(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    try:
        return str(eval(ast.unparse(expression), dict(vars(module))))
    except NameError:
        return _UNKNOWN
