"""Routes and templates are edited with their effect beside them, and saved only where they belong."""

import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests
from starlette.applications import Starlette

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.deliveries import DeliveryRecord, EventRecord, Outcome, record_id
from bridge.local.config import environment, made_on_page
from bridge.local.page.deadline import Deadline
from bridge.local.page.editing import files as editable
from bridge.local.page.editing.editor import Editor
from bridge.local.page.editing.effects import effect
from bridge.local.page.editing.files import CONFIG, ChangedOnDisk, EditableFiles, NotSaved
from bridge.local.page.routes import RequestError
from bridge.local.serving import listen
from bridge.outbox.payloads import PayloadFiles
from bridge.payloads import TIME, KeptPayload, to_bytes
from tests.graph_servers import in_thread
from tests.local_stack import GROUPS, NAMES, issue, running

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
PLATFORM, EVERYONE = GROUPS[NAMES[0]], GROUPS[NAMES[1]]
ROUTED = f"""[groups]
platform = "{PLATFORM}"
everyone = "{EVERYONE}"

[[route]]
when = "source == 'github'"
groups = ["platform"]
"""
ELSEWHERE = ROUTED.replace('["platform"]', '["everyone"]')
BLOCK = '{% extends "default:github/issues.html" %}{% block on_opened %}{{ actor }} asks for help{% endblock %}'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "routes.toml").write_text(ROUTED)
    return tmp_path


@pytest.fixture
def env(folder):
    return {
        "BRIDGE_CONFIG": str(folder / "routes.toml"),
        "BRIDGE_TEMPLATES": str(folder / "templates"),
        "BRIDGE_OUTBOX": str(folder / "outbox.sqlite"),
        "BRIDGE_KEEP_PAYLOADS_HOURS": "24",
    }


def setup(config=ROUTED, **unsaved):
    env = {"BRIDGE_CONFIG": config, "BRIDGE_GROUP": GROUPS[NAMES[9]]}
    texts = {name.replace("__", "/") + ".html": text for name, text in unsaved.items()}
    return Bridge(Configuration.from_env(env), unsaved=texts)


def kept(number=1, **more):
    """A payload of which some values are others."""
    headers = {"x-github-event": "issues", "x-github-delivery": f"delivery {number}"}
    body = json.dumps(issue("opened", number)).encode()
    return replace(KeptPayload(f"{number:016x}", "github", "POST", headers, {}, body), **more)


# ---- the files


def test_the_files_are_the_configuration_the_users_templates_and_the_bridges(env, folder):
    (folder / "templates/github").mkdir()
    (folder / "templates/github/issues.html").write_text(BLOCK)
    (folder / "templates/notes.txt").write_text("not a template")
    found = EditableFiles(env, {"backups/event.html": "{# backups #}"})
    assert found.templates() == ["github/issues.html"]
    assert {"layout.html", "github/issues.html", "backups/event.html"} <= set(found.originals())
    assert found.open(CONFIG).text == ROUTED
    assert found.open("github/issues.html").text == BLOCK
    assert found.open("backups/event.html").text == "{# backups #}"


def test_a_template_of_the_bridges_is_copied_when_it_is_saved(env, folder):
    found = EditableFiles(env, {})
    opened = found.open("github/push.html")
    assert opened.version == ""
    assert "extends" in opened.text
    assert "copy of yours" in opened.note
    saved = found.save("github/push.html", "{# mine #}" + opened.text, opened.version)
    assert (folder / "templates/github/push.html").read_text() == "{# mine #}" + opened.text
    assert (saved.text, saved.note) == ("{# mine #}" + opened.text, "")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_saving_keeps_the_line_ends_and_the_mode_and_leaves_nothing_beside(env, folder, ends):
    path = folder / "routes.toml"
    path.write_bytes(ROUTED.replace("\n", ends).encode())
    path.chmod(0o640)
    found = EditableFiles(env, {})
    opened = found.open(CONFIG)
    assert "\r" not in opened.text
    found.save(CONFIG, opened.text + "# one more\n", opened.version)
    assert path.read_bytes() == (ROUTED + "# one more\n").replace("\n", ends).encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in folder.iterdir()) == ["routes.toml", "templates"]


