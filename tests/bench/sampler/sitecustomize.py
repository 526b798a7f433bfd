"""Samples where a process spends processor time, if FLAMES names a folder: it is imported when Python starts.

Every few milliseconds, each thread's stack gets the processor time that the thread has used since the last look. A file
for each process has lines like `thread;module:function;module:function 1234`, in microseconds.
"""

import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

EVERY, WRITE = 0.002, 0.25  # seconds
# How long a thread goes on when the sampler asks for the interpreter. With Python's five milliseconds, most threads
# would be looked at where they give it up by themselves, which is where they read a file or ask for random bytes.
GOES_ON = 2e-5


def sample(folder: Path) -> None:
    """Look again and again, and write what was found now and then, as a process may end at any time."""
    sys.setswitchinterval(GOES_ON)
    found: Counter[str] = Counter()
    before: dict[int, float] = {}
    written = time.monotonic()
    while True:
        time.sleep(EVERY)
        frames = sys._current_frames()
        frames.pop(threading.get_ident(), None)
        used = {thread: _used(thread) for thread in frames}
        for thread, frame in frames.items():
            # Of a new thread, and of one whose number another had: from its beginning.
            spent = used[thread] - before.get(thread, 0.0)
            if spent > 0:
                found[_stack(frame)] += round(spent * 1e6)
        before = used
        if time.monotonic() > written + WRITE:
            _write(folder, found)
            written = time.monotonic()


def _used(thread: int) -> float:
    """Seconds of processor time of a thread; none of one that has ended."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    except OSError:
        return 0.0


def _stack(frame) -> str:
    names = []
    while frame:
        code = frame.f_code
        names.append(f"{frame.f_globals.get('__name__', code.co_filename)}:{code.co_name}")
        frame = frame.f_back
    return ";".join(reversed(names))


def _write(folder: Path, found: Counter[str]) -> None:
    lines = "".join(f"{stack} {spent}\n" for stack, spent in found.items())
    path = folder / f"{os.getpid()}.folded"
    path.with_suffix(".new").write_text(lines)
    path.with_suffix(".new").rename(path)


if os.environ.get("FLAMES"):
    threading.Thread(target=sample, args=(Path(os.environ["FLAMES"]),), daemon=True).start()
