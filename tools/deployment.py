"""The files of the deployment: the list of sources for their URLs, and the fields for their secrets."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.sources import SOURCES

# Characters that need no escaping in JSON or in settings. The secrets of all services consist of them.
_SECRET = "^[0-9A-Za-z+/=_.~-]{16,200}$"  # noqa: S105  a pattern
_FIELD_TYPES = ("Microsoft.Common.CheckBox", "Microsoft.Common.PasswordBox")


def template(text: str) -> str:
    """azuredeploy.json with all sources, for the URLs of their webhooks."""
    content = json.loads(text)
    return _written({**content, "variables": {**content["variables"], "sources": sorted(SOURCES)}})


def wizard(text: str) -> str:
    """createUiDefinition.json with a field for the secret of each source that can have one."""
    content = json.loads(text)
    parameters = content["parameters"]
    steps = [
        {**step, "elements": list(_fields(step["elements"]))} if step["name"] == "services" else step
        for step in parameters["steps"]
    ]
    pairs = [f"""'"{name}":"', steps('services').{name}, '"'""" for name in _titles()]
    secrets = "[parse(concat('{', " + ", ',', ".join(pairs) + ", '}'))]"
    outputs = {**parameters["outputs"], "webhookSecrets": secrets}
    return _written({**content, "parameters": {**parameters, "steps": steps, "outputs": outputs}})


def parameters(text: str) -> str:
    """infra/main.parameters.json with the secrets of all sources that can have one."""
    content = json.loads(text)
    secrets = {name: f"${{{SOURCES[name].secret_setting}=}}" for name in sorted(_titles())}
    return _written({**content, "parameters": {**content["parameters"], "webhookSecrets": {"value": secrets}}})


def _titles() -> Mapping[str, str]:
    """The titles of the sources that can have a secret, in alphabetical order."""
    titles = {name: source.title for name, source in SOURCES.items() if source.verifier}
    return dict(sorted(titles.items(), key=lambda pair: pair[1].lower()))


def _fields(elements: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The elements of the step, with the fields for secrets after the first element, which introduces them."""
    yield elements[0]
    for name, title in _titles().items():
        chosen = f"[steps('services').{name}_chosen]"
        yield {"name": f"{name}_chosen", "type": "Microsoft.Common.CheckBox", "label": title, "visible": True}
        yield {
            "name": name,
            "type": "Microsoft.Common.PasswordBox",
            "label": {"password": f"Secret of {title}", "confirmPassword": f"Confirm the secret of {title}"},
            "toolTip": f"docs/sources.md explains where to find or enter it in {title}.",
            "constraints": {
                "required": chosen,
                "regex": _SECRET,
                "validationMessage": "16 to 200 characters: letters, digits and + / = _ . ~ -",
            },
            "options": {"hideConfirmation": True},
            "visible": chosen,
        }
    yield from (element for element in elements[1:] if element["type"] not in _FIELD_TYPES)


def _written(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
