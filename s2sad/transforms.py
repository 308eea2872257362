"""The transforms: each takes a function and returns a `Derivative`, or works as a decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2sad.registration import Rules


def _transform(name: str, f: Callable[..., Any] | None, wrt: Any, rules: Rules | None) -> Any:
    # Imported when first asked for: whoever imports s2sad without using it does not wait for it.
    from dataclasses import replace

    from s2sad.composition import TRANSFORMS
    from s2sad.derivative import Derivative

    tables = () if rules is None else (rules.table,)
    options = replace(TRANSFORMS[name], wrt=tuple(wrt) if isinstance(wrt, list) else wrt, rules=tables)
    if f is None:
        return lambda function: Derivative(function, options)
    return Derivative(f, options)


def grad(f: Callable[..., Any] | None = None, *, wrt: Any = 0, rules: Rules | None = None) -> Any:
    """The gradient of a function with a scalar result.

    wrt: a position or name gives that gradient alone; a tuple of these, even of one, gives a tuple. rules: rules of the
    user's for this derivative alone.

    >>> grad(lambda x, y: x * y, wrt=("x", "y"))(2.0, 5.0)
    (5.0, 2.0)
    """
    return _transform("grad", f, wrt, rules)


def value_and_grad(f: Callable[..., Any] | None = None, *, wrt: Any = 0, rules: Rules | None = None) -> Any:
    """The pair of a function's value and its gradient; the primal runs once.

    >>> value_and_grad(lambda x: x ** 3)(2.0)
    (8.0, 12.0)
    """
    return _transform("value_and_grad", f, wrt, rules)


def vjp(f: Callable[..., Any] | None = None, *, wrt: Any = 0, rules: Rules | None = None) -> Any:
    """The adjoint for a seed: a function of the primal's arguments and of an adjoint of its result, in its shape.

    >>> vjp(lambda x: x * x)(3.0, 10.0)
    60.0
    """
    return _transform("vjp", f, wrt, rules)


def jvp(f: Callable[..., Any] | None = None, *, wrt: Any = 0, rules: Rules | None = None) -> Any:
    """Value and directional derivative: a function of the primal's arguments and of a tangent for each one in `wrt`.

    >>> jvp(lambda x: x * x)(3.0, 10.0)
    (9.0, 60.0)
    """
    return _transform("jvp", f, wrt, rules)


def elementwise_grad(f: Callable[..., Any] | None = None, *, wrt: Any = 0, rules: Rules | None = None) -> Any:
    """The derivative of each element of the result, for functions that work element by element.

    It is the adjoint for a seed of ones.

    >>> import numpy as np
    >>> elementwise_grad(lambda x: x ** 2)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return _transform("elementwise_grad", f, wrt, rules)
