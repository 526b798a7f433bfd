"""A bound for how long the page waits for a template or an expression that may never end."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from bridge.local.page.routes import RequestError

SECONDS = 20.0
_Result = TypeVar("_Result")


class Deadline:
    """Does one piece of work at a time, and waits no longer than so many seconds for it.

    seconds: 0 for SECONDS. Nothing ends a thread that renders: what is late runs on, and the next has to wait for it.
    But it does not keep the process from ending.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds or SECONDS
        self._working = threading.Lock()

    def wait_for(self, work: Callable[[], _Result]) -> _Result:
        """The result of the work; RequestError if it does not come in time."""
        if not self._working.acquire(timeout=self._seconds):
            raise RequestError(
                "An earlier text is still being checked: if its loops do not end, restart the bridge.", 409
            )
        result: Future[_Result] = Future()
        threading.Thread(target=self._work, args=(work, result), daemon=True).start()
        try:
            return result.result(self._seconds)
        except TimeoutError:
            text = (
                f"The check has taken {self._seconds:g} seconds: see whether all loops and expressions of the text end."
            )
            raise RequestError(text, 409) from None

    def _work(self, work: Callable[[], _Result], result: "Future[_Result]") -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001  who waits for it gets it
            result.set_exception(error)
        finally:
            self._working.release()
