"""Microsoft Graph's contract: whether requests and answers are such as its OpenAPI description has."""

import functools
import re
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml

_HERE = Path(__file__).parent
DESCRIPTION = _HERE.parent.parent / "shared/reference/graph-openapi.yaml"
_ATTACHMENT = "#/components/schemas/microsoft.graph.attachment"
_VERSION = re.compile(r"^(/graph)?/(v1\.0|beta)")

needs_description = pytest.mark.skipif(
    not DESCRIPTION.is_file(), reason="the OpenAPI description of Graph is not beside the project"
)


@functools.cache
def paths() -> Mapping[str, Mapping[str, dict]]:
    """The operations by path and method."""
    return {**_description()["paths"], **_more()["paths"]}


@functools.cache
def _description() -> dict:
    return yaml.safe_load(DESCRIPTION.read_text())


@functools.cache
def _more() -> dict:
    return yaml.safe_load((_HERE / "graph_openapi_more.yaml").read_text())


def operation(method: str, path: str) -> dict | None:
    """The operation of a request's path, without host and version."""
    for template, operations in paths().items():
        if re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)), path):
            return operations.get(method.lower())
    return None


def problems(
    method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str], content: object
) -> list[str]:
    """What is wrong with a request, by the description; nothing where there is none.

    path: with its version, as it was sent. content: the JSON of the body, None for no body.
    """
    if not DESCRIPTION.is_file():
        return []
    asked = operation(method, _VERSION.sub("", path))
    if asked is None:
        return [f"no operation {method} {path}"]
    found = _problems_of_query(asked, query)
    body = asked.get("requestBody")
    if content is None:
        return found + (["the body is missing"] if body and body.get("required") else [])
    if not headers.get("content-type", "").startswith("application/json"):
        found.append("the body is not sent as application/json")
    if body is None:
        return [*found, "there must be no body"]
    return found + [error.message for error in _validator(body).iter_errors(content)]


def problems_of_answer(method: str, path: str, status: int, content: object) -> list[str]:
    """What is wrong with an answer that is none of an error, by the description. path, content: as of `problems`."""
    asked = operation(method, _VERSION.sub("", path))
    if asked is None:
        return [f"no operation {method} {path}"]
    answer = asked.get("responses", {}).get(str(status), {})
    if "content" not in answer:
        return [] if content is None else [f"there must be nothing to read in {status}"]
    return [error.message for error in _validator(answer).iter_errors(content)]


def _problems_of_query(asked: dict, query: Mapping[str, str]) -> list[str]:
    parameters = {parameter["name"]: parameter["schema"] for parameter in _parameters(asked)}
    found = [f"unknown query parameter {name}" for name in query if name not in parameters]
    numbers = [name for name in query if parameters.get(name, {}).get("type") == "integer"]
    return found + [f"{name} is no number: {query[name]}" for name in numbers if not query[name].isdecimal()]


def _parameters(asked: dict) -> list[dict]:
    """The parameters of the query."""
    named = _description()["components"]["parameters"]
    listed = [named[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in asked.get("parameters", [])]
    return [parameter for parameter in listed if parameter["in"] == "query"]


def _validator(body: dict) -> jsonschema.Draft202012Validator:
    schema = _strict(body["content"]["application/json"]["schema"])
    return jsonschema.Draft202012Validator({"components": _components(), **schema})


@functools.cache
def _components() -> dict:
    schemas = {**_description()["components"]["schemas"], **_more()["components"]["schemas"]}
    return {"schemas": {name: _strict(schema, inherited=True) for name, schema in schemas.items()}}


def _strict(schema: object, *, inherited: bool = False) -> object:
    """A schema of OpenAPI 3.0 as one of JSON Schema 2020-12 that takes no property that it does not name.

    inherited: others build upon it, and close it.
    """
    if not isinstance(schema, dict):
        return schema
    strict = {name: value for name, value in schema.items() if name not in {"nullable", "additionalProperties"}}
    if strict.get("$ref") == _ATTACHMENT and not inherited:
        # The abstract type, of which requests have a concrete one.
        strict["$ref"] = _ATTACHMENT.replace(".attachment", ".fileAttachment")
    if "properties" in strict:
        strict["properties"] = {name: _strict(one) for name, one in strict["properties"].items()}
    if "items" in strict:
        strict["items"] = _strict(strict["items"])
    if "allOf" in strict:
        strict["allOf"] = [_strict(one, inherited=True) for one in strict["allOf"]]
    if schema.get("nullable") and "type" in strict:
        strict["type"] = [strict["type"], "null"]
    is_object = "$ref" in strict or "allOf" in strict or strict.get("type") == "object"
    return strict | {"unevaluatedProperties": False} if is_object and not inherited else strict
