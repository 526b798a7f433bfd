"""The generated files of infra/terraform: the parameters of the template as variables, and its outputs."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tools import releases

# The location is the resource group's, the seed is random, and secrets are sent without being stored in the state.
_OTHERWISE = {"location", "secretSeed", "webhookSecrets"}
_TYPES = {"string": "string", "int": "number", "bool": "bool", "array": "list(string)", "object": "map(string)"}
_MARKS = "<!-- variables -->\n", "<!-- end of variables -->\n"
_NOTE = "# Written by `make docs` from azuredeploy.json.\n"


def snake(name: str) -> str:
    """The name of a parameter as Terraform spells it: `mailFrom` is `mail_from`."""
    return re.sub(r"([A-Z])", r"_\1", name).lower()


def variables(text: str) -> str:  # noqa: ARG001  nothing of the file stays
    """variables.tf."""
    return _NOTE + "".join(f"\n{_variable(name, parameter)}" for name, parameter in _passed().items())


def parameters(text: str) -> str:  # noqa: ARG001  nothing of the file stays
    """parameters.tf: what the module passes to the template, without what the template decides itself."""
    width = max(map(len, _passed()))
    pairs = "".join(f"    {name:{width}} = var.{snake(name)}\n" for name in _passed())
    return (
        f"{_NOTE}\nlocals {{\n  given = {{\n{pairs}  }}\n"
        "  parameters = { for name, value in local.given : name => { value = value } if value != null }\n}\n"
    )


def outputs(text: str) -> str:  # noqa: ARG001  nothing of the file stays
    """outputs.tf."""
    blocks = (
        f'\noutput "{snake(name)}" {{\n  description = {_quoted(output["metadata"]["description"])}\n'
        f"  value       = azapi_resource.bridge.output.outputs.{name}.value\n}}\n"
        for name, output in _template()["outputs"].items()
    )
    return _NOTE + "".join(blocks)


def page(text: str) -> str:
    """README.md of the module with the table of its variables, and the release in its example."""
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    rows = "".join(
        f"| `{snake(name)}` | {_default(parameter)} | {parameter['metadata']['description']} |\n"
        for name, parameter in _passed().items()
    )
    table = f"| variable | default | meaning |\n|---|---|---|\n{rows}"
    release = releases.current() or releases.Release("<owner>/<repository>", "<version>")
    source = rf'\g<1>"git::https://github.com/{release.repository}.git//infra/terraform?ref={release.tag}"'
    return re.sub(r'(source *= )"git::[^"]*"', source, f"{before}{_MARKS[0]}{table}{_MARKS[1]}{after}")


def _template() -> Mapping[str, Any]:
    template: Mapping[str, Any] = json.loads(releases.TEMPLATE.read_text("utf-8"))
    return template


def _passed() -> Mapping[str, Mapping[str, Any]]:
    return {name: value for name, value in _template()["parameters"].items() if name not in _OTHERWISE}


def _variable(name: str, parameter: Mapping[str, Any]) -> str:
    lines = [
        ("type", _TYPES[parameter["type"]]),
        ("default", _literal(_value(parameter))),
        ("description", _quoted(parameter["metadata"]["description"])),
    ]
    if _value(parameter) is not None:
        lines.append(("nullable", "false"))
    body = "".join(f"  {key:<11} = {value}\n" for key, value in lines)
    return f'variable "{snake(name)}" {{\n{body}{_validation(snake(name), parameter)}}}\n'


def _validation(name: str, parameter: Mapping[str, Any]) -> str:
    value = f"var.{name}"
    if choices := parameter.get("allowedValues"):
        rule, wanted = f"contains({_literal(choices)}, {value})", f"one of {', '.join(map(str, choices))}"
    elif "maxLength" in parameter:
        least, most = parameter["minLength"], parameter["maxLength"]
        rule, wanted = f"length({value}) >= {least} && length({value}) <= {most}", f"{least} to {most} characters long"
    elif "maxValue" in parameter:
        least, most = parameter["minValue"], parameter["maxValue"]
        rule, wanted = f"{value} >= {least} && {value} <= {most}", f"from {least} to {most}"
    elif "minValue" in parameter:
        least = parameter["minValue"]
        rule, wanted = f"{value} >= {least}", f"{least} or more"
    else:
        return ""
    if _value(parameter) is None:
        rule = f"{value} == null ? true : {rule}"
    message = _quoted(f"{name} must be {wanted}.")
    return f"\n  validation {{\n    condition     = {rule}\n    error_message = {message}\n  }}\n"


def _value(parameter: Mapping[str, Any]) -> Any:
    """The default; None where the template works it out."""
    default = parameter["defaultValue"]
    return None if isinstance(default, str) and default.startswith("[") else default


def _default(parameter: Mapping[str, Any]) -> str:
    value = _value(parameter)
    return "" if value in ("", [], {}) else "by the template" if value is None else f"`{_literal(value)}`"


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """A string of HCL, in which `${` and `%{` would begin expressions."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
