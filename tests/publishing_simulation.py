"""The publishing wing with a clock and a channel of its own: hours of it are run in moments."""

import random

from bridge.entries import to_message
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from tests.outbox_stand_ins import Clock, FakeChannel

# What health has of the outbox when all is delivered.
NOTHING_OPEN = {"open": 0, "dead": 0, "held": {}, "backoff": {}, "paused": [], "waiting": {}}


class Crash(Exception):
    pass


class Crashing:
    """Raises at the n-th call through it, before or after the call is carried out."""

    def __init__(self, inner, fuse):
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name):
        method = getattr(self._inner, name)

        def call(*args):
            self._fuse["left"] -= 1
            if self._fuse["left"] == 0 and not self._fuse["after"]:
                raise Crash(name)
            result = method(*args)
            if self._fuse["left"] == 0:
                raise Crash(name)
            return result

        return call


class Simulation:
    """A publisher, its queue and its outbox: in a file of the folder, unless another outbox is given."""

    sweep_every = 300
    lanes = 1

    def __init__(self, folder, seed=1, channel=FakeChannel, outbox=None):
        self.clock, self.channel, self.random = Clock(), channel(), random.Random(seed)
        path = folder / "outbox.sqlite"
        self.outbox, self.queue = outbox or SqliteOutbox(path), SqliteQueue(path, clock=self.clock)
        if outbox:
            # Each sweep asks another storage many times, over HTTP.
            self.sweep_every = 1800
        self.publisher = self.make()

    def make(self, outbox=None, channel=None, queue=None, **policy):
        """Another publisher over the same storage, or over what stands before it."""
        return Publisher(
            outbox or self.outbox,
            queue or self.queue,
            channel or self.channel,
            Policy(**{"lanes": self.lanes, **policy}),
            clock=self.clock,
            rng=self.random,
            new_token=lambda: f"{self.random.getrandbits(64):016x}",
        )

    def crashing(self, fuse, channel=None):
        """Another publisher, whose storage fails at a call."""
        return self.make(Crashing(self.outbox, fuse), channel, Crashing(self.queue, fuse))

    def put(self, *entries):
        for item in entries:
            self.queue.put(to_message(item))

    def run(self, seconds=7200.0, publisher=None, *, sweeps=True):
        """What the host does: takes what is due, gives back what fails, sweeps every five minutes."""
        every = self.sweep_every if sweeps else seconds + 1
        end, sweep = self.clock.now + seconds, self.clock.now + every
        while True:
            visible = self.queue.next_visible()
            step = min(sweep, visible if visible is not None else sweep)
            if step > end:
                self.clock.now = end
                return
            self.clock.now = max(self.clock.now, step)
            if step == sweep:
                sweep += self.sweep_every
                self.publisher.sweep()
            elif message := self.queue.take(600):
                self._handle(publisher or self.publisher, message)

    def _handle(self, publisher, message):
        try:
            publisher.handle(message.body)
        except Crash:
            self.queue.retry(message, 30)
        else:
            self.queue.delete(message)

    def close(self):
        self.outbox.close()
        self.queue.close()
