"""What the files of the deployment repeat of the table of sources: their URLs, and the fields for their secrets."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.sources import SOURCES

TEMPLATE, WIZARD, VALUES = "azuredeploy.json", "createUiDefinition.json", "infra/main.parameters.json"
# What stands within JSON and in the settings as it is; services make no other secrets.
_SECRET = "^[0-9A-Za-z+/=_.~-]{8,200}$"  # noqa: S105  the form of one


def brought_up(name: str, content: Any) -> Any:
    """The content of one of the three files with today's sources in it."""
    change = {TEMPLATE: _with_urls, WIZARD: _with_fields, VALUES: _with_values}[name]
    return change(content)


def _signing() -> Mapping[str, str]:
    """The titles of the sources that prove themselves by a secret, in the order of their titles."""
    titles = {name: source.title for name, source in SOURCES.items() if source.verifier}
    return dict(sorted(titles.items(), key=lambda pair: pair[1].lower()))


def _with_urls(template: dict[str, Any]) -> Any:
    return {**template, "variables": {**template["variables"], "sources": sorted(SOURCES)}}


def _with_fields(wizard: dict[str, Any]) -> Any:
    parameters = wizard["parameters"]
    steps = [
        {**step, "elements": list(_fields(step["elements"]))} if step["name"] == "services" else step
        for step in parameters["steps"]
    ]
    pairs = [f"""'"{name}":"', steps('services').{name}, '"'""" for name in _signing()]
    secrets = "[parse(concat('{', " + ", ',', ".join(pairs) + ", '}'))]"
    outputs = {**parameters["outputs"], "webhookSecrets": secrets}
    return {**wizard, "parameters": {**parameters, "steps": steps, "outputs": outputs}}


def _fields(elements: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The fields of secrets stand after the first element, which tells of them."""
    yield elements[0]
    for name, title in _signing().items():
        chosen = f"[steps('services').{name}_chosen]"
        yield {"name": f"{name}_chosen", "type": "Microsoft.Common.CheckBox", "label": title, "visible": True}
        yield {
            "name": name,
            "type": "Microsoft.Common.PasswordBox",
            "label": {"password": f"Secret of {title}", "confirmPassword": f"Secret of {title}, again"},
            "toolTip": f"docs/sources.md says where {title} takes or shows it.",
            "constraints": {
                "required": chosen,
                "regex": _SECRET,
                "validationMessage": "8 to 200 letters, digits and + / = _ . ~ -",
            },
            "options": {"hideConfirmation": True},
            "visible": chosen,
        }
    kinds = ("Microsoft.Common.CheckBox", "Microsoft.Common.PasswordBox")
    yield from (element for element in elements[1:] if element["type"] not in kinds)


def _with_values(values: dict[str, Any]) -> Any:
    secrets = {name: f"${{{SOURCES[name].secret_setting}=}}" for name in sorted(_signing())}
    return {**values, "parameters": {**values["parameters"], "webhookSecrets": {"value": secrets}}}


def written(content: Any) -> str:
    """The content as it stands in its file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(folder: Path) -> None:
    """Brings the files in the folder up to the table of sources."""
    for name in (TEMPLATE, WIZARD, VALUES):
        path = folder / name
        path.write_text(written(brought_up(name, json.loads(path.read_text("utf-8")))), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
