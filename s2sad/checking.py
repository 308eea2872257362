"""Compare gradients with central differences, and reverse mode with forward mode."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from s2sad.errors import S2sadWarning
from s2sad.ir.structures import names_of, parts_of, with_parts
from s2sad.registration import Rules, tables_of

Path = tuple[int, ...]

#: The third root of the precision: where the errors of rounding and of a central difference balance.
_STEP = float(np.finfo(float).eps ** (1 / 3))


def check_grads(
    f: Callable[..., Any],
    *args: Any,
    wrt: Any = 0,
    order: int = 1,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    step: float = _STEP,
    rules: Rules | None = None,
) -> None:
    """Raise AssertionError unless the gradient of `f` at `args` is that of central differences and of forward mode.

    The result of `f` is a number, or an array, whose elements are then weighed and summed. wrt: as in `grad`. order: 2
    checks the gradients of the gradient too, and so on. step: the difference to an element, times its size where that
    exceeds one. An element g is right if it is within atol + rtol * |d| of its difference d; single precision is judged
    by its own rounding. rules: as in `grad`. Next to a kink of `f` the check may fail though the gradient is right.
    By a complex argument the difference is by the real part, less i times that by the imaginary part.

    >>> check_grads(lambda x, y: x * y ** 2, 3.0, 2.0, wrt=(0, 1), order=2)
    >>> def jump(x):
    ...     return x if x > 1.0 else x - 1.0
    >>> check_grads(jump, 1.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    AssertionError: the gradient of jump with respect to x is not that of central differences
      gradient:   1.0
      difference: 82571...
    """
    if order < 1:
        raise ValueError(f"order is {order}; the least is 1")
    with warnings.catch_warnings():
        # A zero gradient is compared like any other.
        warnings.simplefilter("ignore", S2sadWarning)
        _check(f, args, wrt, order, rtol, atol, step, tables_of(rules))


def _check(
    f: Callable[..., Any], args: Sequence[Any], wrt: Any, order: int, rtol: float, atol: float, step: float,
    tables: tuple[Any, ...],
) -> None:  # fmt: skip
    # Imported when first asked for, as in transforms.
    from s2sad.composition import Options
    from s2sad.derivative import Derivative

    plain = Derivative(f, Options(wrt=wrt, rules=tables))
    name, positions = plain.primal_name, plain.wrt
    at = plain.checked_arguments(*args)
    value = f(*_copies(at))
    if np.ndim(value) or np.iscomplexobj(value):
        dtype = float if np.iscomplexobj(value) else getattr(value, "dtype", float)
        weights: Any = _direction(value, 1) if np.iscomplexobj(value) else _wave(np.shape(value), 1).astype(dtype)
        options = Options(wrt=positions, seed="given", prefix="vjp", rules=tables)
        gradients = Derivative(f, options)(*_copies(at), weights)
    else:
        weights = 1.0
        gradients = Derivative(f, Options(wrt=positions, rules=tables))(*_copies(at))
    names = list(plain.__signature__.parameters)
    for position, gradient in zip(positions, gradients):
        _compare(f, at, position, gradient, weights, f"{name} with respect to {names[position]}", rtol, atol, step)
    directions = [_direction(at[i], k) for k, i in enumerate(positions)]
    options = Options(mode="forward", wrt=positions, prefix="jvp", rules=tables)
    tangent = Derivative(f, options)(*_copies(at), *directions)[1]
    pairs = [(g, v) for gradient, v in zip(gradients, directions) for g, v in zip(_leaves(gradient), _leaves(v))]
    reverse = sum(float(np.sum(g * v).real) for (_, g), (_, v) in pairs)
    forward = float(np.sum(weights * np.asarray(tangent)).real)
    size = sum(float(np.sum(np.abs(g * v))) for (_, g), (_, v) in pairs)
    tolerance = max(1e-9, *_precisions(at, positions)) * (1 + size)
    if not np.isclose(reverse, forward, rtol=0, atol=tolerance, equal_nan=True):
        raise AssertionError(
            f"reverse and forward mode differ for {name}, along one direction\n"
            f"  reverse: {reverse!r}\n  forward: {forward!r}"
        )
    if order > 1:
        for position in positions:
            gradient_of = Derivative(f, Options(wrt=position, rules=tables))
            _check(gradient_of, at, positions, order - 1, rtol, atol, step, tables)


def _compare(
    f: Callable[..., Any], at: Sequence[Any], position: int, gradient: Any, weights: Any, what: str, rtol: float,
    atol: float, step: float,
) -> None:  # fmt: skip
    """Raise AssertionError at the first leaf of a gradient that is not of the argument's form, or not right."""
    found = dict(_leaves(gradient))
    for path, x in _leaves(at[position]):
        where = what + _spelled(at[position], path)
        if path not in found or found[path].shape != x.shape:
            form = "nothing" if path not in found else f"shape {found[path].shape}"
            raise AssertionError(f"the gradient of {where} has {form}, where the argument has shape {x.shape}")
        number, units = (complex, (1, 1j)) if x.dtype.kind == "c" else (float, (1,))
        g, d = found[path].astype(number), np.zeros(x.shape, number)
        for index in np.ndindex(x.shape):
            h = step * max(1.0, abs(number(x[index])))
            for unit in units:
                ends = []
                for moved in (number(x[index]) + unit * h, number(x[index]) - unit * h):
                    moved_args = _copies(at)
                    moved_args[position] = _with(at[position], path, index, moved)
                    ends.append((moved, np.asarray(f(*moved_args)).astype(np.result_type(weights, float))))
                # By the imaginary part, -i times the difference, as the convention has it.
                d[index] += np.sum(weights * (ends[0][1] - ends[1][1])).real / (ends[0][0] - ends[1][0])
        size = np.maximum(np.abs(d), np.max(np.abs(d), initial=0.0) * 1e-3)
        bound = atol + max(rtol, *_precisions(at, (position,))) * size
        wrong = ~((np.abs(g - d) <= bound) | ((g == d) | (np.isnan(g) & np.isnan(d))))
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            at_index = f", at {list(index)}" if index else ""
            raise AssertionError(
                f"the gradient of {where} is not that of central differences{at_index}\n"
                f"  gradient:   {number(g[index])!r}\n  difference: {number(d[index])!r}"
            )


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, np.ndarray]]:
    """The floating-point leaves of an argument, or of a gradient, each with its path."""
    parts = parts_of(value)
    if parts is not None:
        for k, item in enumerate(parts):
            yield from _leaves(item, (*path, k))
    elif value is not None and np.asarray(value).dtype.kind in "fc":
        yield path, np.asarray(value)


