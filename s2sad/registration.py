"""Rules of users: for their own functions, for those of other packages, or instead of one of s2sad's own.

    elementwise(softsign, x="1 / (1 + np.abs(x))**2")       a line of text: an adjoint and a tangent in one

    @adjoint(zero_out)                                      a template, whose body becomes part of the derivative
    def _(y, x):
        g = np.zeros_like(x)
        g[0] = d[y][0]
        d[x] = g

    @custom_vjp(zero_out)                                   an opaque function, which the derivative calls
    def zero_out_vjp(g, x): ...

The functions of this module register for all derivatives; those of a `Rules` object for the derivatives that are given
it: `grad(f, rules=mine)`. What is wrong with a rule is refused when it is registered, with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from s2sad.registering import Registering
    from s2sad.rules.registry import Rule, Table

F = TypeVar("F", bound=Callable[..., Any])
Target = str | Callable[..., Any]


class _Marker:
    """Stands in a template for the derivatives: `d[y]` is the adjoint of `y`, or its tangent."""

    def __getitem__(self, value: Any) -> Any:
        raise TypeError("d[...] has a meaning only in a template: see s2sad.adjoint")

    def __setitem__(self, value: Any, derivative: Any) -> None:
        raise TypeError("d[...] has a meaning only in a template: see s2sad.adjoint")

    def __repr__(self) -> str:
        return "d"


d = _Marker()


class Rules:
    """Rules for the derivatives that are given them, before those that are registered for all.

    >>> from s2sad import Rules, grad
    >>> straight_through = Rules()
    >>> _ = straight_through.elementwise("numpy.round", "a", a="1")
    >>> import numpy as np
    >>> grad(lambda x: 3 * np.round(x), rules=straight_through)(0.7)
    3.0
    >>> grad(lambda x: 3 * np.round(x) + x)(0.7)
    1.0
    """

    def __init__(self) -> None:
        self._table: Table | None = None
        self._steps: list[_Step] = []

    @property
    def table(self) -> Table:
        if self._table is None:
            from s2sad.rules.registry import Table

            self._table = Table()
            self._table.recipe = (_table_of, (self._steps,))
        return self._table

    def _registering(self, target: Any, signature: str | None, *, required: bool = True) -> Registering:
        from s2sad.registering import Registering

        return Registering(target, signature, required=required)

    def _note(self, method: str, *arguments: Any, **named: Any) -> None:
        """Remember a registration, so that a derivative with these rules can go to another process."""
        self._steps.append((method, arguments, named))

    # ---- one line ----------------------------------------------------------------------------------------------

    def elementwise(
        self, target: Target, signature: str | None = None, /, *, constant: Sequence[str] = (), **partials: str
    ) -> Rule:
        """Register an operation that works element by element, by its partial derivatives.

        target: a function, or its qualified name. signature: its parameters as text, where they cannot be looked up.
        A partial is text over the parameters, the result `y`, `np` and `math`. From it come the adjoint and the
        tangent; s2sad sums over axes that were broadcast. A text that names `g` stands for the whole adjoint. constant:
        parameters by which the derivative is zero; by others that have no partial it is refused.

        Raises S2sadError S302 where the signature, a name or an argument is wrong.

        >>> from s2sad import elementwise, grad
        >>> def softsign(x):
        ...     return x / (1 + abs(x))
        >>> _ = elementwise(softsign, x="1 / (1 + abs(x))**2")
        >>> print(grad(lambda w: 2 * softsign(w)).source.splitlines()[-1])
            return 2 / (1 + abs(w)) ** 2
        """
        from s2sad.rules import registry

        registering = self._registering(target, signature)
        registering.check_parameters(constant, "constant")
        registering.check_formulas(partials, "adjoint", kind="partial derivative")
        made = registry.elementwise_rule(registering.name, registering.parameters, partials, constant=constant)
        self._note("elementwise", target, signature, constant=constant, **partials)
        return registering.finish(self.table, made)

    def linear(
        self,
        target: Target,
        signature: str | None = None,
        /,
        *,
        constant: Sequence[str] = (),
        views: Sequence[str] = (),
        **adjoints: str,
    ) -> Rule:
        """Register an operation that is linear in each parameter named, by its adjoints: text over `g` besides.

        The tangent is the operation itself. constant: parameters of which no more than the shape is read. views:
        parameters with which the result may share memory.

        >>> from s2sad import grad, linear
        >>> import numpy as np
        >>> def backwards(x):
        ...     return x[::-1]
        >>> _ = linear(backwards, x="np.flip(g)", views=["x"])
        >>> grad(lambda w: np.sum(backwards(w) * np.array([1.0, 2.0])))(np.ones(2))
        array([2., 1.])
        """
        from s2sad.rules import registry

        registering = self._registering(target, signature)
        registering.check_parameters([*constant, *views], "constant or views")
        registering.check_formulas(adjoints, "adjoint")
        made = registry.text_rule(
            registering.name,
            registering.parameters,
            adjoints,
            dict.fromkeys(adjoints, "@same"),
            constant=constant,
            views=views,
        )
        self._note("linear", target, signature, constant=constant, views=views, **adjoints)
        return registering.finish(self.table, made)

    def rule(
        self,
        target: Target,
        signature: str | None = None,
        /,
        *,
        tangent: Mapping[str, str] | None = None,
        constant: Sequence[str] = (),
        views: Sequence[str] = (),
        results: int = 0,
        **adjoints: str,
    ) -> Rule:
        """Register an operation by its adjoints and, in `tangent`, by its tangents, each a text by parameter.

        An adjoint is text over `g`, the adjoint of the result, a tangent over `x_dot`, that of a parameter `x`. Of
        several `results`, the texts name `y0, y1, …` and `g0, g1, …`. Of a parameter with an adjoint alone the tangent
        follows from it, and the other way round.

        >>> from s2sad import grad, rule
        >>> import numpy as np
        >>> def total(x):
        ...     return np.add.reduce(x)
        >>> _ = rule(total, x="spread(g, x)", tangent={"x": "np.sum(x_dot)"})
        >>> grad(total)(np.ones(3))
        array([1., 1., 1.])
        """
        from s2sad.rules import registry

        registering = self._registering(target, signature)
        registering.check_parameters([*constant, *views], "constant or views")
        registering.check_formulas(adjoints, "adjoint", results=results)
        registering.check_formulas(tangent or {}, "tangent", results=results)
        made = registry.text_rule(
            registering.name,
            registering.parameters,
            adjoints,
            tangent or {},
            constant=constant,
            views=views,
            results=results,
        )
        options = {"tangent": tangent, "constant": constant, "views": views, "results": results}
        self._note("rule", target, signature, **options, **adjoints)
        return registering.finish(self.table, registering.with_transposes(made, adjoints, tangent or {}))

    def nondifferentiable(self, *targets: Target) -> None:
        """Register functions whose results carry no derivative, or have derivative zero.

        >>> from s2sad import grad, nondifferentiable
        >>> def level(x):
        ...     return x // 10
        >>> nondifferentiable(level)
        >>> grad(lambda x: x * level(x))(25.0)
        2.0
        """
        from s2sad.rules.registry import Parameter, Rule

        for target in targets:
            registering = self._registering(target, None, required=False)
            parameters = registering.parameters or (Parameter("args", (), variadic=True),)
            self._note("nondifferentiable", target)
            registering.finish(self.table, Rule(registering.name, parameters))

    # ---- templates ---------------------------------------------------------------------------------------------

    def adjoint(self, target: Target, signature: str | None = None, /) -> Callable[[F], F]:
        """Register the adjoint of an operation as a template: a function whose body becomes part of the derivative.

        Its parameters are the result (each, where there are several), then those of the operation. It reads `d[y]`, the
        adjoint of the result, and assigns `d[x]` for each argument that has a derivative; all other names are its own.
        It is linear in `d[y]`, and the tangent follows from it unless that is registered too.

        >>> from s2sad import adjoint, d, grad
        >>> import numpy as np
        >>> def zero_out(x):
        ...     y = np.zeros_like(x)
        ...     y[0] = x[0]
        ...     return y
        >>> @adjoint(zero_out)
        ... def _(y, x):
        ...     g = np.zeros_like(x)
        ...     g[0] = d[y][0]
        ...     d[x] = g
        >>> grad(lambda x: np.sum(zero_out(x)))(np.ones(3))
        array([1., 0., 0.])
        """
        return self._template(target, signature, "adjoint")

    def tangent(self, target: Target, signature: str | None = None, /) -> Callable[[F], F]:
        """Register the tangent of an operation as a template: it reads `d[x]` and assigns `d[y]`, as in `adjoint`.

        The adjoint follows from it unless that is registered too.

        >>> from s2sad import d, jvp, tangent
        >>> def cube(x):
        ...     return x ** 3
        >>> @tangent(cube)
        ... def _(y, x):
        ...     d[y] = 3 * x ** 2 * d[x]
        >>> jvp(cube)(2.0, 1.0)
        (8.0, 12.0)
        """
        return self._template(target, signature, "tangent")

    def _template(self, target: Target, signature: str | None, mode: str) -> Callable[[F], F]:
        registering = self._registering(target, signature)

        def register(function: F) -> F:
            registering.template(self.table, function, mode)
            self._note(mode, target, signature, decorated=function)
            return function

        return register

    # ---- opaque functions --------------------------------------------------------------------------------------

    def custom_vjp(
        self, target: Target, signature: str | None = None, /, *, wrt: str | Sequence[str] | None = None
    ) -> Callable[[F], F]:
        """Register the adjoint of an operation as a function that the derivative calls.

        It takes by these names what it needs: `g`, the adjoint of the result; `y`, the result; the operation's own
        parameters. It returns the adjoint of what `wrt` names, for several a tuple; without, of all parameters that
        have no default, each in the shape of its parameter. It has no effect, and writes into nothing that it is given.
        It is differentiated itself where a second derivative asks for it.

        >>> from s2sad import custom_vjp, grad
        >>> def clipped(x):
        ...     return x
        >>> @custom_vjp(clipped)
        ... def clipped_vjp(g):
        ...     return max(-1.0, min(g, 1.0))
        >>> grad(lambda x: 5 * clipped(x))(2.0)
        1.0
        """
        return self._opaque(target, signature, "adjoint", wrt)

    def custom_jvp(self, target: Target, signature: str | None = None, /) -> Callable[[F], F]:
        """Register the tangent of an operation as a function that the derivative calls.

        It takes by these names what it needs: `x_dot`, the tangent of a parameter `x`, for each that has one; `y`, the
        result; the operation's own parameters. It returns the tangent of the result, of several a tuple.

        >>> from s2sad import custom_jvp, jvp
        >>> def halved(x):
        ...     return x / 2
        >>> @custom_jvp(halved)
        ... def halved_jvp(x_dot):
        ...     return x_dot / 2
        >>> jvp(halved)(4.0, 1.0)
        (2.0, 0.5)
        """
        return self._opaque(target, signature, "tangent", None)

    def _opaque(
        self, target: Target, signature: str | None, mode: str, wrt: str | Sequence[str] | None
    ) -> Callable[[F], F]:
        registering = self._registering(target, signature)

        def register(function: F) -> F:
            registering.opaque(self.table, function, mode, wrt)
            named = {"wrt": wrt} if mode == "adjoint" else {}
            kind = "custom_vjp" if mode == "adjoint" else "custom_jvp"
            self._note(kind, target, signature, decorated=function, **named)
            return function

        return register


def tables_of(rules: Rules | None) -> tuple[Table, ...]:
    """The tables of rules that a derivative is given. Raises S302 for anything else."""
    if rules is None:
        return ()
    if not isinstance(rules, Rules):
        from s2sad.errors import S2sadError

        reason = f"rules is a {type(rules).__name__}, not an object of class Rules"
        raise S2sadError("S302", reason, help="mine = Rules(); mine.elementwise(...); grad(f, rules=mine)")
    return (rules.table,)


#: A registration: the method, its arguments, and for a decorator what it decorated.
_Step = tuple[str, tuple[Any, ...], dict[str, Any]]


def _table_of(steps: Sequence[_Step]) -> Table:
    """The table that some registrations make."""
    made = Rules()
    for method, arguments, named in steps:
        decorated = named.pop("decorated", None)
        done = getattr(made, method)(*arguments, **named)
        if decorated is not None:
            done(decorated)
    return made.table


class _Common(Rules):
    """The rules for all derivatives."""

    def _note(self, method: str, *arguments: Any, **named: Any) -> None:
        pass  # every process registers its own

    @property
    def table(self) -> Table:
        from s2sad.rules.registry import COMMON

        return COMMON


_common = _Common()

elementwise = _common.elementwise
linear = _common.linear
rule = _common.rule
nondifferentiable = _common.nondifferentiable
adjoint = _common.adjoint
tangent = _common.tangent
custom_vjp = _common.custom_vjp
custom_jvp = _common.custom_jvp
