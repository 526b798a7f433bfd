"""How much one call of the queue function may do."""

from dataclasses import dataclass


@dataclass
class Budget:
    """What one call of the queue function may spend: requests, and time until `ends`."""

    ends: float
    requests: int

    def is_spent(self, now: float) -> bool:
        """Whether no further request may be made."""
        return self.requests <= 0 or now >= self.ends
