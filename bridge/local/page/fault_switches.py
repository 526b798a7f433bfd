"""The switches for the faults of the stand-in Graph."""

from collections.abc import Mapping
from typing import Any

from bridge.local.fake_graph.faults import EFFECTS, Fault, Faults
from bridge.local.page.routes import RequestError


def state(faults: Faults) -> list[dict[str, Any]]:
    """Each kind of fault: whether it is switched on, and how many faults of that kind wait for one request."""
    permanent = {fault.kind for fault in faults.permanent}
    once = [fault.kind for fault in faults.once]
    return [
        {"kind": kind, "about": effect.about, "on": kind in permanent, "once": once.count(kind)}
        for kind, effect in EFFECTS.items()
    ]


def switch(faults: Faults, content: Mapping[str, Any]) -> object:
    """Read `{"fault": ..., "mode": "on", "off" or "once"}`; return the new state."""
    try:
        fault = Fault.from_json(content.get("fault"))
    except ValueError as error:
        raise RequestError(f"Unknown fault: {error}.") from error
    mode = content.get("mode")
    if mode == "once":
        faults.add(fault)
    elif mode in ("on", "off"):
        others = [other for other in faults.permanent if other.kind != fault.kind]
        faults.set_permanent(*others, *([fault] if mode == "on" else []))
    else:
        raise RequestError("The mode must be on, off or once.")
    return state(faults)
