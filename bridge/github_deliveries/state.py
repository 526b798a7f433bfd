"""What is kept from one look at GitHub to the next, as memos: one for the whole, one for each webhook."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bridge.outbox.memos import Memo, Memos

TOKEN, APP = "github", "githubapp"  # the kinds of the memos: for each way to GitHub's API its own
_WHOLE = "whole"
_MOST_WAITING = 300


@dataclass(frozen=True)
class Hook:
    """A webhook of GitHub that leads to this bridge. path: below which its deliveries are. name: whose it is."""

    path: str
    name: str


@dataclass(frozen=True)
class Failing:
    """An event whose redelivery failed, too. id: of the try that is asked for again. tries: how often it was asked for.

    at: when it failed first. due: when it is asked for next; None: never again.
    """

    id: int
    tries: int
    at: float
    due: float | None


@dataclass(frozen=True)
class HookState:
    """Where the reading of a webhook's deliveries stands.

    done: all deliveries up to this id have been looked at. top: the newest of the pass that is under way; 0: none is.
    low: those of the pass from `top` down to this one have been looked at. cursor: the page with that one.
    failing: events whose redelivery failed, by their guids. probes: how often a single delivery was asked for, to see
    whether the bridge answers again; probe_due: when the next one is. at: of the last look. asked: redeliveries so far.
    faults: how many looks in a row GitHub has failed. problem: what is wrong with the webhook, and what helps.
    """

    done: int = 0
    top: int = 0
    low: int = 0
    cursor: str = ""
    failing: Mapping[str, Failing] = field(default_factory=dict)
    probes: int = 0
    probe_due: float = 0.0
    at: float = 0.0
    asked: int = 0
    faults: int = 0
    problem: str = ""

    def with_failing(self, failing: Mapping[str, Failing]) -> "HookState":
        """The state with these; the latest, where there are too many."""
        return replace(self, failing=dict(list(failing.items())[-_MOST_WAITING:]))


@dataclass(frozen=True)
class Whole:
    """What is known of all webhooks. wanted: the settings by which they were found, at `found_at`.

    limited_until: until when GitHub is not asked. limits: how often in a row it said so. problems: with what helps.
    """

    wanted: str = ""
    hooks: tuple[Hook, ...] = ()
    found_at: float = 0.0
    limited_until: float = 0.0
    limits: int = 0
    at: float = 0.0
    problems: tuple[str, ...] = ()


class State:
    """The memos of a kind, as they were read; `keep` and `keep_hook` write them. A webhook's is named by its path."""

    def __init__(self, memos: Memos, kind: str) -> None:
        self._memos, self._kind = memos, kind
        self._written = {memo.name: memo for memo in memos.memos(kind)}
        found = {name: _read(memo.text) for name, memo in self._written.items()}
        self.whole = _whole(found.pop(_WHOLE, {}))
        self._hooks = {path: _hook_state(fields) for path, fields in found.items()}

    def of(self, hook: Hook) -> HookState:
        """Where the reading of a webhook stands."""
        return self._hooks.get(hook.path, HookState())

    def keep(self, whole: Whole) -> None:
        """Writes what is known of all, and forgets webhooks that are gone."""
        self.whole = whole
        self._write(_WHOLE, whole)
        for path in self._hooks.keys() - {hook.path for hook in whole.hooks}:
            del self._hooks[path]
            if memo := self._written.pop(path, None):
                self._memos.remove_memo(memo)

    def remember(self, hook: Hook, state: HookState) -> None:
        """Has a state that is written by the next `keep_hook`: what it says is seen again without."""
        self._hooks[hook.path] = state

    def keep_hook(self, hook: Hook, state: HookState) -> None:
        """Writes where the reading of a webhook stands."""
        self._hooks[hook.path] = state
        self._write(hook.path, state)

    def _write(self, name: str, state: HookState | Whole) -> None:
        known = self._written.get(name, Memo(self._kind, name, ""))
        self._written[name] = self._memos.write_memo(replace(known, text=json.dumps(asdict(state))))


def _read(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _whole(fields: Mapping[str, Any]) -> Whole:
    known = {name: value for name, value in fields.items() if name in Whole.__dataclass_fields__}
    hooks = tuple(Hook(each["path"], each["name"]) for each in known.get("hooks", ()))
    return Whole(**{**known, "hooks": hooks, "problems": tuple(known.get("problems", ()))})


def _hook_state(fields: Mapping[str, Any]) -> HookState:
    known = {name: value for name, value in fields.items() if name in HookState.__dataclass_fields__}
    failing = {guid: Failing(**each) for guid, each in known.get("failing", {}).items()}
    return HookState(**{**known, "failing": failing})
