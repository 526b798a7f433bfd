"""The Terraform module: in step with the template, and evaluated by Terraform where it is installed."""

import functools
import json
import os
import re
import shutil
import subprocess

import pytest

from tests.arm_template import Azure, Template
from tests.local_stack import ROOT
from tests.test_template import DOCUMENT, SETS
from tools.terraform import snake

pytestmark = pytest.mark.files

MODULE = ROOT / "infra/terraform"
TERRAFORM = shutil.which("terraform")
PARAMETERS = DOCUMENT["parameters"]
# What has no variable of its own name, and why: it is random; it is the resource group's.
WITHOUT = {"secretSeed"}
OWN = {"resource_group", "location", "webhook_secrets", "secrets_version"}
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="no Terraform: its files are only parsed")


def read(text):
    import hcl2  # takes half a second, which only the process that needs it spends

    return hcl2.loads(text)


def plain(value):
    """Strings without the quotes with which the parser gives them, and blocks without its notes."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return json.loads(value) if isinstance(value, str) and value.startswith('"') else value


@functools.cache
def parsed(kind):
    """All blocks of a kind, by their names."""
    return {
        name: block
        for path in sorted(MODULE.glob("*.tf"))
        for blocks in plain(read(path.read_text())).get(kind, ())
        for name, block in blocks.items()
    }


def ran(folder, *arguments):
    env = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        [TERRAFORM, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )


def test_every_parameter_of_the_template_is_a_variable():
    assert parsed("variable").keys() == {snake(name) for name in PARAMETERS if name not in WITHOUT} | OWN
    assert parsed("variable").keys() >= {snake(name) for name in PARAMETERS} - {snake(name) for name in WITHOUT}


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name not in WITHOUT | {"location", "webhookSecrets"}])
def test_a_variable_has_the_type_default_and_bounds_of_its_parameter(name):
    parameter, variable = PARAMETERS[name], parsed("variable")[snake(name)]
    types = {
        "string": "string",
        "int": "number",
        "bool": "bool",
        "array": "${list(string)}",
        "object": "${map(string)}",
    }
    assert variable["type"] == types[parameter["type"]]
    worked_out = str(parameter["defaultValue"]).startswith("[") and isinstance(parameter["defaultValue"], str)
    assert variable["default"] == (None if worked_out else parameter["defaultValue"])
    assert variable["description"] == parameter["metadata"]["description"].replace("${", "$${")
    rule = " ".join(block["condition"] for block in variable.get("validation", ()))
    for key in ("minValue", "maxValue", "minLength", "maxLength"):
        if key in parameter:
            assert re.search(rf"[<>]= {parameter[key]}\b", rule)
    for choice in parameter.get("allowedValues", ()):
        assert json.dumps(choice) in rule


def test_each_variable_is_passed_to_its_own_parameter():
    text = (MODULE / "parameters.tf").read_text()
    passed = dict(re.findall(r"^    (\w+) += var\.(\w+)$", text, re.MULTILINE))
    assert passed == {name: snake(name) for name in PARAMETERS if name not in WITHOUT | {"location", "webhookSecrets"}}


def test_outputs_are_those_of_the_template():
    assert parsed("output").keys() == {snake(name) for name in DOCUMENT["outputs"]}
    for name in DOCUMENT["outputs"]:
        assert parsed("output")[snake(name)]["value"] == f"${{azapi_resource.bridge.output.outputs.{name}.value}}"


def test_it_deploys_the_template_of_the_same_copy_and_keeps_secrets_out_of_the_state():
    bridge = parsed("resource")["azapi_resource"]["bridge"]
    body, secret = bridge["body"]["properties"], bridge["sensitive_body"]["properties"]["parameters"]
    assert body["template"] == '${jsondecode(file("${path.module}/../../azuredeploy.json"))}'
    assert (MODULE / "../../azuredeploy.json").resolve() == ROOT / "azuredeploy.json"
    assert body["mode"] == "Incremental"
    assert body["parameters"] == "${local.parameters}"
    assert secret == {"webhookSecrets": {"value": "${var.webhook_secrets}"}}
    secure = {snake(name) for name, parameter in PARAMETERS.items() if parameter["type"].startswith("secure")} & parsed(
        "variable"
    ).keys()
    for name in secure:
        assert parsed("variable")[name]["sensitive"] is parsed("variable")[name]["ephemeral"] is True
        uses = [path.name for path in MODULE.glob("*.tf") for _ in re.findall(rf"var\.{name}\b", path.read_text())]
        assert uses == ["main.tf"]


def test_its_page_has_every_variable_and_a_whole_example():
    page = (MODULE / "README.md").read_text()
    for name in parsed("variable"):
        assert f"`{name}`" in page
    example = plain(read(re.search(r"```hcl\n(.*?)```", page, re.DOTALL)[1]))
    (module,) = (block["bridge"] for block in example["module"])
    assert {name for name in module if not name.startswith("__")} - {"source"} <= parsed("variable").keys()
    required = {name for name, variable in parsed("variable").items() if "default" not in variable}
    assert required == {"resource_group", "location"} <= module.keys()
    assert re.fullmatch(r"git::https://github\.com/\S+\.git//infra/terraform\?ref=\S+", module["source"])


@needs_terraform
def test_terraform_finds_its_files_well_formed():
    run = ran(MODULE, "fmt", "-check", "-diff")
    assert (run.returncode, run.stdout) == (0, "")


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory):
    """The variables and what is passed to the template, without the provider, which is not in any package registry."""
    folder = tmp_path_factory.mktemp("terraform")
    for name in ("variables.tf", "parameters.tf"):
        shutil.copy(MODULE / name, folder)
    (folder / "shown.tf").write_text('output "parameters" {\n  value = local.parameters\n}\n')
    run = ran(folder, "init", "-input=false")
    assert run.returncode == 0, run.stderr
    run = ran(folder, "validate")
    assert run.returncode == 0, run.stderr
    return folder


def evaluated(folder, values):
    (folder / "terraform.tfvars.json").write_text(json.dumps(values))
    run = ran(folder, "apply", "-auto-approve", "-input=false")
    if run.returncode:
        return None, run.stderr
    return json.loads(ran(folder, "output", "-json", "parameters").stdout), ""


@needs_terraform
@pytest.mark.parametrize("answers", SETS.values(), ids=SETS)
def test_terraform_passes_what_deploys_the_same_resources(answers, evaluator):
    separately = {"webhookSecrets": answers["webhookSecrets"]}
    separately |= {"secretSeed": answers["secretSeed"]} if "secretSeed" in answers else {}
    values = {snake(name): value for name, value in answers.items() if name not in separately}
    parameters, error = evaluated(evaluator, values)
    assert not error

    def deployed(given):
        return [(r.id, r.body) for r in Template(DOCUMENT, given, Azure()).resources()]

    ours = {name: parameter["value"] for name, parameter in parameters.items()}
    assert deployed({**ours, **separately}) == deployed(answers)


@needs_terraform
@pytest.mark.parametrize(
    ("name", "value"), [("always_ready", 11), ("identity", "developer"), ("name", "ab"), ("retention_days", 7)]
)
def test_terraform_refuses_what_the_template_would_refuse(name, value, evaluator):
    _, error = evaluated(evaluator, {name: value})
    assert f"{name} must be" in re.sub(r"[\s│]+", " ", error)


@needs_terraform
def test_terraform_validates_the_module(tmp_path):
    """With the provider, where Terraform's registry can be reached."""
    shutil.copytree(MODULE, tmp_path / "infra/terraform", ignore=shutil.ignore_patterns(".terraform*"))
    shutil.copy(ROOT / "azuredeploy.json", tmp_path)
    if ran(tmp_path / "infra/terraform", "init", "-backend=false", "-input=false").returncode:
        pytest.skip("the provider azapi cannot be fetched: resources are only parsed")
    run = ran(tmp_path / "infra/terraform", "validate")
    assert run.returncode == 0, run.stderr
