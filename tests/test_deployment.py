"""The files of the deployment: valid by Microsoft's schemas, true to the settings, and as closed as they promise."""

import json
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from bridge.limits import MAX_BODY
from bridge.settings import TABLE, Settings
from bridge.sources import SOURCES
from tests.local_stack import ROOT

TEMPLATE = json.loads((ROOT / "azuredeploy.json").read_text())
WIZARD = json.loads((ROOT / "createUiDefinition.json").read_text())["parameters"]
VALUES = json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"]
BICEP = (ROOT / "infra/main.bicep").read_text()
PARAMETERS, VARIABLES, RESOURCES = (TEMPLATE[part] for part in ("parameters", "variables", "resources"))
VALIDATOR = ROOT.parent / "shared/tools/validate_arm.py"

# Nobody posts by `az login` in Azure, which has no file of its own either; the rest the template makes or finds itself.
NOT_CHOSEN = {"BRIDGE_OUTBOX", "BRIDGE_CLIENT_ID", "BRIDGE_KEY_VAULT_URL"}
# The whole of what the identity may do.
ROLES = {
    ("storage", "storageBlobDataOwner"),
    ("storage", "storageQueueDataContributor"),
    ("storage", "storageTableDataContributor"),
    ("insights", "monitoringMetricsPublisher"),
    ("secretsVault", "keyVaultSecretsUser"),
    ("accountVault", "keyVaultSecretsOfficer"),
}


