"""What people write into routes, declared sources and templates reaches no Python object, file or environment."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.events import Event, Webhook
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
SECRET = "a-secret-of-the-environment"
GROUP = "3c1d0d4e-0000-4000-8000-000000000001"
ROUTES = """
[groups]
reached = "3c1d0d4e-0000-4000-8000-000000000002"
[[route]]
when = '''{escape}'''
groups = ["reached"]
"""
PATHS = [
    "payload.__class__.__mro__",
    "payload['__class__']",
    "payload|attr('__class__')",
    "(payload|attr('__init__'))|attr('__globals__')",
    "''.__class__.__base__.__subclasses__()",
    "[].__class__.__base__",
    "payload.get.__self__.__class__",
    "payload.keys.__func__",
    "'{0.__class__}'.format(payload)",
    "'{p.__class__}'.format_map({'p': payload})",
    "'%s'|format(payload.__class__)",
    "payload|map(attribute='__class__')|select|list",
    "[payload]|map(attribute='__class__.__mro__')|select|list",
    "[payload]|map('attr', '__class__')|select|list",
    "({}).__class__.__init__.__globals__['os'].environ['SECRET_OF_A_TEST']",
    "(payload.items() if false else ''.join.__self__.__class__)",
]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_A_TEST", SECRET)


def event(**changes: object) -> Event:
    return Event(**{"source": "pump", "kind": "stuck", "delivery": "d", "correlation_key": "t", "title": "x",
                    "payload": {"a": 1}, **changes})  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_route_reaches_nothing(path: str) -> None:
    decision = Configuration.of(Settings(GROUP, ROUTES.format(escape=path))).routes.decide(event())
    assert [target.group for target in decision.targets] == [GROUP]


@pytest.mark.parametrize("path", [*PATHS, "header.__func__.__globals__", "header.__self__", "query.__class__"])
def test_a_declared_source_reaches_nothing(path: str) -> None:
    form = json.dumps(path)
    table = (
        f"[sources.pump]\n[sources.pump.event]\nkind = \"'stuck'\"\nsummary = {form}\n[sources.pump.facts]\nA = {form}"
    )
    (found,) = Configuration.of(Settings(GROUP, table)).sources["pump"].read(Webhook({}, b'{"a": 1}'))
    assert (found.kind, found.summary, found.facts) == ("stuck", "", ())


GLOBALS = [
    "lipsum.__globals__['os'].environ",
    "cycler.__init__.__globals__.os.environ",
    "joiner.__init__.__globals__",
    "namespace.__init__.__globals__",
    "self.__init__.__globals__",
    "self._TemplateReference__context",
    "field.func.__globals__",
    "field.func.__code__",
    "event.__dataclass_fields__",
    "event.__dict__",
    "event.severity.__class__.__mro__",
    "parts.__class__",
]
STATEMENTS = [
    "{% include '/etc/passwd' %}",
    "{% include '../function_app.py' %}",
    "{% include '../../../../etc/passwd' %}",
    "{% include 'default:../bridge/errors.py' %}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{% set _ = payload.update({'a': 2}) %}{{ payload.a }}",
    "{% for _ in range(10 ** 9) %}x{% endfor %}",
    "{% do payload.clear() %}",
]


@pytest.mark.parametrize("statement", [f"{{{{ ({path})|string }}}}" for path in PATHS + GLOBALS] + STATEMENTS)
def test_a_template_reaches_nothing(statement: str, tmp_path: Path) -> None:
    """It shows nothing there, or fails and gives way to the plainer one; the payload stays as it was."""
    extended = '{% extends "layout.html" %}{% block summary %}-{% endblock %}{% block body %}<tr><td>[' + statement
    (tmp_path / "pump").mkdir()
    (tmp_path / "pump" / "stuck.html").write_text(extended + "]</td></tr>{% endblock %}")
    pump = event()
    entry = Renderer(tmp_path).entry(pump, "0" * 32, Target(GROUP), NOW)
    assert "[]" in entry.html or entry.summary == "x: stuck"
    assert pump.payload == {"a": 1}
