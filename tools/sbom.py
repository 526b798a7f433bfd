"""Write the software bill of materials of released-package.zip: every library in it, in CycloneDX's JSON.

https://cyclonedx.org/docs/1.6/json/
The same package gives the same bytes. It needs nothing but Python.
"""

import hashlib
import json
import re
import sys
import tomllib
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def bill(package: Path, version: str) -> Mapping[str, Any]:
    """The bill of a package of that version of the bridge."""
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    with zipfile.ZipFile(package) as archive:
        libraries = {_normal(each["Name"]): each for each in _metadata(archive)}
        required = _names(archive.read("requirements.txt").decode().splitlines())
    references = {name: f"pkg:pypi/{name}@{each['Version']}" for name, each in libraries.items()}
    own = f"webhook-bridge@{version}"
    dependencies = {own: required}
    dependencies |= {references[name]: _names(_unconditional(each)) for name, each in libraries.items()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "webhook-bridge",
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        },
        "components": [_component(references[name], each) for name, each in sorted(libraries.items())],
        "dependencies": [
            {"ref": reference, "dependsOn": sorted(references[name] for name in names if name in references)}
            for reference, names in sorted(dependencies.items())
        ],
    }


def _metadata(archive: zipfile.ZipFile) -> Iterator[Message]:
    for name in archive.namelist():
        if name.endswith(".dist-info/METADATA"):
            yield BytesParser().parsebytes(archive.read(name), headersonly=True)


def _unconditional(metadata: Message) -> Sequence[str]:
    """What a library requires, without what only its extras do."""
    return [
        each for each in metadata.get_all("Requires-Dist", []) if not re.search(r"\bextra\b", each.partition(";")[2])
    ]


def _names(requirements: Sequence[str]) -> set[str]:
    return {_normal(match[0]) for each in requirements if (match := _NAME.match(each))}


def _normal(name: str) -> str:
    """https://packaging.python.org/specifications/name-normalization/."""
    return name.lower().replace("_", "-").replace(".", "-")


def _component(reference: str, metadata: Message) -> Mapping[str, Any]:
    return {
        "type": "library",
        "bom-ref": reference,
        "name": _normal(metadata["Name"]),
        "version": metadata["Version"],
        "purl": reference,
        "licenses": _licenses(metadata),
    }


def _licenses(metadata: Message) -> Sequence[Mapping[str, Any]]:
    """An expression of SPDX, or the names that older metadata have."""
    if expression := metadata.get("License-Expression"):
        return [{"expression": expression}]
    kinds = [each.split(" :: ")[-1] for each in metadata.get_all("Classifier", []) if each.startswith("License ::")]
    text = metadata.get("License", "").partition("\n")[0]
    return [{"license": {"name": name}} for name in kinds or [text] if name]


if __name__ == "__main__":
    _, source, target = sys.argv
    own_version = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["version"]
    Path(target).write_text(json.dumps(bill(Path(source), own_version), indent=1, ensure_ascii=False) + "\n")
