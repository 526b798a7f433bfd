"""What a person reads after a mistake: each names what is wrong, where it stands, and what was meant."""

import pytest
from jinja2 import DictLoader

from bridge.configuration import Configuration
from bridge.errors import SettingsError
from bridge.rendering.environment import environment
from bridge.rendering.expressions import fault
from bridge.rendering.template_problems import problems
from bridge.settings.toml_lines import line_of, lines
from bridge.spelling import hint, is_slip, meant

GROUP = "00000000-0000-4000-8000-0000000000d0"

EXPRESSIONS = {
    "severity >= ": "is not an expression: the expression ends too early: `severity >= `",
    "'a' in": "is not an expression: the expression ends too early: `'a' in`",
    "kind = 'push'": "is not an expression: `=` assigns: compare with `==`: `kind = 'push'`",
    "kind && title": "is not an expression: `&` is no operator; write `and`: `kind && title`",
    "kind ! 'push'": "is not an expression: `!` is no operator; write `not`: `kind ! 'push'`",
    "(kind == 'push'": "is not an expression: a `)` is missing: `(kind == 'push'`",
    "kind == 'push')": "is not an expression: `)` stands where nothing of the kind can: `kind == 'push')`",
    "attributes[": "is not an expression: a `]` is missing: `attributes[`",
    "attributes.": "is not an expression: a name is missing after a dot: `attributes.`",
    "kind == 'push": "is not an expression: a text begins with `'` and does not end: `kind == 'push`",
    'kind == "push': 'is not an expression: a text begins with `"` and does not end: `kind == "push`',
    "kind title": "is not an expression: `title` stands where nothing of the kind can: `kind title`",
    "kind }} {{ title": "is not an expression: it is more than one expression: `kind }} {{ title`",
    "kind|lowr": "is not an expression: there is no filter `lowr`; did you mean `lower`?: `kind|lowr`",
    "kind is globb('x')": "is not an expression: there is no test `globb`; did you mean `glob`?: `kind is globb('x')`",
    "kind.split(sep=1, sep=2)": "is not an expression: `sep` is given twice: `kind.split(sep=1, sep=2)`",
    "sevrity > 'info'": "has an unknown name 'sevrity'; did you mean `severity`?",
    "": "",
}

TEMPLATES = {
    "{% blok a %}{% endblok %}": "there is no tag `blok`; did you mean `block`?",
    "{% block a %}x": "`block` is not closed: `endblock` is missing",
    "{% if event %}x{% endblock %}": "`endblock` comes before `endif`: the `if` that is open must be closed first",
    "{% endblock %}": "`endblock` stands where nothing is open",
    "{{ event ": "the template ends within a tag or an expression",
    "{{ event.title| }}": "the expression ends too early",
    "{% for x in %}{% endfor %}": "the tag ends too early",
    "{{ event.title|upperr }}": "there is no filter `upperr`; did you mean `upper`?",
    "{% if event is definedd %}{% endif %}": "there is no test `definedd`; did you mean `defined`?",
    "{# a": "a comment is not closed",
    "{% raw %}a": "`raw` is not closed: `endraw` is missing",
    "{% block a %}{% endblock %}{% block a %}{% endblock %}": "there are two blocks `a`",
    "{{ 'a }}": "a text begins with `'` and does not end",
    "{{ event ? 1 : 2 }}": "`?` is no operator; write `... if ... else ...`",
    "{% %}": "a tag is empty",
    "{% extends 'nowhere.html' %}": "there is no template nowhere.html",
}

GROUPS = f'[groups]\nplatform = "{GROUP}"\n'
CONFIGS = {
    '\n[[route]]\nwhne = "true"\ngroups = []': "route 1 has an unknown key 'whne'; did you mean `when`? (line 3 of",
    f'{GROUPS}[[route]]\n\ngroups = ["platfrom"]': "route 1: 'platfrom' is not a group's object id or a name of "
    "[groups]; did you mean `platform`? (line 5 of",
    '[[route]]\ngroups = []\n[[route]]\nwhen = """\nkind =="""\ngroups = []': "route 2: `when` is not an expression: "
    "the expression ends too early: `kind ==` (line 4 of",
    '[sources.a]\n[sources.a.event]\ntitel = "item.a"': "the source a: `event` has an unknown key 'titel'; did you "
    "mean `title`? (line 3 of",
    '[sources.a]\nextends = "updwn"': "must be one of the bridge's own sources; did you mean `updown`? (line 2 of",
    '[groups]\nops = "x"': "the group ops is not a group's object id: copy the id from the group's page in "
    "Entra (line 2 of",
    "[groups\n": "BRIDGE_CONFIG is not TOML: Expected ']' at the end of a table declaration (at line 1, column 8 of",
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_that_is_wrong(text):
    names = {"kind", "title", "severity", "attributes"}
    assert fault(text, names) == EXPRESSIONS[text]


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_that_is_wrong(text):
    sandbox = environment(DictLoader({"own.html": f"\n{text}"}))
    sentence = next(iter(problems(sandbox, ["own.html"])))
    assert sentence.startswith(f"own.html, line 2: {TEMPLATES[text]}")


@pytest.mark.parametrize("text", CONFIGS)
def test_a_configuration_that_is_wrong(text, tmp_path):
    (tmp_path / "bridge.toml").write_text(text)
    with pytest.raises(SettingsError) as raised:
        Configuration.from_env({"BRIDGE_GROUP": GROUP, "BRIDGE_CONFIG": str(tmp_path / "bridge.toml")})
    assert any(f"{CONFIGS[text]} bridge.toml)" in problem for problem in raised.value.problems), raised.value.problems


def test_a_choice_that_is_misspelt_names_the_one_that_was_meant():
    with pytest.raises(SettingsError, match="must be one of threads, mail; did you mean `threads`"):
        Configuration.from_env({"BRIDGE_GROUP": GROUP, "BRIDGE_CHANNEL": "thread"})


def test_lines_of_a_text():
    text = '\n[a]\nb.c = 1\n"d e" = """\n[f]\ng = 1\n"""\n[[r]]\n[r.s]\nx = 1\n[[r]]\ny = [\n 1 ]\n'
    found = lines(text)
    paths = [("a",), ("a", "b", "c"), ("a", "d e"), ("f",), ("r", 0, "s", "x"), ("r", 1, "y"), ("r", 1, "z"), ("r", 5)]
    assert [line_of(found, path) for path in paths] == [2, 3, 4, 0, 10, 12, 11, 0]


def test_names_that_are_alike():
    slips = ["branh", "brnach", "branchh", "bronch", "ranch"]
    assert [is_slip(one, "branch") for one in (*slips, "branch", "bnrahc", "brach!", "")] == [True] * 5 + [False] * 4
    assert (meant("SECERT", ["SECRET", "SECTOR"]), meant("xyz", ["branch"])) == ("SECRET", "")
    assert hint("xyz", ["b", "a"], "x.") == "; there are `x.a`, `x.b`"
    assert hint("xyz", [f"n{number}" for number in range(20)]) == ""
