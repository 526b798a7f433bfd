"""The alerts' and the workbook's queries, against the log lines that the bridge writes."""

import json
import re
from dataclasses import replace

import pytest

import function_app
from bridge import tracing
from bridge.errors import AccessRefused, ContentRefused, NotSent, OutcomeUnknown
from bridge.events import Webhook
from bridge.receiving.refusals import Refusals
from bridge.steps import FIELDS
from tests.arm_template import Template
from tests.local_stack import ROOT
from tests.outbox_stand_ins import entry
from tests.publishing_simulation import Simulation
from tests.test_receiver import ISSUE, receiver, signed
from tests.test_template import DOCUMENT, EVERYTHING
from tools import monitoring

QUERIES = {path.stem: monitoring.query(path.stem) for path in monitoring.QUERIES.glob("*.kql")}
_DOCS = (ROOT / "docs/log.md").read_text("utf-8")
OF_DOCS = re.findall(r"```kusto\n(.*?)```", _DOCS, re.DOTALL)
OF_STEPS = {name: text for name, text in QUERIES.items() if "parse_json(Message)" in text}
CHARTS = [chart.name for charts in monitoring.CHARTS.values() for chart in charts]
# https://learn.microsoft.com/azure/azure-monitor/reference/tables-index
COLUMNS = {
    "AppTraces": {"TimeGenerated", "Message"},
    "AppRequests": {"Name", "Success", "ResultCode", "DurationMs"},
    "Usage": {"IsBillable", "Quantity", "DataType"},
}


def written(tmp_path, steps):
    """A line of each step, as the receiver and the publisher write it."""
    body = json.dumps(ISSUE).encode()
    drop = receiver('[[route]]\nwhen = "True"\ngroups = []')
    drop.receive("github", signed(body))
    receiver().receive("github", signed(body))
    receiver().receive("github", signed(b"{}", event="ping"))
    receiver().receive("github", Webhook({}, b"{}"))
    receiver().receive("github", signed(b"no json"))
    now = [0.0]
    many = replace(receiver(), refusals=Refusals(most=1, clock=lambda: now[0]))
    many.receive("github", Webhook({}, b"{}"))
    many.receive("github", Webhook({}, b"{}"))
    now[0] = 100.0
    many.refusals.flush()
    simulation = Simulation(tmp_path)
    for number, fault in enumerate((None, NotSent("no"), OutcomeUnknown("504"), ContentRefused("400"))):
        simulation.channel.faults = [fault] if fault else []
        simulation.put(entry(number, str(number)), entry(number, str(number)))
        simulation.run(120)
    # The same signed body, sent to two places.
    for number, place in ((7, "here"), (8, "there")):
        simulation.put(replace(entry(number, "seven"), content="the same", place=place, place_window=900.0))
    simulation.run(20)
    simulation.publisher.requeue(*simulation.publisher.dead_letters())
    simulation.channel.faults = [AccessRefused("403")] * 50
    simulation.put(entry(9, "nine"))
    simulation.run(20)
    simulation.clock.now += 3600
    simulation.publisher.sweep()
    simulation.close()
    lines = {}
    for _, line in steps():
        lines.setdefault(line["step"], set()).update(line)
    return lines


@pytest.fixture
def lines(tmp_path, steps):
    return written(tmp_path, steps)


@pytest.fixture
def all_lines(tmp_path, steps):
    """Each line, as one webhook's operation wrote it."""
    with tracing.within(tracing.new()):
        written(tmp_path, steps)
    return [line for _, line in steps()]


def filtered(text):
    """The steps that a query asks for; empty: all."""
    found = re.findall(r'step (?:in \(([^)]*)\)|== ("\w+"))', text)
    return {step for group in found for part in group for step in re.findall(r'"(\w+)"', part)}


def test_every_step_leaves_a_line_here(lines):
    asked = {step for text in OF_STEPS.values() for step in filtered(text)}
    assert asked <= lines.keys()


@pytest.mark.parametrize("name", OF_STEPS)
def test_every_field_of_a_query_is_in_the_lines_of_its_steps(name, lines):
    text = OF_STEPS[name]
    asked = filtered(text) or set(lines)
    fields = set(re.findall(r"\bline\.(\w+)", text))
    assert fields
    assert fields <= set().union(*(lines[step] for step in asked))


