"""SECURITY.md: every attack in its tables has a promise, and a test that is there."""

import re

import pytest

from tests.local_stack import ROOT

pytestmark = pytest.mark.files

PAGE = (ROOT / "SECURITY.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| (?!attack )", line)
]


def test_the_tables_are_complete():
    assert len(ROWS) > 10
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []
    assert len({attack for attack, _, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_attack_has_tests_that_are_there(row):
    tests = re.findall(r"\[(test_\w+)\]\((tests/test_\w+\.py)\)", row[2])
    assert tests
    assert [name for name, file in tests if f"def {name}(" not in (ROOT / file).read_text()] == []
