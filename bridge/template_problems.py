"""What is wrong with templates before there is any event: for who writes them, and for the doctor."""

from collections.abc import Iterator

from jinja2 import Environment, TemplateError, TemplateNotFound, nodes


def problems(environment: Environment) -> list[str]:
    """A sentence each, with the template and mostly the line.

    A template does not compile, is not UTF-8, extends or imports what is not there, extends itself, or fills a block
    that no template above it has: Jinja leaves that out without a word.
    """
    names = environment.list_templates(extensions=["html"])
    return [
        f"{name}{f', line {line}' if line else ''}: {what}" for name in names for line, what in _of(environment, name)
    ]


def _of(environment: Environment, name: str) -> Iterator[tuple[int, str]]:
    try:
        environment.get_template(name)
        tree = _tree(environment, name)
    except UnicodeDecodeError as error:
        yield 0, f"it is not saved as UTF-8 ({error.reason}, byte {error.start})"
    except TemplateError as error:
        yield getattr(error, "lineno", None) or 0, str(error)
    else:
        yield from _missing(environment, tree)
        yield from _misplaced(environment, name, tree)


def _missing(environment: Environment, tree: nodes.Template) -> Iterator[tuple[int, str]]:
    for node in tree.find_all((nodes.Extends, nodes.Import, nodes.FromImport)):
        if not (name := _named(node)):
            continue
        try:
            _tree(environment, name)
        except TemplateNotFound:
            yield node.lineno, f"there is no template {name}"
        except (TemplateError, UnicodeDecodeError):
            pass  # told of that template itself


def _misplaced(environment: Environment, name: str, tree: nodes.Template) -> Iterator[tuple[int, str]]:
    lineage: list[str] = [name]
    above: set[str] = set()
    ancestor = tree
    while extends := ancestor.find(nodes.Extends):
        parent = _named(extends)
        if parent in lineage:
            yield 0, f"it extends itself ({' -> '.join([*lineage, parent])}); the bridge's own is default:{name}"
            return
        try:
            ancestor = _tree(environment, parent)
        except (TemplateError, UnicodeDecodeError):
            return  # which blocks it has cannot be said
        lineage.append(parent)
        above |= {block.name for block in ancestor.find_all(nodes.Block)}
    if len(lineage) > 1:
        yield from _unshown(tree, above)


def _unshown(tree: nodes.Template, above: set[str]) -> Iterator[tuple[int, str]]:
    inner = {block.name for outer in tree.find_all(nodes.Block) for block in outer.find_all(nodes.Block)}
    for block in tree.find_all(nodes.Block):
        if block.name not in above | inner:
            yield block.lineno, f"nothing shows a block {block.name}; there are {', '.join(sorted(above))}"


def _named(node: nodes.Stmt) -> str:
    """The template that is extended or imported; empty where an expression chooses it."""
    template = getattr(node, "template", None)
    return str(template.value) if isinstance(template, nodes.Const) else ""


def _tree(environment: Environment, name: str) -> nodes.Template:
    if environment.loader is None:
        raise TemplateNotFound(name)
    return environment.parse(environment.loader.get_source(environment, name)[0])
