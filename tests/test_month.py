"""A month with hours in three zones, maintenance, changed configurations, faults, crashes and restarts.

Nothing is lost, nothing is posted twice, nothing early, and in each thread everything in its order.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.calendar.hours import Hours
from bridge.calendar.maintenance import BRIDGE, Plan, Window, to_text
from bridge.errors import NotSent, OutcomeUnknown
from bridge.events import Severity
from bridge.outbox.memos import StoredText
from bridge.publishing import drain
from tests.amounts import FUZZ
from tests.outbox_stand_ins import FakeChannel, entry, token_of
from tests.publishing_simulation import Crashing, Simulation

DAYS = 31
# Each with a change of clocks, or the end of a leap year's February.
MONTHS = [date(2026, 3, 14), date(2026, 10, 11), date(2028, 2, 10)]
ZONES = {"berlin": "Europe/Berlin", "york": "America/New_York", "sydney": "Australia/Sydney"}
SWEEP = 3600.0


def office(name, first, last):
    return Hours(name, frozenset(range(5)), time(first), time(last), ZoneInfo(ZONES[name]))


@dataclass
class Event:
    """What comes, when, and for what it has to wait."""

    entry: object
    at: float
    hours: str = ""
    window: Window | None = None


@dataclass
class Month:
    """Everything that is decided about a month before it begins."""

    rng: random.Random
    start: float
    events: list = field(default_factory=list)
    versions: list = field(default_factory=list)  # (since, hours by their names)
    plans: tuple = ()
    by_hand: list = field(default_factory=list)  # windows with their real end, and the one that was announced
    restarts: list = field(default_factory=list)


def month_of(seed):
    rng = random.Random(seed)
    start = datetime.combine(MONTHS[seed % 3], time(), UTC).timestamp() + rng.randrange(86400)
    month = Month(rng, start)
    length = DAYS * 86400.0
    month.versions = [(start, {name: office(name, rng.choice((7, 8, 9)), rng.choice((17, 18, 23))) for name in ZONES})]
    if rng.random() < 0.6:
        changed = {name: office(name, 6 + number, 16 + number) for number, name in enumerate(ZONES)}
        if rng.random() < 0.5:
            changed.pop("york")
        month.versions.append((start + length * rng.random(), changed))
    begin = datetime.fromtimestamp(start + length * rng.random(), UTC)
    weekly = Hours("patches", frozenset({6}), time(2, 30), time(5), ZoneInfo("Europe/Berlin"))
    month.plans = (
        Plan("scope == 'planned'", "disks", once=(begin, begin + timedelta(hours=rng.randrange(1, 40)))),
        Plan("scope == 'weekly'", "patches", weekly=weekly),
    )
    for number in range(2):
        at = start + length * 0.9 * rng.random()
        end = at + rng.choice((1800.0, 7200.0, 200_000.0))
        real = at + (end - at) * rng.random() if rng.random() < 0.5 else end
        month.by_hand.append((Window(f"hand{number}", at, real, "scope == 'by hand'"), end))
    month.restarts = sorted(start + length * rng.random() for _ in range(8))
    month.events = [event_of(month, number) for number in range(400 if FUZZ else 160)]
    month.events.sort(key=lambda event: event.at)
    return month


def event_of(month, number):
    rng = month.rng
    at = month.start + (DAYS - 1) * 86400.0 * rng.random()
    if rng.random() < 0.3:  # many at once, in a night or in a window
        at = month.start + 86400.0 * (number // 20) + 60 * rng.random()
    scope = rng.choice(("planned", "weekly", "by hand", "", ""))
    key, name = f"{scope}{rng.randrange(30)}", rng.choice((*ZONES, ""))
    moment = datetime.fromtimestamp(at, UTC)
    # What has begun by hand is read within some seconds.
    for window, _ in month.by_hand:
        if window.begin <= at < window.begin + 60:
            at = window.begin + 60
            moment = datetime.fromtimestamp(at, UTC)
    changes = {"scope": scope, "ends_thread": rng.random() < 0.3, "group": rng.choice("gh")}
    made = replace(entry(number, f"{changes['group']}{key}", **changes), occurred=moment, received=moment)
    if rng.random() < 0.1:
        made, name = replace(made, severity=Severity.CRITICAL), ""
    hours = hours_at(month, at).get(name)
    begin = hours.open_from(moment) if hours else moment
    if begin > moment:
        made = replace(made, hours=name, not_before=begin)
    window = next((one for one in windows_at(month, at) if one.match == f"scope == '{scope}'"), None)
    return Event(made, at, name if begin > moment else "", window)


def hours_at(month, at):
    return [hours for since, hours in month.versions if since <= at][-1]


def windows_at(month, at):
    planned = [plan.window(datetime.fromtimestamp(at, UTC)) for plan in month.plans]
    return [window for window in (*planned, *(one for one, _ in month.by_hand)) if window and window.is_active(at)]


class Run:
    """Runs a month. posts: the time of each, and the ids of its entries in their order."""

    def __init__(self, folder, month, monkeypatch):
        self.month, self.simulation = month, Simulation(folder, channel=FakeChannel)
        self.simulation.sweep_every = SWEEP
        self.simulation.clock.now = month.start
        self.batches, self.times = {}, {}
        made, take = drain.composed, FakeChannel._take

        def noted(group, batch, target, token, *more):
            self.batches[token] = [row.entry.id for row in batch.rows]
            return made(group, batch, target, token, *more)

        def timed(channel, thread, post):
            self.times.setdefault(token_of(post), self.simulation.clock.now)
            return take(channel, thread, post)

        monkeypatch.setattr(drain, "composed", noted)
        monkeypatch.setattr(FakeChannel, "_take", timed)
        self.publisher()

    def publisher(self, fuse=None):
        """A process that starts, with what is configured now; with a fuse, one that will crash."""
        policy = {
            "hours": hours_at(self.month, self.simulation.clock.now), "maintenance": self.month.plans, "home": "g"
        }  # fmt: skip
        if fuse:
            outbox, queue = (Crashing(one, fuse) for one in (self.simulation.outbox, self.simulation.queue))
            return self.simulation.make(outbox, None, queue, **policy)
        self.simulation.publisher = self.simulation.make(**policy)
        return self.simulation.publisher

    def until(self, at):
        left = at - self.simulation.clock.now
        if left <= 0:
            return
        rng = self.month.rng
        if rng.random() < 0.1:
            fuse = {"left": rng.randrange(1, 60), "after": rng.random() < 0.5}
            self.simulation.run(min(left, 900.0), self.publisher(fuse))
            left = at - self.simulation.clock.now
        self.simulation.run(left)

    def go(self):
        rng, simulation = self.month.rng, self.simulation
        steps = [(event.at, lambda event=event: simulation.put(event.entry)) for event in self.month.events]
        steps += [(at, self.publisher) for at in self.month.restarts]
        steps += [(since, self.publisher) for since, _ in self.month.versions[1:]]
        for window, end in self.month.by_hand:
            steps.append((window.begin, lambda window=window, end=end: self.start(window, end)))
            if window.end < end:
                steps.append((window.end, lambda window=window: self.end(window)))
        for at, do in sorted(steps, key=lambda step: step[0]):
            self.until(at)
            if rng.random() < 0.15:
                simulation.channel.faults.append(
                    rng.choice([NotSent("503"), OutcomeUnknown("504"), (True, OutcomeUnknown("504"))])
                )
            do()
        end = self.month.start + (DAYS + 5) * 86400.0
        self.until(end + (43200.0 if windows_at(self.month, end) else 0.0))

    def start(self, window, end):
        self.stored = [*getattr(self, "stored", []), replace(window, end=end)]
        self.write()

    def end(self, window):
        self.stored = [window if one.id == window.id else one for one in self.stored]
        self.write()
        for group in "gh":
            self.simulation.publisher._waker.wake(group)
            self.simulation.publisher._waker.wake(group, self.simulation.clock.now + 30)

    def write(self):
        known = self.simulation.outbox.maintenance()
        text = to_text(self.stored, self.simulation.clock.now)
        self.simulation.outbox.write_maintenance(StoredText(text, known.version))

    def posts(self):
        found = [
            (self.times[token_of(post)], self.batches[token_of(post)]) for _, post in self.simulation.channel.posts
        ]
        return [(at, ids) for at, ids in found if ids]


def may_be_posted(month, event, at):
    """Whether, by itself, the event may be posted then: its window is over, or its hours were open since it came."""
    if event.window:
        return at >= event.window.end
    if not event.hours:
        return True
    for number, (since, hours) in enumerate(month.versions):
        # A new configuration is noticed by the first sweep.
        until = month.versions[number + 1][0] + SWEEP if number + 1 < len(month.versions) else at
        first = max(since, event.at)
        if first > min(until, at):
            continue
        own = hours.get(event.hours)
        if own is None or own.open_from(datetime.fromtimestamp(first, UTC)).timestamp() <= min(until, at):
            return True
    return False


@pytest.mark.parametrize("seed", range(150 if FUZZ else 2))
def test_a_month(tmp_path, monkeypatch, seed):
    month = month_of(seed)
    run = Run(tmp_path, month, monkeypatch)
    run.go()
    events = {event.entry.id: event for event in month.events}
    delivered, places = [], {}
    for number, (at, ids) in enumerate(run.posts()):
        own = [events[one] for one in ids if one in events]
        # One that may be posted takes the others of its key with it; those of an earlier episode are posted before it.
        left = [event for one, event in events.items() if one not in delivered and event.at <= at]
        free = {event.entry.key for event in left if may_be_posted(month, event, at)}
        early = [event for event in own if event.entry.key not in free]
        assert not early, f"early by itself at {at}: {early}"
        delivered += [event.entry.id for event in own]
        places |= {one: (number, place) for place, one in enumerate(ids)}
    assert sorted(delivered) == sorted(events), "lost or twice"
    assert run.simulation.outbox.counts().open == 0
    assert run.simulation.publisher.dead_letters() == []
    for key in {event.entry.key for event in events.values()}:
        of_key = sorted((e for e in events.values() if e.entry.key == key), key=lambda e: (e.at, e.entry.id))
        in_order = [places[event.entry.id] for event in of_key]
        assert in_order == sorted(in_order), f"out of order: {key}"
    ends = [ids for _, ids in run.posts() if not {*ids} <= {*events}]
    collected = {event.window.id for event in events.values() if event.window and event.entry.source != BRIDGE}
    assert len(ends) >= 2 * len(collected)
    run.simulation.close()
