"""How much one call of the queue function may do."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Budget:
    """What one call of the queue function may spend: requests, and time until `ends`.

    is_stopped: whether its process is about to end.
    """

    ends: float
    requests: int
    is_stopped: Callable[[], bool] = lambda: False

    def is_spent(self, now: float) -> bool:
        """Whether no further request may be made."""
        return self.requests <= 0 or now >= self.ends or self.is_stopped()
