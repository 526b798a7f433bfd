"""Where a group of alerts leads: runbook, dashboard, silence, graph."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from bridge.fields import Payload, dig, first, part, text, texts_of
from bridge.rendering.links import safe_url
from bridge.sources.reading_search import pages


def buttons(sent: Sequence[Payload], texts: Mapping[str, str], payload: Payload) -> list[tuple[str, str]]:
    """Runbook and dashboard, then the silence of what fires, then what else there is to see.

    texts: labels and annotations that all alerts share.
    """
    one = sent[0] if len(sent) == 1 or len(set(texts_of(sent, "panelURL"))) == 1 else {}
    graph = dig(sent[0], "generatorURL") if len(sent) == 1 else ""
    is_firing = any(text(each, "status") == "firing" for each in sent)
    pairs = [
        *pages(texts),
        ("Open the dashboard", first(one, ("panelURL", "dashboardURL"))),
        ("Silence it" if len(sent) == 1 else "Silence them", _silence(sent, payload) if is_firing else ""),
        ("See the graph" if "g0.expr=" in graph else "Open the alert", graph),
        ("Open all alerts", dig(payload, "externalURL")),
    ]
    return list({label: (label, url) for label, url in reversed(pairs) if safe_url(url)}.values())[::-1][:3]


def _silence(sent: Sequence[Payload], payload: Payload) -> str:
    """Where to silence the group: the address that Grafana gives for the only alert, else that of all of its labels.

    https://github.com/prometheus/alertmanager/blob/main/ui/app/src/Views/SilenceForm
    """
    given = set(texts_of(sent, "silenceURL"))
    if any(given):
        return given.pop() if len(given) == 1 else ""
    home = dig(payload, "externalURL").rstrip("/")
    labels = part(payload, "groupLabels") or part(payload, "commonLabels")
    if not labels or not safe_url(home):
        return ""
    matchers = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items() if value)
    return f"{home}/#/silences/new?filter={quote(f'{{{matchers}}}', safe='')}"
