"""Jinja's errors in the words of this project: what is wrong with an expression or a template, and where."""

import re
from collections.abc import Callable, Iterator

from jinja2 import Environment, TemplateError, TemplateNotFound, TemplateSyntaxError, nodes

from bridge.spelling import hint

TOO_DEEP = "it is nested too deeply"
# What Python raises for what Jinja makes of a text that is nested too deeply, or that joins hundreds of parts.
LIMITS_OF_PYTHON = (RecursionError, SyntaxError, MemoryError)

_TAGS = ("block", "call", "extends", "filter", "for", "from", "if", "import", "include", "macro", "set", "with")
_ENDS = {"print statement": "expression", "statement block": "tag", "template": "template"}

# Each of Jinja's sentences, with ours.
_SENTENCES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"expected token 'end of [^']+', got '='$", lambda _: "`=` assigns: compare with `==`"),
        (r"(?:[Ee]xpected .*, got|unexpected) 'end of (print statement|statement block)'", lambda m: _too_early(m[1])),
        (r"Encountered unknown tag '(\w+)'. Jinja was .* closed is '(\w+)'",
         lambda m: f"`{m[1]}` comes before `end{m[2]}`: the `{m[2]}` that is open must be closed first"),
        (r"Encountered unknown tag '(end\w+|el\w+)'", lambda m: f"`{m[1]}` stands where nothing is open"),
        (r"Encountered unknown tag '(\w+)'", lambda m: f"there is no tag `{m[1]}`{hint(m[1], _TAGS)}"),
        (r"Unexpected end of template.* is '(\w+)'", lambda m: f"`{m[1]}` is not closed: `end{m[1]}` is missing"),
        (r"unexpected end of template", lambda _: "the template ends within a tag or an expression"),
        (r"unexpected '[^']*', expected '(.)'", lambda m: f"a `{m[1]}` is missing"),
        (r"unexpected char ([\"'])\1?(['\"])\1? at", lambda m: f"a text begins with `{m[2]}` and does not end"),
        (r"unexpected char (['\"])(.)\1 at", lambda m: f"`{m[2]}` is no operator{_operator(m[2])}"),
        (r"(?:unexpected|.*, got) '([^']+)'", lambda m: f"`{m[1]}` stands where nothing of the kind can"),
        (r"expected name or number", lambda _: "a name is missing after a dot"),
        (r"Missing end of comment", lambda _: "a comment is not closed"),
        (r"Missing end of raw", lambda _: "`raw` is not closed: `endraw` is missing"),
        (r"block '(\w+)' defined twice", lambda m: f"there are two blocks `{m[1]}`"),
        (r"tag name expected", lambda _: "a tag is empty"),
        (r"invalid syntax for function call", lambda _: "the arguments of a call are in the wrong order"),
        (r"can't assign to", lambda _: "a value is assigned to what is no name"),
    )
)  # fmt: skip


def parsed(environment: Environment, text: str) -> nodes.Template:
    """The parts of a template; TemplateSyntaxError also where Python cannot follow how deeply it is nested."""
    try:
        return environment.parse(text)
    except RecursionError:
        raise TemplateSyntaxError(TOO_DEEP, 0) from None


def translated(error: TemplateError) -> str:
    """What is wrong with a template; Jinja's own sentence where it is none of those that are known here."""
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name}"
    text = (error.message or type(error).__name__).split("\n")[0]
    return next((sentence(match) for pattern, sentence in _SENTENCES if (match := pattern.match(text))), text)


def fault(environment: Environment, text: str) -> str:
    """What is wrong with the text as an expression, with the part that is at fault; an empty string if nothing is."""
    if not text.strip():
        return ""
    try:
        tree = parsed(environment, "{{ " + text + " }}")
    except TemplateError as error:
        return f"{translated(error)}: `{text}`"
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output) or len(tree.body[0].nodes) != 1:
        return f"it is more than one expression: `{text}`"
    return next((f"{what}: `{text}`" for _, what in functions(environment, tree)), "")


def functions(environment: Environment, tree: nodes.Node) -> Iterator[tuple[int, str]]:
    """What is wrong with filters, tests and calls, with its lines: Jinja finds some of it only at use."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        kind, known = ("filter", environment.filters) if isinstance(node, nodes.Filter) else ("test", environment.tests)
        if node.name not in known:
            yield node.lineno, f"there is no {kind} `{node.name}`{hint(node.name, known)}"
    for call in tree.find_all(nodes.Call):
        given = [argument.key for argument in call.kwargs]
        yield from ((call.lineno, f"`{name}` is given twice") for name in sorted({*given}) if given.count(name) > 1)


def _too_early(what: str) -> str:
    return f"the {_ENDS[what]} ends too early"


def _operator(character: str) -> str:
    instead = {"&": "and", "!": "not", "?": "... if ... else ..."}.get(character)
    return f"; write `{instead}`" if instead else ""
