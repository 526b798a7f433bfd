"""What is still open: one post for each time at which it is due, also if the app was down then."""

import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from bridge.calendar.summaries import StandingSummary
from bridge.entries import EXPIRY, Entry, Target, entry_id
from bridge.errors import Conflict
from bridge.events import Severity
from bridge.outbox.base import Outbox
from bridge.outbox.memos import Memo
from bridge.outbox.rows import IDENTITY, Hold
from bridge.outbox.standing import Standing
from bridge.publishing.expectations import Compose
from bridge.publishing.lengths import moment
from bridge.publishing.summary_events import summary_event

_KIND = "summary"
_AHEAD = 60.0  # seconds; what is written further in the future was written by a clock that was wrong
_HOUR = 3600.0

_logger = logging.getLogger(__name__)


class SummaryPoster:
    """Posts each summary once for each of its times. record: records an entry, once however often."""

    def __init__(
        self,
        summaries: Sequence[StandingSummary],
        outbox: Outbox,
        record: Callable[[Entry], None],
        compose: Compose,
    ) -> None:
        self._summaries = {each.name: each for each in summaries}
        self._outbox, self._record, self._compose = outbox, record, compose

    def look(self, now: float) -> None:
        """Posts those that are due, of the times that have passed since the last look only the latest."""
        memos = {memo.name: memo for memo in self._outbox.memos(_KIND)}
        for name in memos.keys() - self._summaries.keys():
            with contextlib.suppress(Conflict):
                self._outbox.remove_memo(memos[name])
        for name, summary in self._summaries.items():
            memo = memos.get(name, Memo(_KIND, name, ""))
            # A host that was faster has posted the same, under the same id.
            with contextlib.suppress(Conflict):
                self._look_at(summary, memo, now)

    def _look_at(self, summary: StandingSummary, memo: Memo, now: float) -> None:
        due, done = summary.times.last_until(now), _done(memo, summary)
        if done is not None and due is not None and done < due:
            for group in summary.groups:
                self._record(self._entry(summary, group, due, now))
        # What is new begins with its next time. What was written by a clock that was ahead must not keep it waiting.
        if done is None or due is None or done < due or done > now + _AHEAD:
            self._note(summary, memo, now if due is None else due)

    def _note(self, summary: StandingSummary, memo: Memo, due: float) -> None:
        text = json.dumps({"rule": summary.rule, "due": due})
        if text != memo.text:
            self._outbox.write_memo(Memo(_KIND, summary.name, text, memo.version))

    def _entry(self, summary: StandingSummary, group: str, due: float, now: float) -> Entry:
        rows = [row for row in self._standing(group) if _is_in(row, summary, now)]
        event = summary_event(summary, rows, due, now)
        return self._compose(event, entry_id(event, 0, group), Target(group), moment(now))

    def _standing(self, group: str) -> Iterable[Standing]:
        """What stands open in the threads of a group, and whether the bridge's own sign-in needs a person."""
        for row in self._outbox.standing(group):
            if row.standing:
                yield row.standing
        wait = self._outbox.wait_of(IDENTITY)
        if isinstance(wait, Hold):
            title = f"The bridge's own sign-in: {wait.reason}"
            yield Standing(EXPIRY, title, "", "not renewed", Severity.ERROR, "", "bridge", "sign_in", wait.since)


def _done(memo: Memo, summary: StandingSummary) -> float | None:
    """The last of its times that was posted, or that need not be; None where the times are new."""
    try:
        fields: Mapping[str, object] = json.loads(memo.text or "{}")
        return float(str(fields["due"])) if fields["rule"] == summary.rule else None
    except (ValueError, TypeError, KeyError):
        return None


def _is_in(row: Standing, summary: StandingSummary, now: float) -> bool:
    values = {name: getattr(row, name) for name in Standing.__dataclass_fields__ if name != "since"}
    try:
        return bool(summary.matches(**values, hours=max(0.0, now - row.since) / _HOUR))
    except Exception:  # noqa: BLE001  whatever a user's expression raises must not cost the summary
        _logger.warning("The summary %s of BRIDGE_CONFIG failed for one row, which it shows", summary.name)
        return True
