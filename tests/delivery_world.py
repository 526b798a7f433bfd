"""The delivering wing with a clock and a group of its own: hours of it are run in moments."""

import random

from bridge.entries import to_message
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.publishing.drain import Policy
from bridge.publishing.publisher import Publisher
from tests.outbox_stand_ins import Clock, Group


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


class World:
    def __init__(self, folder, seed=1, channel=Group):
        self.clock, self.group, self.random = Clock(), channel(), random.Random(seed)
        path = folder / "outbox.sqlite"
        self.outbox, self.queue = SqliteOutbox(path, self.clock), SqliteQueue(path, clock=self.clock)
        self.publisher = self.make(self.outbox, self.group)

    def make(self, outbox, channel, **policy):
        return Publisher(outbox, channel, Policy(**policy), clock=self.clock, random=self.random)

    def put(self, *entries):
        for item in entries:
            self.queue.put(to_message(item))

    def run(self, seconds=7200.0, publisher=None):
        """What the host does: takes what is due, gives back what fails, sweeps every five minutes."""
        end, sweep = self.clock.now + seconds, self.clock.now + 300
        while True:
            visible = self.queue.next_visible()
            step = min(sweep, visible if visible is not None else sweep)
            if step > end:
                self.clock.now = end
                return
            self.clock.now = max(self.clock.now, step)
            if step == sweep:
                sweep += 300
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