@pytest.mark.parametrize(
    ("happens", "what"),
    [(lambda path: path.write_text("# another's"), "was changed on disk"), (lambda path: path.unlink(), "was deleted")],
)
def test_a_file_that_changed_on_disk_is_not_overwritten(env, folder, happens, what):
    found = EditableFiles(env, {})
    opened = found.open(CONFIG)
    happens(folder / "routes.toml")
    before = [path.read_bytes() for path in folder.glob("*.toml")]
    with pytest.raises(ChangedOnDisk, match=what):
        found.save(CONFIG, "# mine", opened.version)
    assert [path.read_bytes() for path in folder.glob("*.toml")] == before


def test_a_file_that_was_made_meanwhile_is_not_overwritten(env, folder):
    found = EditableFiles(env, {})
    opened = found.open("event.html")
    (folder / "templates/event.html").write_text("another's")
    with pytest.raises(ChangedOnDisk, match="was made"):
        found.save("event.html", "mine", opened.version)


def test_a_file_that_cannot_be_replaced_stays_as_it_was(env, folder, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    found = EditableFiles(env, {})
    opened = found.open(CONFIG)
    monkeypatch.setattr(editable.os, "fsync", fail)
    with pytest.raises(NotSaved, match="cannot be written: No space left on device"):
        found.save(CONFIG, "# half", opened.version)
    assert (folder / "routes.toml").read_text() == ROUTED
    assert sorted(one.name for one in folder.iterdir()) == ["routes.toml", "templates"]


@pytest.mark.parametrize(
    "name",
    [
        "../routes.toml",
        "../outside.html",
        "/etc/passwd",
        "github/../../outside.html",
        "github/nothing.html",
        "",
        ".",
        "a\0.html",
        "..\\outside.html",
        "link/outside.html",
        "linked.html",
    ],
)
def test_nothing_else_is_read_or_written(env, folder, name):
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "outside.html").write_text("secret")
    (folder / "templates/link").symlink_to(elsewhere)
    (folder / "templates/linked.html").symlink_to(elsewhere / "outside.html")
    found = EditableFiles(env, {})
    assert found.templates() == []
    with pytest.raises(NotSaved):
        found.open(name)
    with pytest.raises(NotSaved):
        found.save(name, "taken over", "")
    assert (elsewhere / "outside.html").read_text() == "secret"
    assert list((folder / "templates").glob("**/*.html")) == [folder / "templates/linked.html"]


def test_an_original_is_not_written_through_a_link_out_of_the_folder(env, folder):
    (folder / "elsewhere").mkdir()
    (folder / "templates/github").symlink_to(folder / "elsewhere")
    with pytest.raises(NotSaved):
        EditableFiles(env, {}).save("github/push.html", "taken over", "")
    assert list((folder / "elsewhere").iterdir()) == []


def test_what_is_no_file_is_not_opened_and_keeps_no_other_from_it(env, folder):
    (folder / "templates/github").mkdir()
    (folder / "templates/github/issues.html").write_text(BLOCK)
    (folder / "templates/github/push.html").symlink_to("push.html")
    os.mkfifo(folder / "templates/alerts.html")
    found = EditableFiles(env, {})
    assert found.templates() == ["github/issues.html"]
    for name in ("github/push.html", "alerts.html"):
        with pytest.raises(NotSaved, match=name):
            found.open(name)


