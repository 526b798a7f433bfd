"""Scans the template with checkov, resolved for each set of parameters: `make checkov` (300 MB, a minute).

checkov cannot read resources with symbolic names, so it gets what they resolve to. A finding without a reason in
tests/data/azure/checkov.json fails, and so does a reason without a finding.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.arm_template import Template
from tests.local_stack import ROOT
from tests.test_template import AZURE, DOCUMENT, SETS

DATA = ROOT / "tests/data/azure/checkov.json"


def resolved(values):
    """The template as a list of resources, without expressions."""
    resources = [
        {**resource.body, "type": resource.type, "apiVersion": resource.version, "name": resource.name}
        for resource in Template(DOCUMENT, values, AZURE).resources()
        if resource.body
    ]
    empty = {"parameters": {}, "variables": {}, "outputs": {}}
    return {"$schema": DOCUMENT["$schema"], "contentVersion": "1.0.0.0", **empty, "resources": resources}


def findings(checkov, document):
    """The ids of what checkov finds, and how many resources it has looked at."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "azuredeploy.json"
        path.write_text(json.dumps(document))
        command = [checkov, "-f", path, "--framework", "arm", "--skip-download", "--quiet", "-o", "json"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(run.stdout)
    return {check["check_id"] for check in report["results"]["failed_checks"]}, report["summary"]["resource_count"]


def main(checkov):
    """Compare what checkov finds with the reasons; exit with 1 if they differ."""
    expected = json.loads(DATA.read_text())["findings"]
    found = {"template": findings(checkov, DOCUMENT)[0]}
    for name, values in SETS.items():
        found[name], resources = findings(checkov, resolved(values))
        assert resources > 10, f"checkov has looked at {resources} resources only"
    wanted = {name: {check for check, finding in expected.items() if name in finding["in"]} for name in found}
    for name, checks in found.items():
        print(
            f"{name}: without a reason {sorted(checks - wanted[name])}, no longer found {sorted(wanted[name] - checks)}"
        )
    return found != wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
