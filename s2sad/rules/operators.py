"""Rules for Python's operators, for the built-in functions on numbers, and for the module `math`.

Operators serve Python numbers and arrays alike; formulas for Python numbers use `math`, so that scalar code needs no
NumPy. Where a formula's cases are an empty tuple, a derivative exists but has no rule yet, so that it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from s2sad.ir.kinds import BOOL, FLOAT, INT, PERHAPS_COMPLEX, STR, UNKNOWN, Kind, join
from s2sad.rules.registry import (
    Case,
    Formula,
    Rule,
    elementwise,
    nondifferentiable,
    parse_signature,
    register,
    rule,
)
from s2sad.rules.results import Literals, fixed, of_rank, operator_kind, ufunc_results

_NO_LISTS = "a.sort not in ('list', 'tuple') and b.sort not in ('list', 'tuple')"
_AT_ZERO = "At zero the derivative is zero."
_PYTHON = "x.is_python_number"
_BY_SIGN = "g if x > 0 else -g if x < 0 else 0.0"
#: Of a number of which it is not known whether it is complex, the comparison is a TypeError where it is.
_SIGN = [
    Case("x.sort == 'complex'", "x.conjugate() / (y if y else 1)"),
    Case("x.is_complex", "np.conj(x) / np.where(y, y, 1)"),
    Case("x.shape == () and x.sort in ('bool', 'int', 'float', 'unknown')", _BY_SIGN),
    Case("", "np.sign(x)"),
]


def _operator(name: str, ufunc: np.ufunc, signature: str = "a, b", doc: str = "", **partials: Formula) -> None:
    elementwise(f"operator.{name}", signature, kind=operator_kind(name, ufunc), constant=(), doc=doc, **partials)


# Powers
#: d(x**p)/dx. Two zeros give zero; the base is masked, not the exponent, so that derivatives by p stay right at p == 0.
POWER_BASE = [
    Case("p_value == 0", "0 * x"),
    Case("p_value == 1", "1"),
    Case("p_value == p_value", "p * x ** (p - 1)"),
    Case("x.is_python_number and p.is_python_number", "p * (1 if (x, p) == (0, 0) else x) ** (p - 1)"),
    Case("", "p * np.where((x == 0) & (p == 0), 1, x) ** (p - 1)"),
]
#: d(x**p)/dp.
POWER_EXPONENT = [
    Case("x.is_complex and not (x.is_python_number and p.is_python_number)", "y * np.log(np.where(x, x, 1))"),
    Case("p.is_complex and not (x.is_python_number and p.is_python_number)", "y * np.log(np.where(x, x, 1) + 0j)"),
    Case("x.is_complex or p.is_complex", "y * cmath.log(x if x else 1)"),
    Case("x_value > 0", "y * math.log(x)"),
    Case(f"{_PYTHON} and not x_value < 0", "y * math.log(x if x else 1)"),
    Case("not x_value < 0", "y * np.log(np.where(x, x, 1))"),
]
POWER_DOC = "At x == 0 the derivative by p is zero; at x == p == 0 both are. A literal x below 0 has none by p."


def _renamed(cases: list[Case], **names: str) -> list[Case]:
    """The cases of a formula over other parameter names."""

    def change(text: Any) -> str:
        for old, new in names.items():
            text = re.sub(rf"\b{old}(_value)?\b", rf"{new}\1", text)
        return str(text)

    return [Case(change(case.when), change(case.text)) for case in cases]


# Arithmetic
_operator("add", np.add, a=[Case(_NO_LISTS, "1")], b=[Case(_NO_LISTS, "1")])
_operator("sub", np.subtract, a="1", b="-1")
_operator("mul", np.multiply, a=[Case(_NO_LISTS, "b")], b=[Case(_NO_LISTS, "a")])
_operator("truediv", np.true_divide, a="1 / b", b="-a / b ** 2")
_operator("pow", np.power, "x, p", x=POWER_BASE, p=POWER_EXPONENT, doc=POWER_DOC)
_operator("mod", np.remainder, a="1", b="-(a // b)")
_operator("neg", np.negative, "x", x="-1")
_operator("pos", np.positive, "x", x="1")
_operator("abs", np.absolute, "x", x=_SIGN, doc=_AT_ZERO)

# Steps, comparisons and bits: no derivative
for _name, _ufunc in {
    "floordiv": np.floor_divide, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal, "and_": np.bitwise_and, "or_": np.bitwise_or, "xor": np.bitwise_xor,
    "lshift": np.left_shift, "rshift": np.right_shift,
}.items():  # fmt: skip
    nondifferentiable(f"operator.{_name}", signature="a, b", kind=operator_kind(_name, _ufunc), cheap=True)
nondifferentiable("operator.invert", signature="x", kind=operator_kind("invert", np.invert), cheap=True)
nondifferentiable("operator.is_", "operator.is_not", "operator.contains", signature="a, b", kind=BOOL, cheap=True)
nondifferentiable("operator.not_", "operator.truth", signature="x", kind=BOOL, cheap=True)
nondifferentiable("operator.index", signature="x", kind=INT, cheap=True)


# Quotient with remainder
def divmod_rule(name: str, ufunc: np.ufunc) -> None:
    """Register a function with the results a // b and a % b."""
    both = "a.is_python_number and b.is_python_number"
    numpy_kind = ufunc_results(ufunc)

    def kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
        if a.is_python_number and b.is_python_number and name.startswith("builtins"):
            quotient = operator_kind("floordiv", np.floor_divide)(literals={}, a=a, b=b)
            return Kind("tuple", items=(quotient, quotient))
        return numpy_kind(literals=literals, a=a, b=b)

    rule(
        name, "a, b", results=2, kind=kind, cheap=True,
        a=[Case(both, "g1"), Case("", "unbroadcast(g1, a)")],
        b=[Case(both, "-y0 * g1"), Case("", "unbroadcast(-y0 * g1, b)")],
        tangent={
            "a": [Case(both, "(0.0, a_dot)"), Case("", "(np.zeros_like(y0), rebroadcast(a_dot, y1))")],
            "b": [Case(both, "(0.0, -y0 * b_dot)"), Case("", "(np.zeros_like(y0), -y0 * b_dot)")],
        },
    )  # fmt: skip