def test_a_configuration_in_the_settings_themselves_is_shown_but_not_saved(env):
    found = EditableFiles({**env, "BRIDGE_CONFIG": ROUTED}, {})
    opened = found.open(CONFIG)
    assert (opened.text, opened.can_be_saved) == (ROUTED.strip(), False)
    assert "set BRIDGE_CONFIG to its path" in opened.note
    with pytest.raises(NotSaved):
        found.save(CONFIG, ROUTED, "")


def test_a_first_configuration_and_template_are_made_beside_the_outbox_and_used_from_then_on(tmp_path):
    env = {"BRIDGE_OUTBOX": str(tmp_path / "data/outbox.sqlite")}
    assert made_on_page(env) == {}
    found = EditableFiles(env, {})
    opened = found.open(CONFIG)
    assert not found.has_config
    Configuration.from_env({"BRIDGE_CONFIG": opened.text})
    found.save(CONFIG, opened.text, "")
    found.save("event.html", found.open("event.html").text, "")
    made = {"BRIDGE_CONFIG": str(tmp_path / "data/config.toml"), "BRIDGE_TEMPLATES": str(tmp_path / "data/templates")}
    assert made_on_page(env) == made
    assert made.items() <= environment(env, tmp_path, 7071).items()
    assert environment({**env, "BRIDGE_CONFIG": "other.toml"}, tmp_path, 7071)["BRIDGE_CONFIG"] == "other.toml"


# ---- the effect


def test_another_route_changes_the_groups_and_not_the_post():
    found = effect(setup(), setup(ELSEWHERE), kept(), AT)
    assert (found.changes_groups, found.changes_post) == (True, False)
    assert (found.before.groups, found.after.groups) == ((PLATFORM,), (EVERYONE,))
    assert found.after.today.events[0].trials[0].answer == "matches"


def test_another_template_changes_the_post_and_not_the_groups():
    found = effect(setup(), setup(github__issues=BLOCK), kept(), AT)
    assert (found.changes_groups, found.changes_post) == (False, True)
    assert "asks for help" not in found.before.today.events[0].html
    assert "asks for help" in found.after.today.events[0].html


def test_others_who_are_invited_are_an_effect():
    invited = ROUTED.replace('["platform"]', '["platform"]\nparticipants = ["Alex Darrow <alexd@contoso.com>"]')
    found = effect(setup(), setup(invited), kept(), AT)
    assert (found.changes_groups, found.changes_people, found.changes_post) == (False, True, False)


def test_without_a_change_there_is_no_effect():
    found = effect(setup(), setup(), kept(), AT)
    assert (found.changes_groups, found.changes_post) == (False, False)


def test_a_drop_is_an_effect():
    found = effect(setup(), setup(ROUTED.replace('["platform"]', "[]")), kept(), AT)
    assert found.changes_groups
    assert found.after.groups == ()


def test_what_fails_is_said_and_not_logged(caplog):
    broken = setup(
        ROUTED.replace("source == 'github'", "payload.issue.number.missing > 1"), github__issues="{{ 1 / 0 }}"
    )
    found = effect(setup(), broken, kept(), AT)
    assert any("ZeroDivisionError" in problem for problem in found.after.problems)
    assert any("Route 1 of BRIDGE_CONFIG failed" in problem for problem in found.after.problems)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (kept(source="nobody"), "The bridge has no source nobody any more."),
        (kept(body=b"<html>"), "400: "),
        (kept(headers={"x-github-event": "ping"}, body=b'{"zen": "Keep it simple"}'), "GitHub's ping"),
        (kept(query={"group": "nobody"}), "400: The URL's ?group= is not a group"),
    ],
)
def test_a_webhook_without_events_has_a_reason(payload, reason):
    found = effect(setup(), setup(), payload, AT)
    assert found.after.today.events == ()
    assert found.after.today.reason.startswith(reason)


# ---- the page's editor


