"""The table of docs/deploy.md about what checkov finds in the template, and why it stays so."""

import json
from pathlib import Path

_DATA = Path(__file__).parents[1] / "tests/data/azure/checkov.json"
_MARKS = "<!-- findings -->\n", "<!-- end of findings -->\n"


def with_findings(text: str) -> str:
    """The page with a row for each finding."""
    data = json.loads(_DATA.read_text("utf-8"))
    rows = "".join(
        f"| {check} | {finding['says']} | {finding['why']} |\n" for check, finding in data["findings"].items()
    )
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    table = f"checkov {data['version']} finds:\n\n| check | it asks for | why it is not so |\n|---|---|---|\n{rows}"
    return f"{before}{_MARKS[0]}{table}{_MARKS[1]}{after}"