divmod_rule("builtins.divmod", np.divmod)


# Built-in functions on numbers
def _round_kind(*, literals: Literals, number: Kind, ndigits: Kind) -> Kind:
    if not number.is_number:
        return UNKNOWN
    if literals.get("ndigits", ...) is None:
        return INT
    return {"float": FLOAT, "int": INT, "bool": INT}.get(number.sort, Kind("unknown", None, ()))


elementwise("builtins.abs", "x", kind=operator_kind("abs", np.absolute), x=_SIGN, doc=_AT_ZERO)
elementwise(
    "builtins.pow",
    "base, exp",
    kind=operator_kind("pow", np.power),
    doc=POWER_DOC,
    base=_renamed(POWER_BASE, x="base", p="exp"),
    exp=_renamed(POWER_EXPONENT, x="base", p="exp"),
)
elementwise("builtins.float", "x=0.0", kind=fixed(FLOAT), x="1")
nondifferentiable("builtins.round", signature="number, ndigits=None", kind=_round_kind, cheap=True)
nondifferentiable("builtins.int", signature="x=0, base=10", kind=INT, cheap=True)
nondifferentiable("builtins.bool", signature="x=False", kind=BOOL, cheap=True)


# The largest and the smallest of several
def _extreme_item(sign: str) -> Callable[[Mapping[str, Any]], str | None]:
    """The adjoint of one argument of `max` (sign ">") or `min` ("<"): g, shared evenly among equals."""

    def text(values: Mapping[str, Any]) -> str | None:
        count, k = values["count"], values["k"]
        if count == 1:
            if values["item"].element is not None:
                return "shared_among(g, item, y)" if values["item"].element.is_number else None
            is_vector = values["item"].is_array and values["item"].rank == 1
            return "g * (item == y) / len(item[item == y])" if is_vector else None
        if count == 2:
            other = f"args[{1 - k}]"
            return f"g if item {sign} {other} else g / 2 if item == {other} else 0.0"
        return f"g / max(sum([{_equal_to_y(count)}]), 1) if item == y else 0.0"

    return text


