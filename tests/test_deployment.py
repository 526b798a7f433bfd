"""The files of the deployment: valid by Microsoft's schemas, true to the settings, and as closed as they promise."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bridge.limits import MAX_BODY
from bridge.settings import TABLE, Settings
from bridge.sources import SOURCES
from tests.local_stack import ROOT

pytestmark = pytest.mark.files

TEMPLATE = json.loads((ROOT / "azuredeploy.json").read_text())
VALUES = json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"]
BICEP = (ROOT / "infra/main.bicep").read_text()
PARAMETERS, VARIABLES, RESOURCES = (TEMPLATE[part] for part in ("parameters", "variables", "resources"))
VALIDATOR = ROOT.parent / "shared/tools/validate_arm.py"

FLEX = json.loads((ROOT / "tests/data/azure/flex_consumption.json").read_text())
# Nobody posts by `az login` in Azure, which has no file of its own either; the rest the template makes or finds itself.
# Secrets themselves: they are among those of the webhooks.
ACCESS = {"BRIDGE_GITHUB_TOKEN", "BRIDGE_GITHUB_APP_KEY"}
NOT_CHOSEN = {"BRIDGE_OUTBOX", "BRIDGE_CLIENT_ID", "BRIDGE_KEY_VAULT_URL"}


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
    run = subprocess.run(
        [sys.executable, VALIDATOR, ROOT / "azuredeploy.json"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout


def test_every_parameter_is_used_and_described_and_every_variable_used():
    inner = TEMPLATE["resources"]["roles"]["properties"]["template"]
    assert named("parameters", inner) == inner["parameters"].keys()
    assert named("parameters", TEMPLATE) - inner["parameters"].keys() == PARAMETERS.keys()
    assert named("variables", TEMPLATE) == VARIABLES.keys()
    assert [name for name, parameter in PARAMETERS.items() if not parameter["metadata"]["description"]] == []


def test_secrets_have_no_known_default_and_are_in_no_output():
    secure = {name for name, parameter in PARAMETERS.items() if parameter["type"].startswith("secure")}
    assert secure == {"webhookSecrets", "secretSeed"}
    assert "defaultValue" not in PARAMETERS["webhookSecrets"]
    assert PARAMETERS["secretSeed"]["defaultValue"] == "[concat(newGuid(), newGuid())]"
    assert not secure & named("parameters", TEMPLATE["outputs"])
    assert not {"secretSettings", "secretValues"} & named("variables", TEMPLATE["outputs"])
    assert not re.search(r"\blist\w*\(", json.dumps(TEMPLATE))


def test_every_expression_is_whole():
    for text in expressions(TEMPLATE):
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
    assert set_by.keys() == TABLE.keys() - (NOT_CHOSEN - {"BRIDGE_KEY_VAULT_URL"}) - ACCESS
    for name in set_by.keys() - NOT_CHOSEN:
        (parameter,) = named("parameters", [set_by[name]])
        default = PARAMETERS[parameter]["defaultValue"]
        if isinstance(default, int):
            assert default == getattr(Settings(), TABLE[name][0]), name


def test_what_the_template_lets_one_choose_the_settings_take():
    for name in ("identity", "channel", "cloud", "mailImportance"):
        setting = re.sub(r"([A-Z])", r"_\1", f"bridge_{name}").upper()
        for choice in PARAMETERS[name]["allowedValues"]:
            TABLE[setting][1](choice)


def test_a_secret_becomes_the_setting_of_its_source():
    expression = VARIABLES["secretSettings"]
    assert "format('BRIDGE_{0}{1}', toUpper(" in expression
    assert "'', '_SECRET')" in expression
    assert {f"BRIDGE_{name.upper()}" for name in VARIABLES["accessSecrets"]} == ACCESS
    assert all(SOURCES[name].secret_setting == f"BRIDGE_{name.upper()}_SECRET" for name in SOURCES)
    # In a key vault a dash stands for what it does not take; two sources must not meet there.
    assert len({name.replace("_", "-") for name in SOURCES}) == len(SOURCES)


def test_storage_and_logs_know_no_keys_and_nothing_is_public():
    (storage,) = of_type("Microsoft.Storage/storageAccounts").values()
    assert storage["properties"] | {"networkAcls": None, "publicNetworkAccess": None} == {
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False,
        "allowCrossTenantReplication": False,
        "defaultToOAuthAuthentication": True,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "networkAcls": None,
        "publicNetworkAccess": None,
    }
    containers = of_type("Microsoft.Storage/storageAccounts/blobServices/containers").values()
    assert [container["properties"]["publicAccess"] for container in containers] == ["None"] * 2
    assert RESOURCES["insights"]["properties"]["DisableLocalAuth"] is True
    assert RESOURCES["workspace"]["properties"]["features"]["disableLocalAuth"] is True
    assert "AccountKey" not in json.dumps(TEMPLATE)


def test_the_app_speaks_https_alone_and_takes_no_password():
    app = RESOURCES["app"]["properties"]
    assert app["httpsOnly"] is True
    assert app["siteConfig"]["minTlsVersion"] == app["siteConfig"]["scmMinTlsVersion"] == "1.2"
    passwords = of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies").values()
    assert {resource["name"].split("/")[1].split("'")[0] for resource in passwords} == {"scm", "ftp"}
    assert all(resource["properties"] == {"allow": False} for resource in passwords)


def test_the_outputs_are_every_webhook_the_identity_and_what_to_do_next():
    outputs = TEMPLATE["outputs"]
    assert outputs.keys() >= {"webhookUrls", "identityClientId", "identityPrincipalId", "nextCommand"}
    assert VARIABLES["sources"] == sorted(SOURCES)
    assert "code=" not in json.dumps(outputs)
    scripts = re.findall(r"scripts/([\w.-]+)", outputs["nextCommand"]["value"])
    assert len(scripts) == 4
    assert all((ROOT / "scripts" / name).is_file() for name in scripts)


def bicep():
    pycep = pytest.importorskip("pycep", reason="no parser of Bicep")
    return pycep.BicepParser().parse(text=BICEP)


def test_the_bicep_wrapper_parses_and_hands_on_what_it_is_given():
    given = set(bicep()["parameters"])
    inner = re.search(r"params: \{\n(.*?)\n  \}", BICEP, re.DOTALL)[1]
    passed = dict(re.findall(r"^    (\w+): (\w+)$", inner, re.MULTILINE))
    secrets = dict(re.findall(r"^      (\w+): (\w+)$", inner, re.MULTILINE))
    assert set(passed.values()) | set(secrets.values()) | {"configBase64"} == given
    assert set(passed) | {"tags", "config", "webhookSecrets"} <= PARAMETERS.keys()
    assert set(re.findall(r"bridge\.outputs\.(\w+)", BICEP)) <= TEMPLATE["outputs"].keys()
    assert VALUES.keys() == given
    assert "    packageUri: ''\n" in BICEP  # azd deploys its own package, and `azd provision` alone changes no code


def test_routes_pass_through_azd_as_base64():
    """azd puts values into JSON as they are, where quotes and line breaks would end the text."""
    assert VALUES["configBase64"] == {"value": "${BRIDGE_CONFIG_BASE64=}"}
    assert "config: empty(configBase64) ? '' : base64ToString(configBase64)" in BICEP
    assert not [name for name, value in VALUES.items() if "BRIDGE_CONFIG}" in json.dumps(value)]


def test_every_secret_is_a_secure_string_of_its_own():
    """azd resolves a secret of a key vault (`azd env set-secret`) in secure strings, and not within an object."""
    secrets = {name: source.secret_setting for name, source in SOURCES.items() if source.verifier}
    secrets |= {setting.removeprefix("BRIDGE_").lower(): setting for setting in ACCESS}
    passed = dict(re.findall(r"^      (\w+): (\w+Secret)$", BICEP, re.MULTILINE))
    assert passed.keys() == secrets.keys()
    for name, parameter in passed.items():
        assert re.search(rf"@secure\(\)\nparam {parameter} string = ''\n", BICEP)
        assert VALUES[parameter] == {"value": f"${{{secrets[name]}=}}"}


def test_azds_values_are_the_settings_by_their_names():
    names = {name: re.fullmatch(r"\$\{(\w+)(=.*)?\}", value["value"])[1] for name, value in VALUES.items()}
    known = TABLE.keys() | {source.secret_setting for source in SOURCES.values()}
    others = {re.sub(r"([A-Z])", r"_\1", f"bridge_{name}").upper() for name in PARAMETERS} | {"BRIDGE_CONFIG_BASE64"}
    assert set(names.values()) - known - others == {"AZURE_ENV_NAME", "AZURE_LOCATION"}
    guide = (ROOT / "docs/deploy.md").read_text()
    for name in set(names.values()) & others - known - {"BRIDGE_CONFIG_BASE64"}:
        assert f"`{name}`" in guide, name


def test_azds_defaults_are_those_of_the_template():
    for name, value in VALUES.items():
        default = re.fullmatch(r"\$\{\w+(?:=(.*))?\}", value["value"])[1]
        expected = PARAMETERS.get(name, {}).get("defaultValue", "")
        if default is not None and not str(expected).startswith("["):
            assert default == str(expected).lower().replace("recreate", "Recreate").replace("utc", "UTC"), name


@pytest.mark.parametrize(
    ("answers", "status", "printed"),
    [
        (['{"ok": true}'], 0, ""),
        (["", "<html>503</html>", '{"ok": true}'], 0, ""),
        (['{"ok": false}'], 0, "::warning::"),
        ([""], 1, "::error::"),
    ],
)
def test_a_deployment_succeeds_though_a_group_is_on_hold(answers, status, printed, tmp_path):
    jobs = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())["jobs"]
    (step,) = [s for job in jobs.values() for s in job["steps"] if s.get("name") == "Wait until the app answers"]
    curl = tmp_path / "curl"
    curl.write_text(
        '#!/usr/bin/env bash\nn=$(cat "$0.n" 2>/dev/null || echo 0)\necho $((n + 1)) >"$0.n"\n'
        f"answers=({' '.join(map(shlex.quote, answers))})\n"
        'printf %s "${answers[$((n < ${#answers[@]} ? n : ${#answers[@]} - 1))]}"\n'
    )
    curl.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "APP": "bridge", "PAUSE": "0"}
    run = subprocess.run(["bash", "-e", "-c", step["run"]], env=env, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout[: len(printed)]) == (status, printed)


def test_health_says_ok_as_the_workflow_expects():
    assert '"ok": true' in json.dumps({"ok": True})
    assert "json.dumps(body)" in (ROOT / "function_app.py").read_text()


AZD = yaml.safe_load((ROOT / "azure.yaml").read_text())


def test_azd_deploys_what_make_package_builds_and_builds_nothing_in_azure():
    service = AZD["services"]["bridge"]
    assert service["remoteBuild"] is False
    hooks = AZD["services"]["bridge"]["hooks"]["prepackage"]
    for system in ("posix", "windows"):
        assert service["dist"] in (ROOT / hooks[system]["run"]).read_text()
    assert re.fullmatch(r"[\w-]+@\d+\.\d+\.\d+", AZD["metadata"]["template"])


def test_every_hook_is_there_for_both_systems():
    for hooks in (AZD["hooks"], AZD["services"]["bridge"]["hooks"]):
        for hook in hooks.values():
            assert hook["posix"]["shell"] == "sh"
            assert hook["windows"]["shell"] == "pwsh"
            assert Path(hook["posix"]["run"]).with_suffix(".ps1") == Path(hook["windows"]["run"])
            for system in ("posix", "windows"):
                assert (ROOT / hook[system]["run"]).is_file()


def test_the_devcontainer_has_what_the_docs_need():
    container = json.loads((ROOT / ".devcontainer/deploy/devcontainer.json").read_text())
    features = {name.rpartition("/")[2].partition(":")[0] for name in container["features"]}
    assert {"azd", "azure-cli", "github-cli", "powershell"} <= features
    assert container["image"].startswith("mcr.microsoft.com/devcontainers/python:")
    target = container["postCreateCommand"].removeprefix("make ")
    assert f"{target}:" in (ROOT / "Makefile").read_text() or target.startswith(".venv")


FILES = [
    ROOT / "azuredeploy.json",
    *sorted((ROOT / "infra").glob("main.*")),
    *sorted((ROOT / ".github/workflows").glob("*.yml")),
    *sorted((ROOT / "scripts").glob("*")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "README.md",
    ROOT / "azure.yaml",
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_asks_flex_consumption_for_what_it_refuses(path):
    text = path.read_text("utf-8")
    properties = [name for name in FLEX["site_properties"] if re.search(rf"\b{name}\b", text, re.IGNORECASE)]
    settings = [name for name in FLEX["app_settings"] if re.search(rf"\b{name}\b", text)]
    commands = [command for command in FLEX["commands"] if command in text]
    assert (properties, settings, commands) == ([], [], [])


def test_every_refusal_has_a_source():
    for part in ("site_properties", "app_settings", "commands"):
        for name, source in FLEX[part].items():
            assert source.startswith("https://") or re.split(r"[: ]", source)[0] in FLEX["sources"], name
