"""What the labels of an alert say it is about: a pod, a host and its mount, a room; never the exporter behind it."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from bridge.fields import Payload
from bridge.rendering.text import is_id, one_line
from bridge.sources.people import PeopleAt

Labels = Mapping[str, str]

_MOST_PARTS = 3
_LONGEST_NAME = 200  # characters that are looked at
# What Kubernetes' own metrics are about, the most specific first.
_OBJECTS = (
    *("pod", "deployment", "statefulset", "daemonset", "cronjob", "job_name", "persistentvolumeclaim"),
    *("horizontalpodautoscaler", "replicaset", "ingress", "node"),
)
_PLACES = ("nodename", "hostname", "host", "node", "server", "machine", "vm", "instance")
# Parts of a place, and what else alerts are commonly about.
_PARTS = (
    *("mountpoint", "device", "interface", "disk", "volume", "partition", "path", "url", "target", "queue", "topic"),
    *("database", "datname", "table", "room", "tank", "zone", "site", "station", "sensor", "name", "check", "monitor"),
)
_WIDE = ("service", "job")
_NAMED_BEFORE = frozenset({*_PLACES, *_PARTS, *_WIDE})
# Where it belongs to, rather than what it is about.
_SCOPES = ("cluster", "namespace", "grafana_folder", "environment", "env", "region")
_NAMES = {"alertname", "severity", "priority"}
# Labels for routing: they name who cares, and not what it is about.
_ROUTING = {"team", "owner", "squad", "tier", "oncall", "debug"}
# Labels are of an alert; annotations are of a rule, and say it for all of its alerts.
OWNERS = PeopleAt(
    owner=tuple(f"{place}/{name}" for name in ("owner", "team") for place in ("commonLabels", "commonAnnotations")),
    assignees=("commonLabels/assignee", "commonLabels/oncall", "commonAnnotations/assignee"),
)
_OTHERS = frozenset({*_NAMES, *_SCOPES, *_ROUTING})
_MACHINERY = re.compile(
    r"__.*|.*_uid|uid|ref_id|endpoint|prometheus|prometheus_replica|replica|receiver|rulename|metrics_path|monitor|route"
)
_MEASURED_BY = ("job", "pod", "container", "service")
_EXPORTERS = re.compile(r"exporter|kube-state-metrics|cadvisor|blackbox", re.IGNORECASE)
_ADDRESS = re.compile(r"(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\])(:\d+)?")


def exported(labels: Labels) -> Labels:
    """The labels with the values that Prometheus has renamed in the place of the exporter's own.

    https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config (honor_labels)
    """
    if "exported_" not in " ".join(labels):
        return labels
    kept = {name: value for name, value in labels.items() if not name.startswith("exported_")}
    return kept | {name.removeprefix("exported_"): value for name, value in labels.items() if name not in kept}


def own(labels: Labels) -> Labels:
    """The labels without those of the exporter that measured what the alert is about."""
    dropped = _of_exporter(*[labels.get(name, "")[:_LONGEST_NAME] for name in _MEASURED_BY])
    return {name: value for name, value in labels.items() if name not in dropped} if dropped else labels


# A group can have thousands of alerts, which the same exporter measured.
@lru_cache(maxsize=1024)
def _of_exporter(*measured_by: str) -> frozenset[str]:
    """The names of labels that an exporter has set, by the values of those by which it can be recognised."""
    exporter = [value for value in measured_by if _EXPORTERS.search(value)]
    of_metrics = ("instance", "job", "service") if any("kube-state-metrics" in name for name in exporter) else ()
    pairs = zip(_MEASURED_BY, measured_by, strict=True)
    return frozenset((*of_metrics, *(name for name, value in pairs if value in exporter)))


def about(labels: Labels, candidates: Labels | None = None) -> str:
    """What an alert with these labels is about: `invoice-api-1`, `db-01 /var`; empty where they do not say it.

    candidates: those of the labels that may name it, whatever they are called; without them the well-known ones may.
    """
    allowed = labels if candidates is None else candidates
    if not allowed:
        return ""
    kept = own(labels)
    found = {name: kept[name] for name in allowed if name in kept and _can_name(name, kept[name])}
    if len(found) < 2 and candidates is not None:
        # As most alerts of a group, which differ in one label.
        return one_line(next(iter(found.values()), ""), 80)
    for name in _OBJECTS:
        if name in found and not (name == "node" and _is_part_of_place(found)):
            return one_line(found[name], 80)
    places = [found[name] for name in _PLACES if name in found]
    host = next((value for value in places if not _ADDRESS.fullmatch(value)), next(iter(places), ""))
    parts = [found[name] for name in _PARTS if name in found]
    if candidates is not None:
        parts += [value for name, value in found.items() if name not in _NAMED_BEFORE]
    parts = [part for part in parts if part not in host]
    wide = [found[name] for name in _WIDE if name in found]
    names = [host, *parts] if host or parts else wide[:1]
    return one_line(" ".join(list(filter(None, names))[:_MOST_PARTS]), 80)


def place(labels: Labels) -> str:
    """The pod or host of these labels by its name; empty where they have an address at most."""
    found = own(labels)
    named = (found.get(name, "") for name in (*_OBJECTS, *_PLACES))
    return next((one_line(value, 80) for value in named if value and not _ADDRESS.fullmatch(value)), "")


def differing(several: Sequence[Labels], shared: Labels) -> list[dict[str, str]]:
    """Of each alert's labels those that not all of them share."""
    return [{name: value for name, value in labels.items() if name not in shared} for labels in several]