def _extreme_tangent(sign: str) -> Callable[[Mapping[str, Any]], str | None]:
    adjoint = _extreme_item(sign)

    def text(values: Mapping[str, Any]) -> str | None:
        if values["count"] == 1:
            if values["item"].element is not None:
                return "np.mean(np.array(item_dot)[np.array(item) == y])" if adjoint(values) else None
            return "np.mean(item_dot[item == y])" if adjoint(values) else None
        return (adjoint(values) or "").replace("g ", "item_dot ")

    return text


def _equal_to_y(count: int) -> str:
    return ", ".join(f"args[{i}] == y" for i in range(count))


def _extreme_kind(*, literals: Literals, args: tuple[Kind, ...], **_: Any) -> Kind:
    if literals.get("default", ...) is not None:
        return UNKNOWN
    if len(args) == 1:
        (only,) = args
        if only.is_array and only.rank == 1:
            return of_rank((), only.dtype)
        if only.element is not None:
            return only.element if only.element.is_number else UNKNOWN
        if only.sort not in ("tuple", "list") or not only.items:
            return INT if only.sort == "range" else UNKNOWN
        args = only.items
    return reduce(join, args)


for _name, _sign in (("max", ">"), ("min", "<")):
    rule(
        f"builtins.{_name}", "*args, key=None, default=None", kind=_extreme_kind, cheap=True,
        args=[Case("key is None", _extreme_item(_sign))],
        tangent={"args": [Case("key is None", _extreme_tangent(_sign))]},
        doc="Equal extremes share the derivative evenly.",
    )  # fmt: skip


# Lists of sequences
def _list_kind(*, literals: Literals, iterable: Kind) -> Kind:
    if iterable.items is not None:
        return Kind("list", items=iterable.items)
    if iterable.element is not None:
        return iterable
    if iterable.is_array and iterable.rank == 1:
        return Kind("list", element=Kind("scalar", iterable.dtype, ()))
    if iterable.is_array and isinstance(iterable.shape, tuple) and iterable.shape:
        return Kind("list", element=Kind("array", iterable.dtype, iterable.shape[1:]))
    return Kind("list")


rule(
    "builtins.list", "iterable", kind=_list_kind,
    iterable=[Case("iterable.element is not None", "g"), Case("iterable.is_array", "np.array(g)")],
    tangent={"iterable": "list(iterable_dot)"}, views=("iterable",),
)  # fmt: skip


# Sums and products of Python sequences
def _sum_kind(*, literals: Literals, iterable: Kind, start: Kind) -> Kind:
    if iterable.sort in ("tuple", "list") and iterable.items is not None:
        add = operator_kind("add", np.add)
        return reduce(lambda a, b: add(literals={}, a=a, b=b), iterable.items, start)
    if iterable.element is not None:
        dtype = PERHAPS_COMPLEX if iterable.element.is_complex else None
        return Kind("unknown", dtype, () if iterable.element.shape == () and start.shape == () else None)
    # The sum of an array without elements is the int that it starts from.
    dtype = PERHAPS_COMPLEX if iterable.is_complex else None
    return Kind("unknown", dtype, () if iterable.is_array and iterable.rank == 1 and start.shape == () else None)


register(Rule(
    "builtins.sum", parse_signature("iterable, start=0"), kind=_sum_kind, sequence="iterable",
    adjoint={
        "iterable": (
            Case("iterable.element is not None and start == 0", "repeated_for(g, iterable)"),
            Case("iterable.is_array and start == 0", "spread(g, iterable, 0)"),
            Case("", "unbroadcast(g, item)"),
        ),
        "start": (Case("", "unbroadcast(g, start)"),),
    },
    tangent={
        "iterable": (Case("start == 0", "@same"), Case("", "rebroadcast(item_dot, y)")),
        "start": (Case("", "rebroadcast(start_dot, y)"),),
    },
))  # fmt: skip
register(Rule(
    "math.fsum", parse_signature("seq"), kind=fixed(FLOAT), sequence="seq",
    adjoint={"seq": (Case("seq.is_array", "spread(g, seq, 0)"), Case("", "unbroadcast(g, item)"))},
    tangent={"seq": (Case("", "@same"),)},
))  # fmt: skip


