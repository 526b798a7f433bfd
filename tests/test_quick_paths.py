"""The quick ways of receiving: each comes to what the thorough way comes to, and what it refuses is refused."""

import json
import subprocess
import sys
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest
from jinja2 import ChainableUndefined, DictLoader, Environment, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from bridge.deliveries import DeliveryRecord, EventRecord, Outcome, RouteTrial, from_text, to_text
from bridge.entries import fits_message, to_message
from bridge.errors import BadWebhook, TooDeep
from bridge.fields import parse_plain_json
from bridge.limits import MAX_DEPTH, MAX_MESSAGE
from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.sandbox import Sandbox
from bridge.rendering.template_bytecode import TemplateBytecode, compile_all
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.base import Source, decode_json
from bridge.sources.form_bodies import decoded
from tests.local_stack import ROOT

BODIES = [
    b"{}",
    b'{"a": 1, "a": 2}',
    b'{"a": [1.5, -0, -0.0, 1e5, 1e-400, true, null]}',
    b'{"a": "\\u00e9\\ud83d\\ude00 \\/ \\u0000"}',
    '{"é": "日本"}'.encode(),
    b'{"a": NaN, "b": -Infinity}',
    b'{"a": 1e400}',
    b'{"a": "half \\ud83d"}',
    b'{"half \\ud83d": 1}',
    b'{"a": "\xff"}',
    b"\xef\xbb\xbf{}",
    b'{"a": 9223372036854775807, "b": 18446744073709551615, "c": 18446744073709551616}',
    b'{"a": -9223372036854775809, "b": [12345678901234567890123]}',
    b'{"a": 123456789012345678901234567890}',
    b'{"a": 1234567890123456789012345678901234567890}',
    b'{"a": "1234567890123456789012345678901234567890"}',
    b'{"a": 0.12345678901234567890123}',
    b"null",
    b'"text"',
    b"[[[[[]]]]]",
    b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
]
NO_JSON = [
    b"",
    b"{",
    b"{'a': 1}",
    b'{"a": 01}',
    b'{"a": "\n"}',
    b"[1,]",
    b"nul",
    b"{} {}",
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"[" * 100_000,
]


def thorough(body):
    """What the standard decoder makes of a body."""
    value = json.loads(
        body.decode("utf-8-sig", "replace"), parse_int=lambda text: text if len(text) >= 30 else int(text)
    )
    return json.loads(json.dumps(value).replace('\\ud83d"', '\\ufffd"')) if b"half" in body else value


@pytest.mark.parametrize("body", BODIES)
def test_a_body_is_decoded_as_by_the_standard_decoder(body):
    assert repr(decode_json(body)) == repr(thorough(body))


def test_the_quick_decoder_takes_nothing_that_it_would_change():
    taken = [body for body in BODIES if parse_plain_json(body) is not None]
    assert len(taken) > len(BODIES) / 3
    assert all(repr(parse_plain_json(body)) == repr(json.loads(body)) for body in taken)


@pytest.mark.parametrize("body", NO_JSON)
def test_what_is_no_json_or_too_deep_is_refused_by_both(body):
    with pytest.raises(BadWebhook):
        decode_json(body)


OBJECTS = b'{"a":' * (MAX_DEPTH - 1)


@pytest.mark.parametrize("leaf", [b"{}", b'{"a": 1}', b"[]", b'["]"]', b'[{"a": 1.5}]'])
def test_levels_are_counted_to_the_last(leaf):
    fits, beyond = leaf.count(b"[{") == 0, OBJECTS + b'{"a":' + leaf + b"}" * MAX_DEPTH
    body = OBJECTS + leaf + b"}" * (MAX_DEPTH - 1)
    if fits:
        assert repr(decode_json(body)) == repr(json.loads(body))
    for each in [beyond] if fits else [body, beyond]:
        with pytest.raises(TooDeep):
            decode_json(each)


LONG = "1234567890123456789012345"
LONGS = [f'"b": {LONG}', f'"b": [1.5, {LONG}]', f'"b": {{"c": -{LONG}}}']


@pytest.mark.parametrize("other", ['"b": 1', '"b": 1.5', '"b": [{"c": [0.5]}]', *LONGS])
def test_a_long_run_of_digits_in_a_text_does_not_keep_a_body_from_the_quick_decoder(other):
    body = f'{{"a": "{LONG}", {other}}}'.encode()
    assert (parse_plain_json(body) is None) == (LONG in other)
    assert decode_json(body) == json.loads(body)


def test_nulls_are_left_out_wherever_they_are():
    body = json.dumps({"a": None, "b": [None, 1, {"c": None, "d": [None]}], "e": {"f": None}, "g": "null"}).encode()
    assert decoded("json", SimpleNamespace(body=body, header=lambda _: "")) == {
        "b": [1, {"d": []}],
        "e": {},
        "g": "null",
    }


