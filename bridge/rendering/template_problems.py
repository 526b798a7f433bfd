"""What is wrong with templates before there is any event: for who writes them, and for the doctor."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from jinja2 import Environment, TemplateError, TemplateNotFound, nodes

from bridge.rendering.jinja_errors import LIMITS_OF_PYTHON, TOO_DEEP, functions, parsed, translated
from bridge.spelling import meant

_LONGEST = 80  # characters of a line that is quoted
_Trees = Callable[[str], nodes.Template]


def affected(users: Iterable[str], own: Mapping[str, str]) -> list[str]:
    """List the user's templates and those of the bridge that extend or import one of them by its plain name.

    own: the bridge's templates, by their names.
    """
    names = {name for name in users if name.endswith(".html")}
    size = -1
    while size != len(names):
        size = len(names)
        names |= {name for name, text in own.items() if any(f'"{used}"' in text for used in names)}
    return sorted(names)


def problems(environment: Environment, names: Iterable[str]) -> list[str]:
    """Check the named templates: a sentence for each problem, with the template and mostly the line.

    A template does not compile, is not UTF-8, extends or imports what is not there, extends itself, or fills a block
    that no template above it has: Jinja leaves that out without a word.
    """

    @cache
    def tree(name: str) -> nodes.Template:
        if environment.loader is None:
            raise TemplateNotFound(name)
        return parsed(environment, environment.loader.get_source(environment, name)[0])

    found = ((name, _of(environment, name, tree)) for name in names)
    return [f"{name}{f', line {line}' if line else ''}: {what}" for name, of_it in found for line, what in of_it]


def _of(environment: Environment, name: str, tree: _Trees) -> Iterator[tuple[int, str]]:
    try:
        own = tree(name)
        wrong = list(functions(environment, own))
        yield from wrong
        if wrong:
            return
        environment.get_template(name)
    except UnicodeDecodeError as error:
        yield 0, f"it is not saved as UTF-8 ({error.reason}, byte {error.start})"
    except TemplateError as error:
        line = getattr(error, "lineno", None) or 0
        yield line, translated(error) + _quoted(environment, name, line)
    except LIMITS_OF_PYTHON:
        yield 0, TOO_DEEP
    else:
        yield from _missing(own, tree)
        yield from _misplaced(name, own, tree)


def _quoted(environment: Environment, name: str, line: int) -> str:
    """What stands in a line of a template."""
    if not line or environment.loader is None:
        return ""
    lines = environment.loader.get_source(environment, name)[0].splitlines()
    text = lines[line - 1].strip() if line <= len(lines) else ""
    return f": `{text[:_LONGEST]}`" if text else ""


def _missing(own: nodes.Template, tree: _Trees) -> Iterator[tuple[int, str]]:
    for node in own.find_all((nodes.Extends, nodes.Import, nodes.FromImport)):
        if not (name := _named(node)):
            continue
        try:
            tree(name)
        except TemplateNotFound:
            yield node.lineno, f"there is no template {name}"
        except (TemplateError, UnicodeDecodeError):
            pass  # reported for that template itself


def _misplaced(name: str, own: nodes.Template, tree: _Trees) -> Iterator[tuple[int, str]]:
    lineage: list[str] = [name]
    above: set[str] = set()
    ancestor = own
    while extends := ancestor.find(nodes.Extends):
        parent = _named(extends)
        if parent in lineage:
            yield 0, f"it extends itself ({' -> '.join([*lineage, parent])}); the bridge's own is default:{name}"
            return
        try:
            ancestor = tree(parent)
        except (TemplateError, UnicodeDecodeError):
            return  # which blocks it has cannot be said
        lineage.append(parent)
        above |= {block.name for block in ancestor.find_all(nodes.Block)}
    if len(lineage) > 1:
        yield from _unshown(own, above)


def _unshown(own: nodes.Template, above: set[str]) -> Iterator[tuple[int, str]]:
    inner = {block.name for outer in own.find_all(nodes.Block) for block in outer.find_all(nodes.Block)}
    for block in own.find_all(nodes.Block):
        is_sentence = re.match("(on|run)_", block.name)
        if block.name not in above | inner and not is_sentence:
            there = f"there are {', '.join(sorted(above))}" if above else "there are none above it"
            like = meant(block.name, above)
            yield block.lineno, f"nothing shows a block {block.name}; {f'did you mean {like}? ' if like else ''}{there}"


def _named(node: nodes.Stmt) -> str:
    """The template that is extended or imported; empty where an expression chooses it."""
    template = getattr(node, "template", None)
    return str(template.value) if isinstance(template, nodes.Const) else ""
