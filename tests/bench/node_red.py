"""Node-RED beside the bridge: how many webhooks each accepts, and how soon, on the same machine in the same run.

The flow checks the signature, renders a Mustache template, posts to Graph and then answers. It keeps nothing: a webhook
whose post fails is lost, and everyone waits for Graph. npm installs Node-RED once into .node-red; without npm there are
no rows.
"""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import requests

from tests.bench.graph import graph
from tests.bench.load import Load, labeled, wait_until_idle
from tests.bench.rows import Row, medians, scratch
from tests.graph_servers import closed_port
from tests.local_stack import NAMES, ROOT, SECRET, Stack, polling, running

VERSION = "4.1.15"
FOLDER = ROOT / ".node-red"
GROUP = NAMES[0]
GRAPH = 0.3  # seconds a request
ROUNDS = 3
ADDRESSES = 112  # with which a webhook has 13.5 KB
# Of a round, at each latency of Graph: the bridge, and Node-RED, which answers fewer while Graph takes its time.
EVENTS = {0.0: (400, 400), GRAPH: (400, 80)}
# At each latency of Graph: accepted at least so many times as often, p99 at most so many times as long.
GOALS = {0.0: (1.0, 1.5), GRAPH: (10.0, 0.2)}
Figures = tuple[float, float]  # webhooks a second, and milliseconds in which all but one in a hundred are answered


def rows() -> Iterator[Row]:
    """Webhooks a second over all connections, and the time in which all but one in a hundred are answered."""
    if not _installed():
        return
    for seconds, (more, sooner) in GOALS.items():
        name = f"beside Node-RED, Graph answers {f'in {seconds * 1000:.0f} ms' if seconds else 'at once'}"
        bridge, flow = _beside(seconds)
        yield Row(f"{name}: accepted", bridge[0], flow[0], "events/s", more, at_least=True)
        yield Row(f"{name}: answer, p99", bridge[1], flow[1], "ms", sooner)


def _installed() -> bool:
    if not (FOLDER / "ready").exists() and shutil.which("npm"):
        quiet = ["--silent", "--no-audit", "--no-fund"]
        command = ["npm", "install", "--prefix", str(FOLDER), *quiet, f"node-red@{VERSION}"]
        if subprocess.run(command, check=False).returncode == 0:
            (FOLDER / "ready").touch()
    return (FOLDER / "ready").exists() and bool(shutil.which("node"))


def _beside(seconds: float) -> tuple[Figures, Figures]:
    """Those of the bridge, and those of the flow."""
    with graph(seconds) as address, scratch() as folder:
        settings = {"IDENTITY_ENDPOINT": f"{address}/msi/token", "BRIDGE_GRAPH_URL": f"{address}/graph/v1.0"}
        with _node_red(folder / "node-red", address) as flow, running(folder / "bridge", **settings) as stack:
            loads = Load(stack.address, GROUP), Load(flow, GROUP)
            for load in loads:
                load.send(labeled(50, 50, ADDRESSES))
            pairs = [_by_turns(stack, *loads, *EVENTS[seconds]) for _ in range(ROUNDS)]
    return medians(of_bridge for of_bridge, _ in pairs), medians(of_flow for _, of_flow in pairs)


def _by_turns(stack: Stack, bridge: Load, flow: Load, events: int, fewer: int) -> tuple[Figures, Figures]:
    wait_until_idle(stack)
    of_bridge = _round(bridge, events)
    wait_until_idle(stack)
    return of_bridge, _round(flow, fewer)


def _round(load: Load, events: int) -> Figures:
    webhooks = labeled(events, events, ADDRESSES)
    began = time.monotonic()
    taken = load.send(webhooks)
    return events / (time.monotonic() - began), 1000 * quantiles(taken, n=100)[98]


@contextlib.contextmanager
def _node_red(folder: Path, address: str) -> Iterator[str]:
    """The address of one that runs the flow."""
    folder.mkdir()
    port = closed_port()
    (folder / "settings.js").write_text(_SETTINGS % {"port": port, "secret": json.dumps(SECRET), "folder": folder})
    (folder / "flow.json").write_text(json.dumps(_flow(address)))
    command = ["node", str(FOLDER / "node_modules/node-red/red.js"), "--userDir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--settings", str(folder / "settings.js")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield _once_it_answers(f"http://127.0.0.1:{port}", process, folder / "log")
    finally:
        process.kill()
        process.wait()


def _once_it_answers(address: str, process: subprocess.Popen, log: Path) -> str:
    for _ in polling(60):
        assert process.poll() is None, log.read_text()
        # Until the flow is deployed, there is a server without its path.
        with contextlib.suppress(requests.ConnectionError):
            if requests.post(f"{address}/api/webhooks/github", timeout=10).status_code == 401:
                return address
    raise AssertionError(log.read_text())


_SETTINGS = """
module.exports = {
  uiPort: %(port)d, uiHost: "127.0.0.1", httpAdminRoot: false, flowFile: "flow.json", userDir: "%(folder)s",
  credentialSecret: false, diagnostics: {enabled: false}, telemetry: {enabled: false},
  functionGlobalContext: {crypto: require("crypto"), secret: %(secret)s},
  logging: {console: {level: "warn", metrics: false, audit: false}}
};
"""

_CHECK = """
const crypto = global.get("crypto");
const signed = "sha256=" + crypto.createHmac("sha256", global.get("secret")).update(msg.payload || "").digest("hex");
const given = msg.req.headers["x-hub-signature-256"] || "";
if (given.length !== signed.length || !crypto.timingSafeEqual(Buffer.from(given), Buffer.from(signed))) {
  msg.statusCode = 401;
  msg.payload = "";
  return [null, msg];
}
msg.event = JSON.parse(msg.payload);
return [msg, null];
"""

_POST = """
const topic = "#" + msg.event.issue.number + " " + msg.event.issue.title;
msg.payload = {topic: topic, posts: [{body: {contentType: "html", content: msg.payload}}]};
msg.headers = {Authorization: "Bearer bench", "Content-Type": "application/json"};
return msg;
"""

_TEMPLATE = """<table><tr><td><b>{{event.sender.login}}</b> {{event.action}} {{event.label.name}}
<a href="{{event.issue.html_url}}">#{{event.issue.number}} {{event.issue.title}}</a></td></tr>
<tr><td>{{event.issue.body}}</td></tr><tr><td>{{event.repository.full_name}}</td></tr></table>"""

_ANSWER = "msg.statusCode = 202; msg.payload = {}; msg.headers = {}; return msg;"


def _flow(address: str) -> list[dict]:
    url = f"{address}/graph/v1.0/groups/{GROUP}/threads"
    return [
        {"id": "tab", "type": "tab", "label": "bridge"},
        {
            **_node("in", "http in", "check", url="/api/webhooks/github", method="post"),
            "skipBodyParsing": True,
        },
        _node("check", "function", "render", "answer", func=_CHECK, outputs=2),
        _node("render", "template", "body", field="payload", fieldType="msg", syntax="mustache", template=_TEMPLATE),
        _node("body", "function", "post", func=_POST, outputs=1),
        _node("post", "http request", "done", method="POST", url=url, ret="obj", persist=True),
        _node("done", "function", "answer", func=_ANSWER, outputs=1),
        {"id": "answer", "type": "http response", "z": "tab", "wires": []},
    ]


def _node(name: str, kind: str, *to: str, **values: object) -> dict:
    """A node of the flow, each of whose outputs goes to one other."""
    return {"id": name, "type": kind, "z": "tab", "wires": [[one] for one in to], **values}
