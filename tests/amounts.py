"""How much one run of the tests tries. `make fuzz` tries everything."""

import os
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

FUZZ = "FUZZ" in os.environ


def one_in(count: int, items: Sequence[Item], first: int = 0) -> Sequence[Item]:
    """Each `count`th item from the first on, and always one; all of them in `make fuzz`."""
    return items if FUZZ else items[first % min(count, len(items)) :: count] if items else items