def _others(seed: str) -> list[Case]:
    """A seed times all items of a product but item k; long products by a function."""

    def formula(values: Mapping[str, Any]) -> str | None:
        k, count = values.get("k"), values.get("count")
        if not isinstance(k, int) or not isinstance(count, int) or count > 8:
            return None
        start = [] if values["start"] == 1 else ["start"]
        factors = [*start, *(f"iterable[{j}]" for j in range(count) if j != k)]
        return f"{seed} * ({' * '.join(factors)})" if factors else seed

    return [Case("", formula), Case("", f"{seed} * start * product_of_others(iterable, (k,))")]


register(Rule(
    "math.prod", parse_signature("iterable, *, start=1"), sequence="iterable",
    kind=lambda *, literals, iterable, start: (
        reduce(lambda a, b: operator_kind("mul", np.multiply)(literals={}, a=a, b=b), iterable.items, start)
        if iterable.sort in ("tuple", "list") and iterable.items is not None else UNKNOWN
    ),
    adjoint={"iterable": tuple(_others("g")), "start": (Case("", "g * math.prod(iterable)"),)},
    tangent={"iterable": tuple(_others("item_dot")), "start": (Case("", "start_dot * math.prod(iterable)"),)},
))  # fmt: skip

# Other built-in functions without effects
nondifferentiable("builtins.len", signature="obj", kind=INT, cheap=True)
nondifferentiable("builtins.range", kind=Kind("range"), cheap=True)
for _name in ("isinstance", "issubclass", "hasattr"):
    nondifferentiable(f"builtins.{_name}", signature="x, y", kind=BOOL, cheap=True)
nondifferentiable("builtins.callable", "builtins.any", "builtins.all", signature="x", kind=BOOL, cheap=True)
nondifferentiable("builtins.type", signature="x", kind=Kind("object", cls=type), cheap=True)
nondifferentiable("builtins.hash", "builtins.ord", signature="x", kind=INT, cheap=True)
nondifferentiable("builtins.chr", "builtins.repr", "builtins.ascii", signature="x", kind=STR, cheap=True)
nondifferentiable("builtins.bin", "builtins.hex", "builtins.oct", signature="x", kind=STR, cheap=True)
nondifferentiable("builtins.str", signature="x='', encoding='utf-8', errors='strict'", kind=STR, cheap=True)
nondifferentiable("builtins.format", signature="x, spec=''", kind=STR, cheap=True)


def _math(name: str, signature: str = "x", constant: Sequence[str] = (), doc: str = "", **partials: Formula) -> None:
    elementwise(f"math.{name}", signature, kind=fixed(FLOAT), constant=constant, doc=doc, **partials)


# math: trigonometric functions
_math("sin", x="math.cos(x)")
_math("cos", x="-math.sin(x)")
_math("tan", x="1 + y * y")
_math("asin", x="1 / math.sqrt(1 - x * x)")
_math("acos", x="-1 / math.sqrt(1 - x * x)")
_math("atan", x="1 / (1 + x * x)")
_math("atan2", "a, b", a="b / (a * a + b * b)", b="-a / (a * a + b * b)")
_math("degrees", x="math.degrees(g)")
_math("radians", x="math.radians(g)")

# math: hyperbolic functions
_math("sinh", x="math.cosh(x)")
_math("cosh", x="math.sinh(x)")
_math("tanh", x="1 - y * y")
_math("asinh", x="1 / math.sqrt(x * x + 1)")
_math("acosh", x="1 / math.sqrt(x * x - 1)")
_math("atanh", x="1 / (1 - x * x)")

# math: exponentials, logarithms, powers
_math("exp", x="y")
_math("exp2", x="y * math.log(2)")
_math("expm1", x="math.exp(x)")
_math(
    "log",
    "x, base=None",
    x=[Case("base is None", "1 / x"), Case("", "1 / (x * math.log(base))")],
    base="-y / (base * math.log(base))",
)
_math("log2", x="1 / (x * math.log(2))")
_math("log10", x="1 / (x * math.log(10))")
_math("log1p", x="1 / (1 + x)")
_math("sqrt", x="0.5 / y", doc="At zero there is none: an error.")
_math("cbrt", x="1 / (3 * y * y)")
_math(
    "pow",
    "x, p",
    doc=POWER_DOC,
    p=[Case("not x_value < 0", "y * math.log(x if x else 1)")],
    x=[
        *POWER_BASE[:2],
        Case("p_value == p_value", "p * math.pow(x, p - 1)"),
        Case("", "p * math.pow(1 if (x, p) == (0, 0) else x, p - 1)"),
    ],
)

