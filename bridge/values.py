"""Frozen dataclasses that cost little to define: a worker defines fifty of them before it can receive.

For each, the standard library compiles six methods, which took a third of the time that our own code needs to start.
Here `__init__` alone is compiled, and all share the others. mypy holds them frozen, as it takes them for the standard
library's; at run time nothing does.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass

__all__ = ["dataclass"]


class _Shared:
    """What each dataclass gets that does not define it itself."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _compared(self) == _compared(other)

    def __hash__(self) -> int:
        return hash(_compared(self))

    def __repr__(self) -> str:
        shown = (field.name for field in _fields(type(self)) if field.repr)
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


_SHARED = {name: vars(_Shared)[name] for name in ("__eq__", "__hash__", "__repr__")}


def _compared(value: object) -> object:
    cls: Any = type(value)  # mypy does not take a class for hashable
    return _getter(cls)(value)


@cache
def _getter(cls: type) -> Callable[[object], object]:
    names = [field.name for field in _fields(cls) if field.compare]
    return attrgetter(*names) if names else lambda _: ()


def _fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)


def _dataclass(*, frozen: bool) -> Callable[[type], type]:
    """Make a class a frozen dataclass. Not for one that is not frozen: the standard library has those."""
    assert frozen
    return _with_shared_methods


def _with_shared_methods(cls: type) -> type:
    dataclasses.dataclass(eq=False, repr=False)(cls)
    for name, method in _SHARED.items():
        if name not in vars(cls):
            setattr(cls, name, method)
    return cls


if not TYPE_CHECKING:
    dataclass = _dataclass