class Own:
    public, _hidden = "seen", "unseen"

    def method(self):
        return "called"


VALUES = [
    {"a": 1, "items": 2, "_a": 3}, {}, [1], (1,), {1}, "text", Markup("<b>"), 1, 1.5, None, True, Own(), Own, len,
    Own().method, (one for one in ()), ChainableUndefined(), lambda: 1, SimpleNamespace(format="{}".format),
]  # fmt: skip
NAMES = [
    "a", "items", "_a", "__class__", "mro", "append", "pop", "clear", "update", "keys", "format", "format_map", "upper",
    "public", "_hidden", "method", "gi_frame", "__globals__", "func_code", "missing", "real",
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("undefined", [ChainableUndefined, StrictUndefined])
def test_the_sandbox_allows_and_refuses_what_jinjas_own_does(value, undefined):
    ours, jinjas = Sandbox(undefined=undefined), ImmutableSandboxedEnvironment(undefined=undefined)
    for name in NAMES * 2:  # the second time as it is remembered
        found, expected = (each.getattr(value, name) for each in (ours, jinjas))
        assert type(found) is type(expected), name
        if isinstance(expected, undefined):
            assert found._undefined_exception is expected._undefined_exception
            assert found._undefined_message == expected._undefined_message
        elif not callable(expected):
            assert found is expected or found == expected


def test_the_sandbox_remembers_only_so_much():
    ours = Sandbox(undefined=ChainableUndefined)
    for number in range(6000):
        ours.getattr(ChainableUndefined(), f"name_{number}")
    assert len(ours._safe) <= 5000


TEMPLATES = [
    "{{ value }}", "{{ value ~ '<' }}", "{{ value|string|upper }}", "{% set x %}{{ value }}{% endset %}{{ x }}",
    "{% macro m(a) %}{{ a }}{{ caller() if caller }}{% endmacro %}{{ m(value) }}{% call m(value) %}<{% endcall %}",
    "{% block b %}{{ value }}{% endblock %}{{ self.b() }}", "{% autoescape false %}{{ value }}{% endautoescape %}",
    "{{ '<b>'|safe }}{{ '&' }}{{ 1 }}{{ none }}{{ missing.more }}", "{{ [value]|select('string')|list|length }}",
    "{{ [1, 2, 3]|select('divisibleby', 2)|list }}", "{{ [value]|select('none')|list }}",
]  # fmt: skip


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_sandbox_writes_what_jinjas_own_writes(template):
    ours = environment(OwnTemplates())
    jinjas = ImmutableSandboxedEnvironment(
        autoescape=True, undefined=ChainableUndefined, finalize=ours.finalize, trim_blocks=True, lstrip_blocks=True
    )
    for value in ["<i>&\"'", "", "x\u200by\xad", Markup("<i>\u200b"), 0, 1.5, None, [], ["<"], {"a": "<"}, True]:
        expected = jinjas.from_string(template).render(value=value)
        assert ours.from_string(template).render(value=value) == expected


def test_compiled_templates_are_taken_only_whole_and_of_the_same_text(tmp_path, monkeypatch):
    def loaded():
        return Environment(loader=DictLoader(texts), bytecode_cache=TemplateBytecode(tmp_path)).get_template("a.html")

    texts = {"a.html": "{{ 6 * 7 }}"}
    compile_all(Environment(loader=DictLoader(texts)), tmp_path)
    compiled = Environment.compile
    monkeypatch.setattr(Environment, "compile", lambda *_: pytest.fail("a template was compiled"))
    assert loaded().render() == "42"
    monkeypatch.setattr(Environment, "compile", compiled)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for text in (whole[:-9], whole[:9], b"", b"x" * len(whole)):
        file.write_bytes(text)
        assert loaded().render() == "42"
    file.write_bytes(whole)
    texts["a.html"] = "{{ 6 * 8 }}"
    assert loaded().render() == "48"


SELECTIONS = [
    "select", "reject", "select('string')", "reject('none')", "select('startingwith', 'a')", "select('divisibleby', 2)",
    "select('in', ['a', 1])", "selectattr('a')", "rejectattr('a')", "selectattr('a', 'equalto', 1)",
    "selectattr('a.b')", "selectattr('items')", "selectattr('0')", "selectattr(0)", "rejectattr('a.b', 'defined')",
    "selectattr('__class__')", "map(attribute='a')", "map(attribute='a.b')", "map(attribute='items')",
    "map(attribute='a', default='x')", "map('upper')", "map('default', 'x')", "map(attribute=0)", "selectattr", "map",
    "select('missing')", "select('filter', 'x')",
]  # fmt: skip
LISTS = [
    [],
    None,
    ["a", "b", "", 1, 2, None, 1.5],
    [{"a": 1}, {"a": {"b": 2}}, {"b": 1}, {}, {"items": 0}],
    ["ab", ("x", 1), [0]],
]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_items_are_chosen_as_jinjas_own_filters_choose_them(selection):
    jinjas = ImmutableSandboxedEnvironment(undefined=ChainableUndefined)
    jinjas.tests["startingwith"] = (ours := Sandbox(undefined=ChainableUndefined)).tests["startingwith"] = startingwith
    for items in LISTS:
        expected, found = (outcome(each, f"{{{{ items|{selection}|list }}}}", items) for each in (jinjas, ours))
        assert found == expected


def startingwith(value, start):
    return isinstance(value, str) and value.startswith(start)


def outcome(environment, template, items):
    try:
        return environment.from_string(template).render(items=items)
    except Exception as error:  # noqa: BLE001  whatever it is, both must fail alike
        return type(error), str(error)


def test_a_message_that_need_not_be_written_fits_for_certain(entry_of):
    for html in ("<b>" * 100, '"' * 15_000, "\\" * 22_000, "é" * 11_000, "\U0001f600" * 5_000, '"' * 30_000):
        for text in ("", "x" * 255, '"' * 255, "\x1f" * 255, "\U0001f600" * 120):
            entry = entry_of(html=html, topic=text, news=text, excerpt=text, notes=((text, text),) * 4)
            assert fits_message(entry) == (len(to_message(entry).encode()) <= MAX_MESSAGE)


TEXTS = ["", 'a"b\\c', "\x00\x1f\x7f\n", "é\u2028\U0001f600", "</script>"]


@pytest.mark.parametrize("text", TEXTS)
def test_messages_are_written_as_the_standard_encoder_writes_them(entry_of, text):
    entry = entry_of(html=text, topic=text, notes=((text, text),), participants=(text,), trace=text)
    record = replace(RECORD, reason=text, headers=((text, text),), events=(replace(EVENT, title=text),))
    assert to_message(entry) == written(json.loads(to_message(entry)))
    assert to_text(record) == written(json.loads(to_text(record)))
    assert from_text(to_text(record)) == record


def test_a_message_with_half_a_character_is_written_as_the_standard_encoder_writes_it(entry_of):
    entry = entry_of(topic="half \ud800")
    assert to_message(entry) == written(json.loads(to_message(entry)))


def written(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


TRIAL = RouteTrial(2, "true", "matches", "kind = push")
EVENT = EventRecord("push", severity="info", trials=(TRIAL,), groups=("g",), entries=("e",), unknown=("u",))
RECORD = DeliveryRecord("e" * 16, 1795913334.904409, "github", Outcome.ACCEPTED, 202, events=(EVENT,), took=0.0012)


@pytest.fixture
def entry_of():
    from tests.test_entries import ENTRY

    return lambda **changes: replace(ENTRY, **changes)


def test_the_registry_knows_of_each_source_what_the_source_says():
    default = {field.name: field.default for field in fields(Source)}["by_published_keys"]
    everything = Settings(azure_monitor_audience=("a",), aws_sns_topics=("arn:aws:sns:eu-west-1:123456789012:pumps",))
    for name, source in SOURCES.items():
        assert (source.name, source.path, source.methods) == (name, SOURCES.path(name), SOURCES.methods(name))
        with_keys = source.by_published_keys is not default
        assert (SOURCES.authentication(name, everything) is not None) == with_keys
        assert SOURCES.authentication(name, Settings()) is None


STARTS = """
import sys
import azure.functions, jinja2.sandbox, pathlib
libraries = {*sys.modules}
import function_app
print(*sorted({*sys.modules} - libraries))
"""


def test_a_worker_starts_with_the_sources_of_its_settings_alone():
    env = {"BRIDGE_GROUP": "3c1d0d4e-0000-4000-8000-000000000001", "PATH": "", "BRIDGE_GRAFANA_SECRET": "x" * 24}
    run = subprocess.run([sys.executable, "-c", STARTS], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    loaded = run.stdout.split()
    assert "bridge.sources.grafana" in loaded
    # Neither Markdown's libraries nor tomllib and zoneinfo, which compile expressions and look at the system.
    of_others = [name for name in loaded if name != "bridge" and not name.startswith("bridge.")]
    assert of_others == ["function_app", "gc", "jinja2.meta"]
    others = {name.split(".")[2] for name in loaded if name.startswith("bridge.sources.")} & {*SOURCES}
    assert others == {"grafana"}
    unused = ("publishing", "outbox.sqlite", "graph", "doctor", "calendar", "configuration.expectation_tables")
    assert [name for name in loaded if name.startswith(tuple(f"bridge.{each}" for each in unused))] == []
