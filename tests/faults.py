"""What goes wrong in the stand-ins: tests say it in advance, and each request takes the next."""

import asyncio
import contextlib
from dataclasses import dataclass

from starlette.requests import Request


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    status: 0 drops the connection, 200 answers as if nothing had been. delay: seconds until then; a caller that hangs
    up sooner gets no answer. endpoint: which one (`token`, `identity`, `openid-configuration`, `keys`, `instance`);
    empty: any. The others are what the error says.
    """

    status: int = 503
    error: str = "temporarily_unavailable"
    code: int = 90033
    text: str = "A transient error has occurred. Please try again."
    suberror: str = ""
    claims: str = ""
    retry_after: int | None = None
    delay: float = 0
    endpoint: str = ""


def take_fault(faults: list[Fault], endpoint: str) -> Fault | None:
    """Takes the first of the faults that is for this endpoint."""
    for index, fault in enumerate(faults):
        if fault.endpoint in ("", endpoint):
            return faults.pop(index)
    return None


async def happens(fault: Fault | None, request: Request) -> bool:
    """Whether there is somebody left to answer after what the fault does to the connection."""
    if fault and fault.delay:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.delay):
                while (await request.receive())["type"] != "http.disconnect":
                    pass
            return False
    if fault and fault.status == 0:
        # ASGI knows no way to drop a connection; uvicorn's transport does.
        request.receive.__self__.transport.abort()
        await asyncio.sleep(0)
        return False
    return True
