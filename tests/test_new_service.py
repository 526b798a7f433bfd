"""Adding a service takes one folder and one line in the registry; everything else is generated."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from bridge.verification.signatures import Hmac
from tests.local_stack import ROOT
from tools.docs import GENERATED

pytestmark = pytest.mark.files

SECRET = "demo-secret-of-the-lift"
NAME = "lift_control"
PRESET = """
title = "Lift control"
body = "json"
verifier = { kind = "hmac", header = "X-Lift-Signature", prefix = "sha256=" }

[event]
kind = "'lift.' ~ item.state"
correlation_key = "item.lift"
title = "'Lift ' ~ item.lift"
summary = "'Lift ' ~ item.lift ~ ' is ' ~ item.state"
severity = "item.level"
"""
DOCS = """# Lift control

URL `/api/webhooks/lift_control`, secret `BRIDGE_LIFT_CONTROL_SECRET`. [A body to paste](body.json).
"""
TEMPLATE = """{% extends "default:event.html" %}
{% block summary %}Lift {{ field("lift") }} needs a technician{% endblock %}
"""
SAMPLE = {"lift": "B 2", "state": "stuck", "level": "error"}
# Describes the function, and the post that a signed sample becomes.
RECEIVE = """
import json, sys
import function_app
from bridge.events import Webhook
from bridge.local.host.functions import index

function = next(one for one in index(function_app.app).http if one.name == "webhook_lift_control")
headers, body = json.load(sys.stdin)
receipt = function_app.bridge.receiver.receive("lift_control", Webhook(headers, body.encode()))
(entry,) = receipt.entries
print(json.dumps([function.route, function.needs_key, receipt.status, entry.topic, entry.summary, entry.html]))
"""
GALLERY = f"""
from pathlib import Path
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from tools import gallery

one = {{"{NAME}": SOURCES["{NAME}"]}}
gallery.write(None, Path("build/gallery"), one, Renderer())
"""


class Copy:
    """A copy of the repository, and programs that run in it."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("bridge", "tools", "templates", "docs", "infra", "scripts", "tests/data"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.png"))
        for file in ROOT.iterdir():
            if file.is_file():
                shutil.copy(file, folder)

    def run(self, *command, stdin="", **environment):
        env = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder, input=stdin, capture_output=True, text=True, check=True,
            env={**env, "PYTHONPATH": str(self.folder), **environment},
        ).stdout  # fmt: skip

    def read(self, name):
        return (self.folder / name).read_text("utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy to which a service has been added, with its generated files."""
    made = Copy(tmp_path_factory.mktemp("copy"))
    service = made.folder / "bridge/sources" / NAME
    for name, text in {
        "preset.toml": PRESET,
        "docs.md": DOCS,
        "body.json": json.dumps(SAMPLE),
        "samples/lift.stuck.json": json.dumps(SAMPLE),
        "templates/event.html": TEMPLATE,
    }.items():
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(text, "utf-8")
    registry = made.folder / "bridge/sources/__init__.py"
    before, mark, after = registry.read_text("utf-8").partition("\nPRESETS = (\n")
    registry.write_text(f'{before}{mark}    "{NAME}",\n{after}', "utf-8")
    made.changed = made.run("-m", "tools.docs")
    made.run("-c", GALLERY)
    return made


@pytest.mark.parametrize("name", GENERATED)
def test_the_generated_files_are_up_to_date(name):
    text = (ROOT / name).read_text("utf-8")
    assert GENERATED[name](text) == text, "run `make docs` and commit what it changes"


def test_the_docs_have_its_page_with_working_links(copy):
    assert f"docs/services/{NAME}.md" in copy.changed
    page = copy.read(f"docs/services/{NAME}.md")
    assert page.startswith("# Lift control\n")
    link = f"../../bridge/sources/{NAME}/body.json"
    assert f"[A body to paste]({link})" in page
    assert (copy.folder / "docs/services" / link).is_file()
    assert f"| [Lift control]({NAME}.md) |" in copy.read("docs/services/README.md")


def test_the_deployment_has_its_url_and_the_field_for_its_secret(copy):
    assert NAME in json.loads(copy.read("azuredeploy.json"))["variables"]["sources"]
    wizard = json.loads(copy.read("createUiDefinition.json"))["parameters"]
    (services,) = (step for step in wizard["steps"] if step["name"] == "services")
    (others,) = (element for element in services["elements"] if element["name"] == "others")
    fields = {element["name"]: element for element in others["elements"]}
    assert fields[f"{NAME}_how"]["label"] == "Lift control"
    assert fields[NAME]["type"] == "Microsoft.Common.PasswordBox"
    assert f"steps('services').others.{NAME}" in wizard["outputs"]["webhookSecrets"]
    secrets = json.loads(copy.read("infra/main.parameters.json"))["parameters"]
    assert secrets["liftControlSecret"]["value"] == "${BRIDGE_LIFT_CONTROL_SECRET=}"
    assert f"{NAME}: liftControlSecret" in copy.read("infra/main.bicep")


def test_the_gallery_has_its_page(copy):
    assert f'<a href="{NAME}.html">Lift control</a>, 1 payload' in copy.read("build/gallery/index.html")
    assert "Lift B 2 needs a technician" in copy.read(f"build/gallery/{NAME}.html")


def test_a_signed_sample_becomes_a_post_by_its_own_template(copy):
    body = json.dumps(SAMPLE)
    headers = Hmac("X-Lift-Signature", prefix="sha256=").sign(body.encode(), SECRET)
    settings = {"BRIDGE_GROUP": "00000000-0000-4000-8000-0000000000d0", "BRIDGE_LIFT_CONTROL_SECRET": SECRET}
    printed = copy.run("-c", RECEIVE, stdin=json.dumps([dict(headers), body]), **settings)
    route, needs_key, status, topic, summary, html = json.loads(printed)
    assert (route, needs_key, status) == (f"webhooks/{NAME}", False, 202)
    assert (topic, summary) == ("Lift B 2", "Lift B 2 needs a technician")
    assert "Lift B 2" in html