# math: parts of numbers
_math("fabs", x=_BY_SIGN, doc=_AT_ZERO)
_math("copysign", "x, s", constant=("s",), x="math.copysign(1, s) * (1 if x > 0 else -1 if x < 0 else 0)", doc=_AT_ZERO)
_math("fmod", "a, b", a="1", b="(y - a) / b")
_math("remainder", "a, b", a="1", b="(y - a) / b")
_math("ldexp", "x, i", x="math.ldexp(g, i)")
_math("nextafter", "x, toward, *, steps=None", constant=("toward",), x="1")
_math("fma", "a, b, c", a="b", b="a", c="1")
rule(
    "math.modf",
    "x",
    results=2,
    kind=fixed(Kind("tuple", items=(FLOAT, FLOAT))),
    cheap=True,
    x="g0",
    tangent={"x": "(x_dot, 0.0)"},
)
rule(
    "math.frexp",
    "x",
    results=2,
    kind=fixed(Kind("tuple", items=(FLOAT, INT))),
    cheap=True,
    x="math.ldexp(g0, -y1)",
    tangent={"x": "(math.ldexp(x_dot, -y1), 0)"},
)

# math: special functions
_math("erf", x="2 / math.sqrt(math.pi) * math.exp(-x * x)")
_math("erfc", x="-2 / math.sqrt(math.pi) * math.exp(-x * x)")
_math("gamma", x="y * digamma(x)")
_math("lgamma", x="digamma(x)")

# math: lengths
rule(
    "math.hypot",
    "*coordinates",
    kind=fixed(FLOAT),
    cheap=True,
    coordinates="g * item / (y if y else 1)",
    tangent={"coordinates": "item_dot * item / (y if y else 1)"},
    doc="At the origin the derivative is zero.",
)

rule(
    "math.dist",
    "p, q",
    kind=fixed(FLOAT),
    p="g * (p - q) / (y if y else 1)",
    q="g * (q - p) / (y if y else 1)",
    tangent={"p": "((p - q) * p_dot).sum() / (y if y else 1)", "q": "((q - p) * q_dot).sum() / (y if y else 1)"},
    doc="Between equal points the derivative is zero.",
)

# math: integers and tests
for _name in ("ceil", "floor", "trunc", "factorial", "isqrt"):
    nondifferentiable(f"math.{_name}", signature="x", kind=INT, cheap=True)
nondifferentiable("math.comb", signature="n, k", kind=INT, cheap=True)
nondifferentiable("math.perm", signature="n, k=None", kind=INT, cheap=True)
nondifferentiable("math.gcd", "math.lcm", kind=INT, cheap=True)
nondifferentiable("math.isnan", "math.isinf", "math.isfinite", signature="x", kind=BOOL, cheap=True)
nondifferentiable("math.isclose", signature="a, b, *, rel_tol=1e-09, abs_tol=0.0", kind=BOOL, cheap=True)
nondifferentiable("math.ulp", signature="x", kind=FLOAT, cheap=True)

# Functions that adjoints call
_HERE = "s2sad.runtime.special"
elementwise(f"{_HERE}.digamma", "x", kind=fixed(FLOAT), x="trigamma(x)")
elementwise(f"{_HERE}.trigamma", "x", kind=fixed(FLOAT), x="polygamma(2, x)")
elementwise(f"{_HERE}.polygamma", "n, x", kind=fixed(FLOAT), x="polygamma(n + 1, x)")


def _further_others(seed: str) -> Callable[[Mapping[str, Any]], str | None]:
    """A seed times the product without item k as well; without a derivative where it is left out already."""

    def formula(values: Mapping[str, Any]) -> str | None:
        k, places = values.get("k"), values["places_value"]
        if not isinstance(k, int) or not isinstance(places, tuple):
            return None
        return "0.0" if k in places else f"{seed} * product_of_others(items, {(*places, k)})"

    return formula


register(Rule(
    f"{_HERE}.product_of_others", parse_signature("items, places"), kind=fixed(UNKNOWN), sequence="items",
    adjoint={"items": (Case("", _further_others("g")),)}, tangent={"items": (Case("", _further_others("item_dot")),)},
))  # fmt: skip