def conditions(text):
    """The conditions of a query's lines: as functions of a line's text and fields."""
    for where in re.findall(r"^\| where (.*)$", text, re.MULTILINE):
        terms = [term for part in where.split(" or ") for term in part.split(" and ")]
        every = all if " and " in where else any
        yield lambda line, terms=terms, every=every: every(is_so(term.strip(), line) for term in terms)


def is_so(term, line):
    """Whether a condition of the queries in the docs holds for a line; AssertionError for one of another form."""
    text = json.dumps(line, ensure_ascii=False)
    if match := re.fullmatch(r"Message (startswith|has) (['\"])(.*)\2", term):
        wanted = match[3].replace("<token>", str(line.get("token")))
        return text.startswith(wanted) if match[1] == "startswith" else wanted in text
    if match := re.fullmatch(r"(?:line\.|tostring\(parse_json\(Message\)\.)(\w+)\)? == \"(.*)\"", term):
        # A placeholder stands for what some line has there.
        return match[1] in line if match[2].startswith("<") else line.get(match[1]) == match[2]
    if match := re.fullmatch(r"line\.(\w+) in \((.*)\)", term):
        return line.get(match[1]) in re.findall(r'"(\w+)"', match[2])
    if term.startswith("OperationId =="):
        return False
    raise AssertionError(term)


@pytest.mark.parametrize("text", OF_DOCS)
def test_a_query_of_the_docs_finds_lines_that_have_what_it_reads(text, all_lines):
    every = list(conditions(text))
    found = [line for line in all_lines if all(condition(line) for condition in every)]
    assert found
    read = set(re.findall(r"\b(?:line|parse_json\(Message\))(?:\.|\[\")(\w+)", text))
    assert read <= set().union(*found)
    # What it shows has to be in some line of each of the steps that it asks for by their names.
    asked = filtered(text)
    assert asked <= {line["step"] for line in found}


def test_the_docs_ask_for_drops_and_refusals_and_for_one_delivery(all_lines):
    asked = [filtered(text) for text in OF_DOCS]
    assert {"refused", "ignored", "dropped"} in asked
    delivery = next(text for text in OF_DOCS if "line.delivery ==" in text)
    found = {line["step"] for line in all_lines if all(condition(line) for condition in conditions(delivery))}
    assert {"refused", "ignored", "dropped", "received", "delivered"} <= found


def test_a_query_that_reads_what_no_line_has_is_noticed(all_lines):
    with pytest.raises(AssertionError):
        test_a_query_of_the_docs_finds_lines_that_have_what_it_reads(
            OF_DOCS[0].replace("line.reason", "line.why"), all_lines
        )


def test_the_docs_list_every_field_of_the_lines():
    table = _DOCS.partition("| field | meaning |")[2].partition("\n\n")[0]
    listed = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.partition(" | ")[0])}
    assert listed == FIELDS.keys() - {"step"}


@pytest.mark.parametrize("name", ["not_posted", "not_delivered", "late_groups", "delay"])
def test_every_step_has_what_a_query_tells_it_apart_by(name, lines):
    needed = {
        "not_posted": {"source", "reason"},
        "not_delivered": {"entry", "group", "reason"},
        "late_groups": {"group"},
    }
    for step in filtered(OF_STEPS[name]):
        assert needed.get(name, {"entry", "source"}) <= lines[step], step


def test_a_line_of_the_log_begins_as_the_queries_expect(steps, caplog):
    receiver().receive("github", Webhook({}, b"{}"))
    (record,) = [record for record in caplog.records if record.name == "bridge.steps"]
    assert record.getMessage().startswith('{"step": "refused"')
    for text in QUERIES.values():
        for start in re.findall(r"Message startswith '([^']*)'", text):
            assert '{"step": "dead"'.startswith(start[:7])


