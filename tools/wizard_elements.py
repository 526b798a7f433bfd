"""Elements of the portal's wizard, as createUiDefinition.json writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

Element = dict[str, Any]

# Where the docs of the release begin; a branch has no address that leads to its own docs.
DOCS = "docs:"
ID = (r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", "An id like 00000000-0000-0000-0000-000000000000.")
ADDRESS = (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "An address like bridge@contoso.com.")
URL = (r"^https://\S+$", "An address that begins with https://.")
ONE_LINE = (r"^.*$", "A single line.")
Visible = bool | str


def text(
    name: str,
    label: str,
    tip: str,
    *,
    default: str = "",
    placeholder: str = "",
    rule: tuple[str, str] = ONE_LINE,
    required: Visible = False,
    visible: Visible = True,
) -> Element:
    """One line of text. rule: a pattern, and what it wants."""
    return {
        "name": name,
        "type": "Microsoft.Common.TextBox",
        "label": label,
        "toolTip": tip,
        "placeholder": placeholder,
        "defaultValue": default,
        "constraints": {"required": required, "regex": rule[0], "validationMessage": rule[1]},
        "visible": visible,
    }


def lines(name: str, label: str, tip: str, placeholder: str) -> Element:
    """A box of several lines.

    https://learn.microsoft.com/azure/azure-resource-manager/managed-applications/microsoft-common-textbox
    """
    element = text(name, label, tip, placeholder=placeholder)
    return {**element, "multiLine": True, "constraints": {"required": False, "validations": []}}


def number(path: str, name: str, label: str, tip: str, bounds: tuple[int, int], default: int) -> Element:
    """A whole number within bounds. path: of what contains the field."""
    least, most = bounds
    value = f"int({path}.{name})"
    rules = [
        {"regex": "^[0-9]{1,6}$", "message": "A whole number."},
        {
            "isValid": f"[and(greaterOrEquals({value}, {least}), lessOrEquals({value}, {most}))]",
            "message": f"From {least} to {most}.",
        },
    ]
    element = text(name, label, tip, default=str(default))
    return {**element, "constraints": {"required": True, "validations": rules}}


def choice(
    name: str,
    label: str,
    tip: str,
    options: Mapping[str, str] | Sequence[tuple[str, str]],
    default: str,
    *,
    kind: str = "DropDown",
    visible: Visible = True,
) -> Element:
    """One of the options, which are pairs of value and label. default: a value. kind: DropDown or OptionsGroup."""
    pairs = dict(options)
    return {
        "name": name,
        "type": f"Microsoft.Common.{kind}",
        "label": label,
        "toolTip": tip,
        "defaultValue": pairs[default],
        "constraints": {
            "required": True,
            "allowedValues": [{"label": words, "value": value} for value, words in pairs.items()],
        },
        "visible": visible,
    }


def password(name: str, label: str, tip: str, rule: tuple[str, str], visible: str) -> Element:
    """A secret, typed once, and required where it is visible."""
    return {
        "name": name,
        "type": "Microsoft.Common.PasswordBox",
        "label": {"password": label, "confirmPassword": f"Confirm: {label}"},
        "toolTip": tip,
        "constraints": {"required": visible, "regex": rule[0], "validationMessage": rule[1]},
        "options": {"hideConfirmation": True},
        "visible": visible,
    }


def info(name: str, words: str, page: str = "", *, icon: str = "Info", visible: Visible = True) -> Element:
    """A note. page: of docs, with its section, to which it leads."""
    options = {"icon": icon, "text": words, **({"uri": f"{DOCS}{page}"} if page else {})}
    return {"name": name, "type": "Microsoft.Common.InfoBox", "visible": visible, "options": options}


def section(name: str, label: str, elements: Sequence[Element]) -> Element:
    """Elements under a heading."""
    return {
        "name": name,
        "type": "Microsoft.Common.Section",
        "label": label,
        "elements": list(elements),
        "visible": True,
    }


def equal(step: str, name: str, value: str) -> str:
    """Whether a field has the value."""
    return f"[equals(steps('{step}').{name}, '{value}')]"
