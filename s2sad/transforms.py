"""The transforms: each takes a function and returns a `Derivative`, or works as a decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2sad.registration import Rules, tables_of


def _transform(
    name: str, f: Callable[..., Any] | None, wrt: Any, rules: Rules | None, holomorphic: bool = False
) -> Any:
    # Imported when first asked for: whoever imports s2sad without using it does not wait for it.
    from dataclasses import replace

    from s2sad.composition import TRANSFORMS
    from s2sad.derivative import Derivative

    wanted = tuple(wrt) if isinstance(wrt, list) else wrt
    options = replace(TRANSFORMS[name], wrt=wanted, holomorphic=holomorphic, rules=tables_of(rules))
    if f is None:
        return lambda function: Derivative(function, options)
    return Derivative(f, options)


def grad(
    f: Callable[..., Any] | None = None, *, wrt: Any = 0, holomorphic: bool = False, rules: Rules | None = None
) -> Any:
    """The gradient of a function with a scalar result.

    wrt: a position or name gives that gradient alone; a tuple of these, even of one, gives a tuple. rules: rules of the
    user's for this derivative alone.

    By a complex argument x + iy the gradient of a real result is ∂/∂x - i ∂/∂y, as in JAX and autograd: minus its
    conjugate points down. A complex result needs `holomorphic=True`, which gives its complex derivative.

    >>> grad(lambda x, y: x * y, wrt=("x", "y"))(2.0, 5.0)
    (5.0, 2.0)
    >>> grad(lambda z: abs(z) ** 2)(3 + 4j), grad(lambda z: z ** 2, holomorphic=True)(3 + 4j)
    ((6-8j), (6+8j))
    """
    return _transform("grad", f, wrt, rules, holomorphic)


def value_and_grad(
    f: Callable[..., Any] | None = None, *, wrt: Any = 0, holomorphic: bool = False, rules: Rules | None = None
) -> Any:
    """The pair of a function's value and its gradient; the primal runs once.

    >>> value_and_grad(lambda x: x ** 3)(2.0)
    (8.0, 12.0)
    """
    return _transform("value_and_grad", f, wrt, rules, holomorphic)


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


def elementwise_grad(
    f: Callable[..., Any] | None = None, *, wrt: Any = 0, holomorphic: bool = False, rules: Rules | None = None
) -> Any:
    """The derivative of each element of the result, for functions that work element by element.

    It is the adjoint for a seed of ones.

    >>> import numpy as np
    >>> elementwise_grad(lambda x: x ** 2)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return _transform("elementwise_grad", f, wrt, rules, holomorphic)
