"""Routes and settings that are saved with an editor while the bridge runs."""

import os

import pytest

from bridge.local.saved_files import SavedFiles
from tests.local_stack import CONFIG, GROUPS, issue, running, until

DROP = "\n[[route]]\nwhen = \"source == 'github'\"\ngroups = []\n"
WRONG = '\n[[route]]\nwhen = "true"\ngroups = ["group-0O"]\n'
GROUP = {"BRIDGE_GROUP": GROUPS["group-0"]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(path, text, moment=0):
    path.write_text(text)
    os.utime(path, (moment, moment))


def looked_at(files):
    """What an editor has saved counts when it is so at two looks."""
    files.look()
    files.look()


def test_routes_are_used_when_they_are_saved_and_right(folder, caplog):
    caplog.set_level("INFO")
    path = folder / "routes.toml"
    save(path, CONFIG)
    used = []
    files = SavedFiles({"BRIDGE_CONFIG": "routes.toml", **GROUP}, lambda: used.append(path.read_text()))
    looked_at(files)
    assert used == []

    save(path, CONFIG + WRONG, 1)
    looked_at(files)
    assert used == []
    assert "routes.toml was saved, and is not used, as it is wrong: BRIDGE_CONFIG: route 1: 'group-0O'" in caplog.text

    save(path, CONFIG + DROP, 2)
    files.look()
    assert used == []  # the editor may still write
    files.look()
    looked_at(files)
    assert used == [CONFIG + DROP]
    assert "routes.toml was saved, and is used from now on." in caplog.text


def test_what_the_page_has_saved_is_used_already(folder):
    path = folder / "routes.toml"
    save(path, CONFIG)
    files = SavedFiles({"BRIDGE_CONFIG": str(path), **GROUP}, lambda: pytest.fail("used twice"))
    save(path, CONFIG + DROP, 1)
    files.used()
    looked_at(files)


def test_settings_need_a_restart(folder, caplog):
    files = SavedFiles({"BRIDGE_CONFIG": CONFIG}, lambda: pytest.fail("nothing to use"))
    save(folder / "local.settings.json", "{}")
    looked_at(files)
    assert caplog.messages == ["local.settings.json was saved: restart the bridge to use it."]


def test_the_bridge_uses_what_an_editor_saves(folder):
    save(folder / "config.toml", CONFIG)
    with running(folder, BRIDGE_CONFIG="config.toml") as stack:
        save(folder / "config.toml", CONFIG + DROP, 1)
        until(lambda: "is used from now on" in (folder / "log").read_text())
        assert "dropped" in stack.send("issues", issue("opened")).text
