"""The portal's wizard: valid, in step with the template, and readable."""

import json
import re
import subprocess
import sys
from zoneinfo import available_timezones

import pytest

from bridge.configuration import Configuration
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.arm_template import Azure, Template
from tests.local_stack import ROOT
from tests.test_template import AZURE, DOCUMENT, GROUP_ID, deployed, settings
from tools import wizard, wizard_services

pytestmark = pytest.mark.files

FILE = json.loads((ROOT / "createUiDefinition.json").read_text())
WIZARD, PARAMETERS = FILE["parameters"], DOCUMENT["parameters"]
VALIDATOR = ROOT.parent / "shared/tools/validate_arm.py"
# Microsoft documents these; its published schema has not got them:
# https://learn.microsoft.com/azure/azure-resource-manager/managed-applications/microsoft-common-textbox (multiLine)
# https://learn.microsoft.com/azure/azure-resource-manager/managed-applications/microsoft-common-dropdown (filter)
# https://learn.microsoft.com/azure/azure-resource-manager/managed-applications/microsoft-solutions-armapicontrol
# https://github.com/Azure/portaldocs, dx-control-Microsoft.Solutions.GraphApiControl
REQUESTS = {"Microsoft.Solutions.ArmApiControl", "Microsoft.Solutions.GraphApiControl"}
NOT_ASKED = {"secretSeed"}  # random
ACCESS = wizard_services.ACCESS
GOOD = {"github_token": "github_pat_0123456789", "github_app_key": "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t" * 40}


def flat(elements, path):
    """Every element, with how expressions name it."""
    for element in elements:
        name = f"{path}.{element['name']}"
        yield name, element
        yield from flat(element.get("elements", ()), name)


ELEMENTS = [pair for step in WIZARD["steps"] for pair in flat(step["elements"], f"steps('{step['name']}')")]
FIELDS = {
    path: element
    for path, element in ELEMENTS
    if element["type"] not in {*REQUESTS, "Microsoft.Common.InfoBox", "Microsoft.Common.Section"}
}
TEXTS = [
    text
    for _, element in ELEMENTS
    for text in (element.get("label"), element.get("toolTip"), element.get("options", {}).get("text"))
    if isinstance(text, str)
]


def as_published(elements):
    """Elements without what the published schema does not know."""
    for element in elements:
        if element["type"] in REQUESTS:
            continue
        known = {name: value for name, value in element.items() if name not in ("multiLine", "filter")}
        if "elements" in known:
            known["elements"] = list(as_published(known["elements"]))
        if isinstance(known.get("constraints", {}).get("allowedValues"), str):
            known["constraints"] = {**known["constraints"], "allowedValues": [{"label": "One", "value": "one"}]}
        yield known