def common(several: Sequence[Labels]) -> dict[str, str]:
    """The labels (or annotations) that all of them share."""
    shared = dict(several[0]) if several else {}
    for other in several[1:]:
        if not shared:
            break
        if not shared.items() <= other.items():
            shared = {name: value for name, value in shared.items() if other.get(name) == value}
    return shared


def without_ports(several: Sequence[Labels]) -> Sequence[Labels]:
    """The labels with the port of `instance` left out where it is the same everywhere, and says nothing."""
    ports = {labels.get("instance", "").rpartition(":")[2] for labels in several if "instance" in labels}
    port = next(iter(ports)) if len(ports) == 1 else ""
    if not port.isdigit():
        return several
    return [
        {**labels, "instance": labels["instance"].removesuffix(f":{port}")}
        if "://" not in labels.get("instance", "://")
        else labels
        for labels in several
    ]


def scope(labels: Labels) -> dict[str, str]:
    """The labels that name where it belongs to: cluster and namespace, or the first of the wider ones."""
    found = [name for name in _SCOPES if labels.get(name)]
    names = [name for name in found if name in {"cluster", "namespace"}] or found[:1]
    return {name: labels[name] for name in names}


def facts(labels: Labels) -> dict[str, str]:
    """The labels that say something to a reader: without names, machinery and ids."""
    return {name: value for name, value in own(labels).items() if name not in _NAMES and _is_informative(name, value)}


def _can_name(name: str, value: str) -> bool:
    return name not in _OTHERS and _is_informative(name, value)


def _is_informative(name: str, value: str) -> bool:
    return bool(value) and not _is_machinery(name[:_LONGEST_NAME]) and not is_id(value)


# A group can have thousands of alerts, whose labels have the same names.
@lru_cache(maxsize=1024)
def _is_machinery(name: str) -> bool:
    return _MACHINERY.fullmatch(name) is not None


def _is_part_of_place(found: Labels) -> bool:
    """Whether there is more to say than the node's name."""
    return any(name in found for name in _PARTS)


def texts(value: Payload, name: str) -> dict[str, str]:
    """The texts of an object, such as the labels of an alert, by their names."""
    found = value.get(name)
    return {key: text for key, text in found.items() if type(text) is str and text} if type(found) is dict else {}
