"""Words that nobody in this field would use, and that once stood everywhere: none of them comes back."""

import re
import subprocess

import pytest

from tests.local_stack import ROOT

pytestmark = pytest.mark.files

# Each with what to say instead.
WORDS = {
    r"un?told|told|tells?|telling": "say what happens: posted, delivered, says, reports",
    r"un?proved|unproven|prove[ds]?|proves|proofs?": "authenticate, authenticated, verifier",
    r"deeds?": "action",
    r"anew": "again",
    r"doubts?|doubtful": "unknown outcome",
    r"bury|buried|buries": "dead letter",
    r"revives?|revived": "requeue",
    r"whoever|whomever": "anyone who, the person who",
    r"desk": "send panel",
    r"ident": "id",
    r"chance": "rng",
    r"overslept": "late",
    r"beforehand": "in advance",
}
PATTERN = re.compile(rf"(?<![\w-])_?({'|'.join(WORDS)})(?![\w-])", re.IGNORECASE)
# (files, text, why it stays)
EXCEPTIONS = [
    (r".*/samples/.*", ".", "what services send"),
    (
        r"CHANGELOG.md|docs/.*|bridge/sources/form.py|tests/test_generic.py",
        r"[`\"]proof[`\"]",
        "a former name, still read",
    ),
]


def files():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.split()
    if not names:
        pytest.skip("this is not a git checkout: which files belong to the project is not known")
    return [name for name in names if not name.endswith((".png", ".sqlite"))]


def is_excepted(name, line):
    return any(re.fullmatch(path, name) and re.search(text, line) for path, text, _ in EXCEPTIONS)


def test_no_word_comes_back():
    found = [
        f"{name}:{number}: {match[1]}: {line.strip()[:100]}"
        for name in files()
        if name != "tests/test_language.py"
        for number, line in enumerate((ROOT / name).read_text("utf-8", "replace").splitlines(), 1)
        if not is_excepted(name, line)
        for match in PATTERN.finditer(line)
    ]
    assert not found, "\n".join(found)
