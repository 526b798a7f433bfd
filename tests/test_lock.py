"""requirements.lock, of which the package is built, and requirements.txt, by which users install."""

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.local_stack import ROOT

pytestmark = pytest.mark.files

LOCK = (ROOT / "requirements.lock").read_text()
ENTRIES = re.findall(r"^(\S+)==(\S+)((?: ; .+?)? \\\n(?:    --hash=.+\n)+)", LOCK, re.MULTILINE)


def required():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_lock_has_a_version_of_each_requirement():
    locked = {name: version for name, version, _ in ENTRIES}
    missing = [str(each) for each in required() if locked.get(canonicalize_name(each.name), "0") not in each.specifier]
    assert missing == [], "run make lock"


def test_every_version_has_its_hashes_and_comes_from_no_particular_place():
    lines = [line for line in LOCK.splitlines() if not line.lstrip().startswith("#")]
    entry = re.compile(r"[a-z0-9-]+==[0-9][^ ]*( ; [^@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not entry.fullmatch(line)] == []
    assert len(ENTRIES) == len([line for line in lines if "==" in line]) > 20
    assert "://" not in LOCK
    assert [name for name, _, hashes in ENTRIES if "--hash" not in hashes] == []


def test_it_is_written_by_make_lock_and_renovate_can_repeat_the_command():
    # https://docs.renovatebot.com/modules/manager/pip-compile/ reads it from the second line.
    command = LOCK.splitlines()[1].removeprefix("#    ")
    recipe = re.search(r"^lock:.*\n((?:\t.*\n|  .*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    made = " ".join(recipe.replace("\\\n", " ").split())
    assert f"/bin/{command} --upgrade --quiet" in made
    options = {part.partition("=")[0] for part in command.split() if part.startswith("--")}
    assert options == {"--output-file", "--generate-hashes", "--universal", "--python-version"}
    assert "--python-version=3.13" in command