def strings(value):
    """Every text in it, keys too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def expressions(value):
    return [text for text in strings(value) if text.startswith("[") and text.endswith("]")]


def named(kind, value):
    """What the expressions name by `kind('name')`."""
    return set(re.findall(rf"\b{kind}\('(.*?)'\)", "\n".join(expressions(value))))


def of_type(kind):
    return {name: resource for name, resource in RESOURCES.items() if resource["type"] == kind}


@pytest.mark.skipif(not VALIDATOR.exists(), reason="Microsoft's schemas are not here")
def test_microsofts_schemas_find_no_error():
    files = [ROOT / "azuredeploy.json", ROOT / "createUiDefinition.json"]
    run = subprocess.run([sys.executable, VALIDATOR, *files], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_every_parameter_is_used_and_described_and_every_variable_used():
    assert named("parameters", TEMPLATE) == PARAMETERS.keys()
    assert named("variables", TEMPLATE) == VARIABLES.keys()
    assert [name for name, parameter in PARAMETERS.items() if not parameter["metadata"]["description"]] == []


def test_secrets_have_no_default_and_are_in_no_output():
    secure = {name for name, parameter in PARAMETERS.items() if parameter["type"].startswith("secure")}
    assert secure == {"webhookSecrets"}
    assert all("defaultValue" not in PARAMETERS[name] for name in secure)
    assert not secure & named("parameters", TEMPLATE["outputs"])
    assert not {"secretSettings"} & named("variables", TEMPLATE["outputs"])
    assert not re.search(r"\blist\w*\(", json.dumps(TEMPLATE))


def test_every_expression_is_whole():
    for text in expressions(TEMPLATE) + expressions(WIZARD):
        code = re.sub(r"'(?:[^']|'')*'", "''", text)
        closing = []
        for sign in code:
            if sign in "([{":
                closing.append({"(": ")", "[": "]", "{": "}"}[sign])
            elif sign in ")]}":
                assert closing, text
                assert closing.pop() == sign, text
        assert (closing, code.count("'") % 2) == ([], 0), text
        assert re.fullmatch(r"[\w\s.,()\[\]{}'=>-]+", code), text


def test_every_name_that_a_resource_waits_for_is_there():
    waits = {name for resource in RESOURCES.values() for name in resource.get("dependsOn", ())}
    assert waits | named("reference", TEMPLATE) <= RESOURCES.keys()


def test_the_host_takes_no_body_that_the_bridge_refuses():
    assert VARIABLES["settings"]["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"] == str(MAX_BODY)


def test_every_setting_can_be_set_and_has_the_default_of_the_bridge():
    set_by = {name: text for name, text in VARIABLES["settings"].items() if name.startswith("BRIDGE_")}
    assert set_by.keys() == TABLE.keys() - (NOT_CHOSEN - {"BRIDGE_KEY_VAULT_URL"})
    for name in set_by.keys() - NOT_CHOSEN:
        (parameter,) = named("parameters", [set_by[name]])
        default = PARAMETERS[parameter]["defaultValue"]
        if isinstance(default, int):
            assert default == getattr(Settings(), TABLE[name][0]), name


def test_what_the_template_lets_one_choose_the_settings_take():
    for name in ("identity", "channel", "cloud"):
        for choice in PARAMETERS[name]["allowedValues"]:
            TABLE[f"BRIDGE_{name.upper()}"][1](choice)


def test_a_secret_becomes_the_setting_of_its_source():
    expression = VARIABLES["secretSettings"]
    assert "format('BRIDGE_{0}_SECRET', toUpper(" in expression
    assert all(SOURCES[name].secret_setting == f"BRIDGE_{name.upper()}_SECRET" for name in SOURCES)
    # In a key vault a dash stands for what it does not take; two sources must not meet there.
    assert len({name.replace("_", "-") for name in SOURCES}) == len(SOURCES)


def test_storage_and_logs_know_no_keys_and_nothing_is_public():
    (storage,) = of_type("Microsoft.Storage/storageAccounts").values()
    assert storage["properties"] | {"networkAcls": None} == {
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False,
        "allowCrossTenantReplication": False,
        "defaultToOAuthAuthentication": True,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "networkAcls": None,
    }
    (container,) = of_type("Microsoft.Storage/storageAccounts/blobServices/containers").values()
    assert container["properties"]["publicAccess"] == "None"
    assert RESOURCES["insights"]["properties"]["DisableLocalAuth"] is True
    assert RESOURCES["workspace"]["properties"]["features"]["disableLocalAuth"] is True
    assert "AccountKey" not in json.dumps(TEMPLATE)


def test_the_app_speaks_https_alone_and_takes_no_password():
    app = RESOURCES["app"]["properties"]
    assert app["httpsOnly"] is True
    assert app["siteConfig"]["minTlsVersion"] == app["siteConfig"]["scmMinTlsVersion"] == "1.2"
    assert app["siteConfig"]["ftpsState"] == "Disabled"
    passwords = of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies").values()
    assert {resource["name"].split("/")[1].split("'")[0] for resource in passwords} == {"scm", "ftp"}
    assert all(resource["properties"] == {"allow": False} for resource in passwords)


def test_the_identity_has_exactly_these_roles():
    found = set()
    for resource in of_type("Microsoft.Authorization/roleAssignments").values():
        role = re.search(r"variables\('roles'\)\.(\w+)", resource["properties"]["roleDefinitionId"])[1]
        found.add((resource["dependsOn"][1], role))
        scope = RESOURCES[resource["dependsOn"][1]]
        kind, name = scope["type"], re.search(r"variables\('(\w+)'\)", scope["name"])[1]
        assert resource["scope"] == f"[resourceId('{kind}', variables('{name}'))]"
        assert resource["properties"]["principalType"] == "ServicePrincipal"
        assert resource.get("condition") == scope.get("condition")
    assert found == ROLES
    assert {role for _, role in ROLES} == VARIABLES["roles"].keys()


def test_every_role_is_given_before_the_app_asks_for_a_token():
    assert of_type("Microsoft.Authorization/roleAssignments").keys() <= set(RESOURCES["app"]["dependsOn"])
    assert "app" in RESOURCES["code"]["dependsOn"]


def test_alerts_ask_for_steps_that_the_bridge_logs():
    asked = {step for alert in VARIABLES["alerts"] for step in re.findall(r'"step": "(\w+)"', alert["query"])}
    code = "".join(path.read_text() for path in (ROOT / "bridge").rglob("*.py"))
    assert asked == {"dead", "late", "held"}
    assert [step for step in asked if f'"{step}"' not in code] == []


def test_the_outputs_are_every_webhook_the_identity_and_what_to_do_next():
    outputs = TEMPLATE["outputs"]
    assert outputs.keys() >= {"webhookUrls", "identityClientId", "identityPrincipalId", "nextCommand"}
    assert VARIABLES["sources"] == sorted(SOURCES)
    assert "code=" not in json.dumps(outputs)
    scripts = re.findall(r"scripts/([\w.-]+)", outputs["nextCommand"]["value"])
    assert len(scripts) == 4
    assert all((ROOT / "scripts" / name).is_file() for name in scripts)


def elements():
    return [(step["name"], element) for step in WIZARD["steps"] for element in step["elements"]]


def test_every_output_of_the_wizard_is_a_parameter_and_back():
    assert WIZARD["outputs"].keys() == PARAMETERS.keys()


def test_the_wizard_reads_only_fields_that_it_has_and_every_field_is_read():
    fields = {(step, element["name"]) for step, element in elements() if not element["type"].endswith("InfoBox")}
    text = "\n".join(strings(WIZARD))
    read = set(re.findall(r"steps\('(\w+)'\)\.(\w+)", text))
    assert read == fields
    names = [name for _, name in fields]
    assert len(names) == len(set(names))


def test_the_wizards_choices_are_those_of_the_template():
    fields = {element["name"]: element for _, element in elements()}
    for name, parameter in PARAMETERS.items():
        field = fields.get(name)
        if field is None:
            continue
        choices = field["constraints"].get("allowedValues")
        if choices and "allowedValues" in parameter:
            assert {choice["value"] for choice in choices} == {str(value) for value in parameter["allowedValues"]}
        if parameter["type"] == "int":
            assert WIZARD["outputs"][name].startswith("[int(")
        if choices:
            assert field["defaultValue"] in {choice["label"] for choice in choices}
        elif isinstance(parameter.get("defaultValue"), int):
            assert field["defaultValue"] == str(parameter["defaultValue"])


def test_patterns_of_the_wizard_are_patterns_and_say_what_they_want():
    for _, element in elements():
        if "regex" in element.get("constraints", {}):
            assert re.compile(element["constraints"]["regex"])
            assert element["constraints"]["validationMessage"].endswith((".", "-"))


def test_the_way_that_cannot_work_is_marked_so():
    fields = {element["name"]: element for _, element in elements()}
    (threads,) = [c for c in fields["way"]["constraints"]["allowedValues"] if c["value"] == "threads"]
    assert "refuses" in threads["label"]
    assert fields["threadsInfo"]["options"]["icon"] == "Warning"


def test_the_pages_that_the_wizard_leads_to_are_there():
    for _, element in elements():
        if uri := element.get("options", {}).get("uri"):
            page, _, section = uri.partition("/docs/")[2].partition("#")
            text = (ROOT / "docs" / page).read_text()
            titles = re.findall(r"^#+ (.*)", text, re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert not section or section in anchors


def test_the_bicep_wrapper_parses_and_hands_on_what_it_is_given():
    pycep = pytest.importorskip("pycep", reason="no parser of Bicep")
    parsed = pycep.BicepParser().parse(text=BICEP)
    given = set(parsed["parameters"])
    inner = re.search(r"params: \{\n(.*?)\n  \}", BICEP, re.DOTALL)[1]
    passed = dict(re.findall(r"^    (\w+): (\w+)$", inner, re.MULTILINE))
    assert set(passed.values()) == given
    assert set(passed) | {"tags"} <= PARAMETERS.keys()
    assert set(re.findall(r"bridge\.outputs\.(\w+)", BICEP)) <= TEMPLATE["outputs"].keys()
    assert VALUES.keys() <= given
    assert given - VALUES.keys() == {name for name in given if re.search(rf"param {name} int", BICEP)}


def test_azds_values_are_the_settings_by_their_names():
    secrets = VALUES["webhookSecrets"]["value"]
    asked = {**{name: value["value"] for name, value in VALUES.items() if name != "webhookSecrets"}, **secrets}
    names = {name: re.fullmatch(r"\$\{(\w+)(=.*)?\}", value)[1] for name, value in asked.items()}
    known = TABLE.keys() | {source.secret_setting for source in SOURCES.values()}
    assert set(names.values()) - known == {"AZURE_ENV_NAME", "AZURE_LOCATION", "BRIDGE_ALERT_EMAIL"}
    assert all(SOURCES[name].secret_setting == names[name] for name in secrets)


def test_the_readmes_button_opens_the_wizard_with_the_template():
    button = re.search(r"\(https://portal\.azure\.com/#create/(\S+?)\)", (ROOT / "README.md").read_text())[1]
    addresses = [address.replace("%3A", ":").replace("%2F", "/") for address in button.split("/") if "%3A" in address]
    assert [address.rpartition("/")[2] for address in addresses] == ["azuredeploy.json", "createUiDefinition.json"]
    assert all(first.rpartition("/")[0] == then.rpartition("/")[0] for first, then in pairwise(addresses))
    assert button.startswith("Microsoft.Template/uri/")
    assert "/createUIDefinitionUri/" in button