@pytest.mark.parametrize("name", QUERIES)
def test_queries_are_whole_and_ask_columns_that_are_there(name):
    text = QUERIES[name]
    bare = re.sub(r'"[^"]*"|\'[^\']*\'', "''", text)
    assert bare.count("(") == bare.count(")")
    assert not text.startswith("[")
    tables = set(re.findall(r"\b(App\w+|Usage)\b", bare))
    known = set().union(*(COLUMNS[table] for table in tables))
    own = set(re.findall(r"(\w+) = ", bare)) | {"TimeGenerated"}
    capitals = {word for word in re.findall(r"\b[A-Z]\w+\b", bare) if word not in {"Delivery", "Memory"}}
    assert capitals - tables <= known | own
    first = (monitoring.QUERIES / f"{name}.kql").read_text().splitlines()[0]
    assert first.startswith("// ")
    assert first.endswith(".")


def test_every_query_is_in_an_alert_or_in_the_workbook():
    alerts = {f"alert_{alert.name.replace('-', '_')}" for alert in monitoring.ALERTS}
    assert alerts | set(CHARTS) == QUERIES.keys()
    assert len(CHARTS) == len(set(CHARTS))


def test_the_workbook_is_what_azure_can_draw():
    template = Template(DOCUMENT, EVERYTHING)
    (workbook,) = [r for r in template.resources() if r.type == "Microsoft.Insights/workbooks"]
    content = json.loads(workbook.body["properties"]["serializedData"])
    workspace = template.variable("workspaceId")
    assert content["version"] == "Notebook/1.0"
    assert content["fallbackResourceIds"] == [workspace] == [workbook.body["properties"]["sourceId"]]
    (parameters,) = [item["content"]["parameters"] for item in content["items"] if item["type"] == 9]
    names = {parameter["name"]: parameter["value"] for parameter in parameters}
    assert names["Memory"] == "512"
    queries = [item["content"] for item in content["items"] if item["type"] == 3]
    assert len(queries) == len(CHARTS)
    for query in queries:
        assert query["timeContextFromParameter"] in names
        assert set(re.findall(r"\{(\w+)\}", query["query"])) <= names.keys()
        assert query["crossComponentResources"] == [workspace]
        assert query["resourceType"] == "microsoft.operationalinsights/workspaces"
    assert len({item["name"] for item in content["items"]}) == len(content["items"])


def test_alerts_are_those_that_operators_need():
    names = {alert["name"]: alert for alert in DOCUMENT["variables"]["alerts"]}
    assert names.keys() == {"dead-letters", "late", "failures", "poison-queue", "silent"}
    # The host calls a function successful that answers 503.
    assert "toint(ResultCode) >= 500" in names["failures"]["query"]
    # Health answers 503 for groups on hold, which have an alert of their own.
    assert all(f'"{name}"' in names["failures"]["query"] for name in ("health", "health_details", "doctor"))
    assert f"'{function_app._QUEUE}-poison'" in names["poison-queue"]["query"]


def test_functions_that_queries_name_are_there():
    code = (ROOT / "function_app.py").read_text()
    for text in QUERIES.values():
        for names in re.findall(r"Name (?:!in|in|==) \(?([^)\n]*)", text):
            for name in re.findall(r'"(\w+)"', names):
                assert f'function_name("{name}")' in code


def test_the_sweep_runs_more_often_than_the_silent_alert_looks_back():
    code = (ROOT / "function_app.py").read_text()
    assert 'schedule="0 */5 * * * *"' in code
    (silent,) = [alert for alert in DOCUMENT["variables"]["alerts"] if alert["name"] == "silent"]
    assert silent["window"] == "PT30M"


def test_requests_and_traces_are_not_sampled():
    sampling = json.loads((ROOT / "host.json").read_text())["logging"]["applicationInsights"]["samplingSettings"]
    assert {"Request", "Trace"} <= set(sampling["excludedTypes"].split(";"))


@pytest.mark.parametrize("alert", monitoring.ALERTS, ids=lambda alert: alert.name)
def test_azure_takes_how_often_an_alert_looks(alert):
    # https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule
    assert alert.every in {"PT5M", "PT10M", "PT15M", "PT30M"}
    assert alert.window in {"PT5M", "PT10M", "PT15M", "PT30M"}
    assert 0 <= alert.severity <= 4
