"""Containers and objects as users hold them: what they hold, and one like another that holds something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from s2sad.ir.kinds import is_named_tuple, kind_of
from s2sad.ir.modules import module_of_arrays
from s2sad.runtime.containers import mirrored


def names_of(value: Any) -> list[Any] | None:
    """Positions, keys or attributes under which a container or object holds its parts; None for any other value.

    >>> names_of((1.0, 2.0)), names_of({"w": 1.0}), names_of(3.0)
    ([0, 1], ['w'], None)
    """
    if isinstance(value, (float, complex, np.ndarray)):
        return None
    if type(value) in (tuple, list) or is_named_tuple(type(value)):
        return list(range(len(value)))
    if type(value) is dict:
        return list(value)
    kind = kind_of(value)
    return [name for name, _ in kind.fields] if kind.sort == "object" and kind.fields else None


def parts_of(value: Any) -> list[Any] | None:
    """What a container or an object with attributes holds; None for any other value.

    >>> parts_of({"w": 1.0, "b": 2.0}), parts_of(3.0)
    ([1.0, 2.0], None)
    """
    names = names_of(value)
    if names is None or isinstance(value, tuple):
        return None if names is None else list(value)
    return [value[n] if isinstance(value, (list, dict)) else getattr(value, n) for n in names]


def with_parts(value: Any, parts: Sequence[Any]) -> Any:
    """A container or object like another that holds other parts.

    >>> with_parts({"w": 1.0, "b": 2.0}, [3.0, 4.0])
    {'w': 3.0, 'b': 4.0}
    """
    if type(value) in (tuple, list):
        return type(value)(parts)
    if isinstance(value, tuple):
        return value._replace(**dict(zip(value._fields, parts)))  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return dict(zip(value, parts))
    return mirrored(value, **dict(zip(names_of(value) or (), parts)))


def holds_floats(value: Any) -> bool:
    """Whether something in a container or object, at any depth, can be differentiated with respect to.

    >>> holds_floats([1, (2.0,)]), holds_floats({"n": 3})
    (True, False)
    """
    parts = parts_of(value)
    if parts is not None:
        return any(map(holds_floats, parts))
    return isinstance(value, (float, complex)) or (is_array(value) and value.dtype.kind in "fc")


def is_array(value: Any) -> bool:
    """Whether a value is an array or a number of NumPy, or an array of a module like it."""
    return isinstance(value, (np.ndarray, np.generic)) or module_of_arrays(type(value)) is not None
