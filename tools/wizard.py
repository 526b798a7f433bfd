"""The portal's wizard: createUiDefinition.json, from the template's parameters and the registry of sources."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools import wizard_pages, wizard_posting, wizard_services
from tools.wizard_elements import DOCS, Element, text

_SCHEMA = "https://schema.management.azure.com/schemas/0.1.2-preview/CreateUIDefinition.MultiVm.json#"


def definition(parameters: Mapping[str, Mapping[str, Any]], docs: str = "") -> Mapping[str, Any]:
    """The wizard. parameters: of the template, whose defaults and bounds it has; docs: the address of the docs."""
    steps = [
        ("posting", "Group and posting", wizard_posting.elements()),
        ("services", "Services", wizard_services.elements()),
        ("routes", "Routes and posts", wizard_pages.routes()),
        ("plan", "Plan and network", wizard_pages.plan(parameters)),
        ("alerts", "Alerts and costs", wizard_pages.alerts(parameters)),
        ("more", "More settings", wizard_pages.more(parameters)),
        ("afterwards", "What remains to be done", wizard_pages.afterwards()),
    ]
    return {
        "$schema": _SCHEMA,
        "handler": "Microsoft.Azure.CreateUIDef",
        "version": "0.1.2-preview",
        "parameters": {
            "config": {"basics": _basics()},
            "basics": [_name()],
            "steps": [
                {"name": name, "label": label, "elements": [_linked(element, docs) for element in elements]}
                for name, label, elements in steps
            ],
            "outputs": _outputs(steps),
        },
    }


def _linked(element: Element, docs: str) -> Element:
    """The element with whole addresses of the docs, or without links where there is no release."""
    if "elements" in element:
        return {**element, "elements": [_linked(inner, docs) for inner in element["elements"]]}
    options = element.get("options", {})
    if not isinstance(uri := options.get("uri"), str) or not uri.startswith(DOCS):
        return element
    others = {name: value for name, value in options.items() if name != "uri"}
    page = uri.removeprefix(DOCS)
    return {**element, "options": {**others, "uri": f"{docs}/{page}"} if docs else others}


def _basics() -> Mapping[str, Any]:
    words = (
        "The webhook bridge posts what services report (GitHub, Azure Monitor, Alertmanager and more than fifty "
        "others) as conversations of Microsoft 365 groups."
    )
    tip = "A region with Flex Consumption plans; the next page warns if this region has none."
    location = {"label": "Region", "toolTip": tip, "resourceTypes": ["Microsoft.Web/sites"]}
    return {"description": words, "location": location}


def _name() -> Element:
    rule = (r"^[a-z][a-z0-9-]{1,18}[a-z0-9]$", "3 to 20 small letters, digits and dashes.")
    tip = "Short name of the bridge, from which the names of its resources are made."
    return text("name", "Name", tip, default="webhook-bridge", rule=rule, required=True)


def _outputs(steps: Sequence[tuple[str, str, Sequence[Element]]]) -> Mapping[str, str]:
    """Each parameter from the field of its name, or as it is made of other fields."""
    outputs = {"name": "[basics('name')]", "location": "[location()]"}
    for step, _, elements in steps:
        for path, element in _fields(f"steps('{step}')", elements):
            if step != "services":
                outputs[element["name"]] = f"[{_converted(path, element)}]"
    for name in ("pickedGroup", "groupFrom", "way"):
        del outputs[name]
    way, group = "steps('posting').way", "steps('posting').group"
    tags = "steps('more').tags"
    pairs = f"replace(replace({tags}, '=', '\":\"'), ',', '\",\"')"
    picked = "coalesce(steps('posting').pickedGroup, '')"
    return {
        **outputs,
        **wizard_services.outputs(),
        "group": f"[if(equals({group}From, 'pick'), {picked}, coalesce({group}, ''))]",
        "identity": f"[if(equals({way}, 'mail'), 'managed-identity', {way})]",
        "channel": f"[if(equals({way}, 'mail'), 'mail', 'threads')]",
        "tags": f"[if(empty({tags}), parse('{{}}'), parse(concat('{{\"', {pairs}, '\"}}')))]",
    }


def _fields(path: str, elements: Sequence[Element]) -> list[tuple[str, Element]]:
    """Every field with its path; notes and requests are none."""
    found = []
    for element in elements:
        inner = f"{path}.{element['name']}"
        if element["type"] == "Microsoft.Common.Section":
            found += _fields(inner, element["elements"])
        elif "label" in element:
            found.append((inner, element))
    return found


def _converted(path: str, element: Element) -> str:
    constraints = element["constraints"]
    options = constraints.get("allowedValues", [])
    values = [option["value"] for option in options] if isinstance(options, list) else []
    if set(values) == {"yes", "no"}:
        return f"equals({path}, 'yes')"
    if constraints.get("validations") or (values and all(value.isdigit() for value in values)):
        return f"int({path})"
    if values:
        return path
    # A field that is not visible may have no value.
    default = element.get("defaultValue", "")
    return f"coalesce({path}, {default[1:-1] if default[:1] == '[' else repr(default)})"