def _spelled(value: Any, path: Path) -> str:
    """A path as Python writes it: `.layers[0]['w']`."""
    made = ""
    for k in path:
        name, is_object = (names_of(value) or [])[k], not isinstance(value, (tuple, list, dict))
        made += f".{name}" if is_object else f"[{name!r}]"
        value = (parts_of(value) or [])[k]
    return made


def _with(value: Any, path: Path, index: tuple[int, ...], moved: complex) -> Any:
    """A copy of an argument, in double precision, with one element moved."""
    if path:
        parts = enumerate(parts_of(value) or ())
        return with_parts(
            value, [_with(v, path[1:], index, moved) if k == path[0] else _copies([v])[0] for k, v in parts]
        )
    if not isinstance(value, np.ndarray):
        return moved
    copy = value.astype(type(moved))
    copy[index] = moved
    return copy


def _copies(values: Sequence[Any]) -> list[Any]:
    """The arguments again, so that none of the functions under test can change another's."""

    def copy(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.copy()
        parts = parts_of(value)
        return value if parts is None else with_parts(value, list(map(copy, parts)))

    return [copy(v) for v in values]


def _direction(value: Any, seed: int) -> Any:
    """A direction of an argument's form."""
    parts = parts_of(value)
    if parts is not None:
        return with_parts(value, [_direction(v, seed + 7 * k + 1) for k, v in enumerate(parts)])
    if isinstance(value, (complex, np.complexfloating)):
        return type(value)(_wave((), seed) + 1j * _wave((), seed + 3))
    if isinstance(value, np.ndarray) and value.dtype.kind == "c":
        return (_wave(value.shape, seed) + 1j * _wave(value.shape, seed + 3)).astype(value.dtype)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return _wave(value.shape, seed).astype(value.dtype)
    return type(value)(_wave((), seed)) if isinstance(value, (float, np.floating)) else value


def _wave(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Numbers between -1 and 1 without a pattern that errors could cancel in."""
    size = int(np.prod(shape))
    return np.asarray(np.sin(1.0 + 2.4 * np.arange(size) + 1.7 * seed)).reshape(shape)


def _precisions(at: Sequence[Any], positions: Sequence[int]) -> list[float]:
    """A hundred units of rounding, for each floating-point leaf of these arguments that is not of double precision."""
    leaves = [x for i in positions for _, x in _leaves(at[i])]
    return [0.0, *(100 * float(np.finfo(x.dtype).eps) for x in leaves if x.dtype.itemsize < 8)]