@pytest.fixture
def editor(env, folder):
    bridge = Bridge(Configuration.from_env(env))
    payloads = PayloadFiles(folder / "payloads")
    for number in range(1, 27):
        # The last one takes too long for a check.
        size = 2 << 20 if number == 26 else 1000
        at = AT.timestamp() + number
        payload = kept(number, id=record_id(at, f"{number:05x}"))
        content = to_bytes(payload)
        payloads.write(datetime.fromtimestamp(at, UTC).strftime(TIME) + f"-{number}", content)
        events = (EventRecord("issues.opened", f"issue {number}"),)
        record = DeliveryRecord(payload.id, at, "github", Outcome.ACCEPTED, 202, events=events, payload=len(content))
        record = replace(record, size=size)
        bridge.delivery.outbox.note_delivery(record)
    yield Editor(bridge, env, lambda: payloads)
    bridge.delivery.outbox.close()


def test_a_text_is_checked_with_its_effect_on_the_last_twenty_webhooks(editor):
    found = editor.check({"name": CONFIG, "text": ELSEWHERE})
    assert found["problems"] == []
    rows = found["deliveries"]
    assert [row["title"] for row in rows] == [f"issue {number}" for number in range(25, 5, -1)]
    assert (rows[0]["before"]["groups"], rows[0]["after"]["groups"]) == (["platform"], ["everyone"])
    assert rows[0]["changes"] == ["groups"]
    assert found["shown"]["id"] == rows[0]["id"]
    other = editor.check({"name": CONFIG, "text": ELSEWHERE, "selected": rows[3]["id"]})["shown"]
    assert "The pump runs dry 22" in other["after"]["events"][0]["html"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (ROUTED + "[groups\n", 8, "is not TOML"),
        (ROUTED.replace("groups = [", "grops = ["), 5, "needs `groups`"),
        (ROUTED.replace("groups = [", "grops = ["), 7, "did you mean `groups`?"),
        (ROUTED.replace('"platform"]', '"platfrom"]'), 7, "did you mean `platform`?"),
        (ROUTED.replace("'github'", "'github' and severity >="), 6, "the expression ends too early"),
        (ROUTED.replace("source ==", "attributes.branh =="), 6, "did you mean `attributes.branch`?"),
    ],
)
def test_a_problem_names_the_line_and_what_was_meant(editor, text, line, problem):
    found = editor.check({"name": CONFIG, "text": text})["problems"]
    assert [one["line"] for one in found if problem in one["text"]] == [line]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (
            "{% extends 'default:github/issues.html' %}\n{% block on_opened %}{{ actor }",
            2,
            "`}` stands where nothing of the kind can",
        ),
        (
            '{% extends "default:github/issues.html" %}\n{% block on_opened %}{{ actor | uper }}{% endblock %}',
            2,
            "did you mean `upper`?",
        ),
        ('{% extends "default:github/issues.html" %}\n\n{% block sumary %}x{% endblock %}', 3, "did you mean summary?"),
    ],
)
def test_a_problem_of_a_template_names_the_line_and_what_was_meant(editor, text, line, problem):
    found = editor.check({"name": "github/issues.html", "text": text})["problems"]
    assert [one["line"] for one in found if problem in one["text"]] == [line]


def test_a_configuration_with_which_the_bridge_would_not_run_is_not_saved(editor, folder):
    opened = editor.open({"name": CONFIG})
    with pytest.raises(NotSaved, match="the bridge would accept no webhook"):
        editor.save({"name": CONFIG, "text": "[[route", "version": opened["version"]})
    assert (folder / "routes.toml").read_text() == ROUTED
    assert "conflict" in editor.save({"name": CONFIG, "text": ELSEWHERE, "version": "another"})
    assert editor.save({"name": CONFIG, "text": ELSEWHERE, "version": opened["version"]})["text"] == ELSEWHERE


