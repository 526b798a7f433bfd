"""The generated files of the deployment: what repeats the registry of sources, and the queries."""

import json
import re
from collections.abc import Mapping
from typing import Any

from bridge.sources import SOURCES
from tools import monitoring, releases, wizard_services
from tools import wizard as portal

_BICEP_MARKS = "// Secrets of webhooks (written by `make docs`).\n", "// End of secrets.\n"
_BICEP_OBJECT = re.compile(r"(    webhookSecrets: \{\n).*?(    \}\n)", re.DOTALL)


def template(text: str) -> str:
    """azuredeploy.json with all sources for the URLs of their webhooks, the alerts and the workbook."""
    content = json.loads(text)
    variables = {
        **content["variables"],
        "sources": sorted(SOURCES),
        "alerts": monitoring.alerts(),
        "workbook": monitoring.workbook(),
    }
    return _written({**content, "variables": variables})


def wizard(text: str) -> str:  # noqa: ARG001  nothing of the file stays
    """createUiDefinition.json."""
    release = releases.current()
    parameters = json.loads(releases.TEMPLATE.read_text("utf-8"))["parameters"]
    return _written(portal.definition(parameters, release.docs if release else ""))


def parameters(text: str) -> str:
    """infra/main.parameters.json with the secrets of all sources that can have one."""
    content = json.loads(text)
    others = {name: value for name, value in content["parameters"].items() if not name.endswith("Secret")}
    secrets = {_parameter(name): {"value": f"${{{_setting(name)}=}}"} for name in _with_secrets()}
    return _written({**content, "parameters": others | secrets})


def bicep(text: str) -> str:
    """infra/main.bicep with a parameter for each secret: azd resolves secrets of a key vault only in strings."""
    before, _, rest = text.partition(_BICEP_MARKS[0])
    _, _, after = rest.partition(_BICEP_MARKS[1])
    declared = "".join(
        f"\n@description('{_meaning(name)}.')\n@secure()\nparam {_parameter(name)} string = ''\n"
        for name in _with_secrets()
    )
    passed = "".join(f"      {name}: {_parameter(name)}\n" for name in _with_secrets())
    return _BICEP_OBJECT.sub(
        lambda match: f"{match[1]}{passed}{match[2]}",
        f"{before}{_BICEP_MARKS[0]}{declared}\n{_BICEP_MARKS[1]}{after}",
    )


def _with_secrets() -> list[str]:
    return sorted([*(name for names in wizard_services.sources().values() for name in names), *wizard_services.ACCESS])


def _setting(name: str) -> str:
    """The setting that a secret becomes."""
    return f"BRIDGE_{name.upper()}" if name in wizard_services.ACCESS else SOURCES[name].secret_setting


def _meaning(name: str) -> str:
    access = wizard_services.ACCESS.get(name)
    return access.label if access else f"Secret of {SOURCES[name].title}"


def _parameter(name: str) -> str:
    first, *rest = name.split("_")
    return f"{first}{''.join(word.title() for word in rest)}Secret"


def _written(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
