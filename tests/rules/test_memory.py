"""What a rule says of its results' memory and dtype, against what the functions do: copies are saved by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from rules import (
    test_adjoints,
    test_elementwise,
    test_indexing,
    test_joining,
    test_linalg,
    test_making,
    test_operators,
    test_reductions,
    test_shapes,
)
from rules.harness import Use, bind, call, function_of

from s2sad.ir.kinds import kind_of
from s2sad.optimise.fresh import REPEATED
from s2sad.rules import registry
from s2sad.rules.registry import Rule

FILES = (
    test_adjoints, test_elementwise, test_operators, test_reductions, test_shapes, test_joining, test_making,
    test_indexing, test_linalg,
)  # fmt: skip


def by_name() -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = {}
    for file in FILES:
        for u in file.USES:
            if function_of(u.name) is not None and registry.find(u.name) is not None:
                found.setdefault(u.name, []).append(u)
    return found


USES = by_name()


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays that a value holds."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays(item)


def copied(value: Any) -> Any:
    """The value with arrays of its own."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return type(value)(map(copied, value)) if type(value) in (list, tuple) else value


def narrowed(value: Any) -> Any:
    """The value in single precision."""
    if isinstance(value, (np.ndarray, np.float64)) and value.dtype == "float64":
        return value.astype("float32")
    return type(value)(map(narrowed, value)) if type(value) in (list, tuple) else value


def results(u: Use, entry: Rule, change: Any) -> tuple[dict[str, Any], Any]:
    bound = {name: change(value) for name, value in bind(entry, u).items()}
    return bound, call(entry, u, bound)


@pytest.mark.parametrize("name", USES)
def test_what_shares_memory_is_said_to(name: str) -> None:
    entry = registry.find(name)
    assert entry is not None
    for u in USES[name]:
        bound, y = results(u, entry, copied)
        for parameter, given in bound.items():
            shared = any(np.may_share_memory(a, b) for a in arrays(y) for b in arrays(given))
            assert parameter in entry.views or not shared, (u, parameter)


@pytest.mark.parametrize("name", [name for name in USES if name not in REPEATED | {"numpy.diag"}])
def test_what_may_be_given_out_can_be_written(name: str) -> None:
    entry = registry.find(name)
    assert entry is not None
    for u in USES[name]:
        _, y = results(u, entry, copied)
        if isinstance(y, np.ndarray) and y.size:
            assert y.flags.writeable, u
            assert all(s or n <= 1 for s, n in zip(y.strides, y.shape)), u


@pytest.mark.parametrize("name", USES)
def test_the_dtype_is_what_the_kind_says(name: str) -> None:
    entry = registry.find(name)
    assert entry is not None
    for u in USES[name]:
        for change in (copied, narrowed):
            try:
                bound, y = results(u, entry, change)
            except TypeError:
                continue  # linear algebra and dtypes that are asked for do not take every precision
            variadic = {p.name for p in entry.parameters if p.variadic}
            kinds = {n: tuple(map(kind_of, v)) if n in variadic else kind_of(v) for n, v in bound.items()}
            said = registry.kind_of_result(entry, kinds, {}).dtype
            if said is not None and isinstance(y, (np.ndarray, np.generic)):
                assert said == y.dtype.name, (u, change.__name__)