def test_without_kept_payloads_the_page_says_why(env):
    bridge = Bridge(Configuration.from_env({**env, "BRIDGE_KEEP_PAYLOADS_HOURS": "0"}))
    found = Editor(bridge, {**env, "BRIDGE_KEEP_PAYLOADS_HOURS": "0"}, lambda: PayloadFiles(env["BRIDGE_OUTBOX"]))
    assert "set BRIDGE_KEEP_PAYLOADS_HOURS" in found.check({"name": CONFIG, "text": ROUTED})["note"]
    bridge.delivery.outbox.close()


# ---- the running bridge


def test_what_is_saved_is_used_at_once_and_only_for_the_page(folder, env):
    (folder / "routes.toml").write_text("[[route\n")
    settings = {name: env[name] for name in ("BRIDGE_CONFIG", "BRIDGE_TEMPLATES")}
    with running(folder / "work", **settings, BRIDGE_GROUP="") as stack:

        def page(path, **content):
            return requests.post(f"{stack.address}/page/{path}", json=content, timeout=30)

        def save(name, text):
            version = page("open", name=name).json()["version"]
            return page("save", name=name, text=text, version=version).json()

        # The settings were wrong, and are corrected on the page.
        assert stack.send("issues", issue("opened", 1)).status_code == 503
        assert save(CONFIG, ROUTED)["wrong"] == []
        stack.wait_for_posts(NAMES[0], stack.send("issues", issue("opened", 2)))
        assert save(CONFIG, ELSEWHERE + '[sources.pumps]\ntitle = "Pumps"\n')["wrong"] == []
        stack.wait_for_posts(NAMES[1], stack.send("issues", issue("opened", 3)))
        # A source that is new has its route.
        sent = requests.post(
            f"{stack.address}/api/webhooks/generic/pumps?code=local", json={"title": "Dry"}, timeout=30
        )
        assert sent.status_code in (200, 202)
        assert save("github/issues.html", BLOCK)["wrong"] == []
        [(_, [post]), *_] = stack.wait_for_posts(NAMES[1], stack.send("issues", issue("opened", 4)))
        assert "asks for help" in post
        assert stack.health()["ok"]
        # Another page can do none of it.
        for path in ("open", "check", "save"):
            content = {"name": CONFIG, "text": "", "version": ""}
            refused = requests.post(
                f"{stack.address}/page/{path}", json=content, headers={"Origin": "https://evil.example"}, timeout=30
            )
            assert refused.status_code == 403
            form = requests.post(f"{stack.address}/page/{path}", data=content, timeout=30)
            assert form.status_code == 415
        assert (
            requests.get(f"{stack.address}/page/files", headers={"Host": "evil.example"}, timeout=30).status_code == 421
        )


def test_a_check_that_does_not_end_is_answered_and_later_ones_wait_for_it():
    deadline, ends = Deadline(0.2), threading.Event()
    with pytest.raises(RequestError, match=r"has taken 0\.2 seconds: see whether all loops"):
        deadline.wait_for(ends.wait)
    with pytest.raises(RequestError, match="An earlier text is still being checked"):
        deadline.wait_for(int)
    ends.set()
    assert deadline.wait_for(int) == 0
    with pytest.raises(NotSaved):
        deadline.wait_for(lambda: (_ for _ in ()).throw(NotSaved("not there")))


def test_a_template_that_does_not_end_is_not_saved(env, folder, monkeypatch):
    monkeypatch.setattr("bridge.local.page.deadline.SECONDS", 0.2)
    editor, ends = Editor(None, env, lambda: None), threading.Event()
    monkeypatch.setattr(editor, "check", lambda _: ends.wait())
    with listen(0) as listener:
        routes = editor.routes(listener.getsockname()[1])
        with in_thread(Starlette(routes=routes), listener) as address:
            content = {"name": "alerts.html", "text": "{% for one in range(99999) %}", "version": ""}
            answer = requests.post(f"{address}/page/save", json=content, timeout=9)
    ends.set()
    assert (answer.status_code, "see whether all loops" in answer.json()["error"]) == (409, True)
    assert list((folder / "templates").iterdir()) == []