@pytest.mark.skipif(not VALIDATOR.exists(), reason="Microsoft's schemas are not here")
def test_microsofts_schema_finds_no_error(tmp_path):
    steps = [{**step, "elements": list(as_published(step["elements"]))} for step in WIZARD["steps"]]
    file = tmp_path / "createUiDefinition.json"
    file.write_text(json.dumps({**FILE, "parameters": {**WIZARD, "steps": steps}}))
    run = subprocess.run([sys.executable, VALIDATOR, file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


class Answers(Template):
    """Evaluates expressions of the wizard. A field that nobody sees has no value."""

    def __init__(self, answers):
        super().__init__({"resources": {}}, {}, Azure())
        self.answers = answers

    def _steps(self, name):
        return self.answers.get(name, {})

    def _basics(self, name):
        return self.answers["basics"][name]

    def _location(self):
        return self.azure.location

    def _coalesce(self, *values):
        return next((value for value in values if value is not None), None)

    def _parse(self, text):
        return json.loads(text)

    def _int(self, text):
        return int(text)

    def _utcnow(self):
        return "2026-11-28T12:00:00Z"

    def _empty(self, value):
        return not value

    def _concat(self, *texts):
        assert all(isinstance(text, str) for text in texts), texts
        return "".join(texts)

    def _evaluated(self, node):
        if node[0] == "member":
            return (self._evaluated(node[1]) or {}).get(node[2])
        return super()._evaluated(node)

    def _subscription(self):
        return {"id": "/subscriptions/s", "tenantId": "7e000000-0000-4000-8000-000000000001"}


def defaults(elements):
    """The answers of a person who types nothing; passwords and hidden fields have no value."""
    found = {}
    for element in elements:
        if element["type"] == "Microsoft.Common.Section":
            found[element["name"]] = defaults(element["elements"])
        elif "defaultValue" in element and element.get("visible") is True:
            value = element["defaultValue"]
            choices = element["constraints"].get("allowedValues")
            value = next(one["value"] for one in choices if one["label"] == value) if choices else value
            found[element["name"]] = Answers({}).resolve(value)
    return found


def answered(**changes):
    """The parameters that the wizard makes of these answers; `posting__group` is a field of the step posting."""
    answers = {step["name"]: defaults(step["elements"]) for step in WIZARD["steps"]}
    answers["basics"] = {"name": "webhook-bridge"}
    answers["posting"] |= {"pickedGroup": GROUP_ID, "mailFrom": "bridge@contoso.com"}
    for path, value in changes.items():
        *steps, name = path.split("__")
        place = answers
        for step in steps:
            place = place[step]
        place[name] = value
    return {name: Answers(answers).resolve(output) for name, output in WIZARD["outputs"].items()}


def test_the_defaults_deploy():
    values = answered()
    found = settings(deployed(values, AZURE))
    assert found["BRIDGE_GROUP"] == GROUP_ID
    assert (found["BRIDGE_IDENTITY"], found["BRIDGE_CHANNEL"]) == ("managed-identity", "mail")
    for name, parameter in PARAMETERS.items():
        default = parameter.get("defaultValue")
        if isinstance(default, bool | int) or (isinstance(default, str) and not default.startswith("[")):
            assert values[name] == {"mailFrom": "bridge@contoso.com", "group": GROUP_ID}.get(name, default), name


def test_a_hidden_secret_makes_no_source_anonymous():
    """Concatenated, an undefined value becomes the text `null`, which everybody knows."""
    values = answered()
    assert set(values["webhookSecrets"].values()) == {""}
    assert not [name for name in settings(deployed(values)) if name.endswith("_SECRET")]
    values = answered(services__github__github_how="typed", services__github__github="new-secret,old-secret")
    assert [name for name, secret in values["webhookSecrets"].items() if secret] == ["github"]
    assert values["webhookSecrets"]["github"] == "new-secret,old-secret"


def test_a_secret_that_was_typed_and_then_not_chosen_is_none():
    values = answered(services__github__github_how="none", services__github__github="forgotten-secret")
    assert values["webhookSecrets"]["github"] == ""


def test_secrets_can_be_made_and_kept():
    values = answered(services__github__github_how="made", services__code__jira_how="kept")
    assert set(values["generatedSecrets"]) == {"", "github"}
    assert set(values["keptSecrets"]) == {"", "jira"}
    found = settings(deployed(values))
    assert {name for name in found if name.endswith("_SECRET")} == {"BRIDGE_GITHUB_SECRET", "BRIDGE_JIRA_SECRET"}


def test_routes_keep_their_quotes_and_lines():
    config = f'[groups]\nops = "{GROUP_ID}"\n\n[[route]]\nwhen = "severity >= \'error\'"\ngroups = ["ops"]\n'
    assert settings(deployed(answered(routes__config=config)))["BRIDGE_CONFIG"] == config
    (box,) = [element for element in FIELDS.values() if element["name"] == "config"]
    assert box["multiLine"] is True
    assert Configuration.of(Settings(GROUP_ID, box["placeholder"]))


@pytest.mark.parametrize("way", ["mail", "service-account", "agent-user"])
def test_every_way_has_an_identity_and_a_channel_and_its_next_command(way):
    values = answered(posting__way=way)
    identity = "managed-identity" if way == "mail" else way
    assert (values["identity"], values["channel"]) == (identity, "mail" if way == "mail" else "threads")
    shown = [
        Answers({"posting": {"way": way, "mailFrom": "bridge@contoso.com"}}).resolve(element["options"]["text"])
        for path, element in ELEMENTS
        if path.startswith("steps('afterwards')") and Answers({"posting": {"way": way}}).resolve(element["visible"])
    ]
    outputs = Template(DOCUMENT, values, AZURE).outputs()
    script = re.search(r"scripts/([\w.-]+)", outputs["nextCommand"])[1]
    text = "\n".join(shown)
    assert f"scripts/{script}" in text
    assert "null" not in text
    parameters = set(re.findall(r" (--?[A-Za-z][\w-]*) ", outputs["nextCommand"]))
    assert {name for name in parameters if name not in text} == set()


def test_the_way_that_microsoft_refuses_is_no_choice():
    (way,) = [element for element in FIELDS.values() if element["name"] == "way"]
    assert {one["value"] for one in way["constraints"]["allowedValues"]} == {"mail", "service-account", "agent-user"}


def test_the_group_is_picked_or_pasted():
    assert answered()["group"] == GROUP_ID
    pasted = answered(posting__groupFrom="paste", posting__group="3c1d0d4e-0000-4000-8000-000000000002")
    assert pasted["group"].endswith("2")
    requests = {element["name"]: element["request"] for _, element in ELEMENTS if element["type"] in REQUESTS}
    assert "groupTypes/any(c:c eq 'Unified')" in requests["directory"]["path"]
    assert "sku=FlexConsumption" in requests["regions"]["path"]
    assert all(request["method"] == "GET" for request in requests.values())


@pytest.mark.parametrize(
    ("listed", "pasted", "warns"),
    [
        (None, GROUP_ID, False),
        ([{"id": GROUP_ID}], GROUP_ID, False),
        ([{"id": "other"}], GROUP_ID, True),
        ([], "", False),
    ],
)
def test_a_pasted_id_is_looked_for_among_the_groups(listed, pasted, warns):
    (note,) = [element for _, element in ELEMENTS if element["name"] == "groupInfo"]
    posting = {"groupFrom": "paste", "group": pasted, "directory": {"value": listed}}
    assert bool(Answers({"posting": posting}).resolve(note["visible"])) is warns


@pytest.mark.parametrize(
    ("regions", "warns"), [(None, False), ([{"name": "West Europe"}], False), ([{"name": "West Europe 2"}], True)]
)
def test_a_region_without_flex_consumption_is_an_error(regions, warns):
    (note,) = [element for _, element in ELEMENTS if element["name"] == "regionInfo"]
    assert Answers({"posting": {"regions": {"value": regions}}}).resolve(note["visible"]) is warns


def test_services_are_in_groups_and_github_is_first():
    sections = [element for path, element in ELEMENTS if element["type"].endswith("Section") and "services" in path]
    assert sections[0]["label"] == "GitHub"
    assert all(section["elements"] for section in sections)
    names = [name for group in wizard_services.sources().values() for name in group]
    assert sorted(names) == sorted(name for name, source in SOURCES.items() if source.verifier)
    labels = {
        element["name"]: element["label"] for element in FIELDS.values() if element["type"].endswith("PasswordBox")
    }
    assert labels["github"]["password"] == "GitHub webhook secret"
    assert labels.keys() == {*names, *ACCESS}


def test_a_secret_is_typed_once_and_may_be_two():
    for element in FIELDS.values():
        if element["type"].endswith("PasswordBox"):
            assert element["options"]["hideConfirmation"] is True
            pattern = element["constraints"]["regex"]
            assert re.fullmatch(pattern, GOOD.get(element["name"], "0123456789abcdef,fedcba9876543210"))
            assert not re.fullmatch(pattern, "short")
            assert not re.fullmatch(pattern, 'with"quote-and-more')


def test_only_secrets_that_people_choose_can_be_made():
    hows = {
        e["name"]: {o["value"] for o in e["constraints"]["allowedValues"]}
        for e in FIELDS.values()
        if e["name"].endswith("_how")
    }
    given = {name.removesuffix("_how") for name, values in hows.items() if "made" not in values}
    given -= {*ACCESS}  # which GitHub makes
    assert given == {"incident_io", "linear", "pagerduty", "rootly", "sentry", "standard_webhooks", "stripe"}
    assert all({"none", "typed", "kept"} <= values for values in hows.values())


def test_every_parameter_comes_from_the_wizard():
    assert WIZARD["outputs"].keys() == PARAMETERS.keys() - NOT_ASKED


def test_expressions_read_only_fields_that_are_there_and_every_field_is_read():
    paths = {path for path, _ in ELEMENTS}
    text = json.dumps(FILE)
    read = set(re.findall(r"steps\('\w+'\)(?:\.\w+)+", text))
    known = {name.removesuffix(".value") for name in read}
    assert known <= paths
    assert FIELDS.keys() <= known
    names = [path.rpartition(".")[2] for path in FIELDS]
    assert len(names) == len(set(names))


def test_choices_and_bounds_are_those_of_the_template():
    fields = {element["name"]: element for element in FIELDS.values()}
    for name, parameter in PARAMETERS.items():
        constraints = fields.get(name, {}).get("constraints", {})
        choices = constraints.get("allowedValues")
        if choices:
            assert fields[name]["defaultValue"] in {one["label"] for one in choices}
        if choices and "allowedValues" in parameter:
            assert {one["value"] for one in choices} == {str(value) for value in parameter["allowedValues"]}
        if "validations" in constraints and parameter["type"] == "int":
            least, most = map(int, re.findall(r"From (\d+) to (\d+)", json.dumps(constraints))[0])
            assert least == parameter["minValue"]
            assert most <= parameter.get("maxValue", most)
            assert least <= parameter["defaultValue"] <= most


def test_time_zones_are_a_list_of_those_that_there_are():
    (field,) = [element for element in FIELDS.values() if element["name"] == "timeZone"]
    zones = [one["value"] for one in field["constraints"]["allowedValues"]]
    assert zones[0] == "UTC"
    assert len(zones) == len(set(zones)) > 50
    assert set(zones) <= available_timezones()


def test_patterns_are_patterns_and_say_what_they_want():
    for element in FIELDS.values():
        if "regex" in element.get("constraints", {}):
            assert re.compile(element["constraints"]["regex"])
            assert element["constraints"]["validationMessage"].endswith(".")


def test_words_are_plain():
    labels = {element["label"] for element in FIELDS.values() if isinstance(element["label"], str)}
    assert {"Maximum instances", "Delivery history (days)", "Time zone"} <= labels
    # Services whose names begin so.
    small = tuple(source.title for source in SOURCES.values() if source.title[0].islower())
    for text in TEXTS:
        assert text[0].isupper() or text[0] in "[123" or text.startswith(small), text
        assert "BRIDGE_" not in text or "BRIDGE_CONFIG" in text, text
    # A tooltip says more than its label.
    for element in FIELDS.values():
        label = element["label"] if isinstance(element["label"], str) else element["label"]["password"]
        assert element["toolTip"].rstrip(".") != label


def test_the_pages_that_it_leads_to_are_there():
    written = json.dumps(wizard.definition(PARAMETERS, "https://github.com/a/b/blob/v1.2.3/docs"))
    links = re.findall(r'"uri": "(https://github\.com/[^"]+)"', written)
    assert len(links) >= 5
    for uri in links:
        page, _, anchor = uri.partition("/docs/")[2].partition("#")
        titles = re.findall(r"^#+ (.*)", (ROOT / "docs" / page).read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not anchor or anchor in anchors, uri


def test_the_last_page_says_what_remains_to_be_done():
    last = WIZARD["steps"][-1]
    assert last["label"] == "What remains to be done"
    text = json.dumps(last)
    for name in re.findall(r"output (\w+)", text):
        assert name in DOCUMENT["outputs"]
    for name in re.findall(r"<(app\w+|identity\w+|accountVaultName)>", text):
        assert name in DOCUMENT["outputs"]
    assert "/api/doctor" in text
