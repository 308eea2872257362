"""Forward-mode dual numbers that run a primal as it stands: an oracle that shares nothing with s2sad.

In: a Python function over floats and arrays, its arguments, and a tangent for some of them. Out: the value and its
tangent. `Dual` goes through operators, NumPy's two dispatch protocols, and stand-ins for the modules `math` and `numpy`
that the function's globals (and those of every function that it calls) are given for the run.
"""

from __future__ import annotations

import builtins
import math
import types

import numpy as np

FUNCTIONS = {}


def part(x):
    """The value of a Dual, anything else as it is; through lists and tuples."""
    if isinstance(x, Dual):
        return x.value
    return type(x)(map(part, x)) if type(x) in (list, tuple) else x


def tangent(x):
    """The tangent of a Dual; zeros of the same shape for anything else."""
    if isinstance(x, Dual):
        return x.tangent
    return np.zeros(np.shape(x)) if np.ndim(x) else 0.0


def moved(x):
    """The tangents of a list or tuple."""
    return [moved(i) if type(i) in (list, tuple) else tangent(i) for i in x]


def over(value, *terms):
    """A Dual of a value and of a sum of tangents that may still have to be broadcast to its shape."""
    total = sum(terms, 0.0)
    return Dual(value, np.broadcast_to(total, np.shape(value)) + 0.0 if np.ndim(value) else total)


class Dual:
    """A value with a tangent of its shape."""

    __array_priority__ = 1000
    __hash__ = None

    def __init__(self, value, tangent):
        assert not isinstance(value, Dual) and not isinstance(tangent, Dual)
        assert np.shape(value) == np.shape(tangent), (np.shape(value), np.shape(tangent))
        self.value, self.tangent = value, tangent

    def __repr__(self):
        return f"Dual({self.value!r}, {self.tangent!r})"

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        assert method == "__call__" and not options, (ufunc, method, options)
        if ufunc in PARTIALS:
            values = [part(x) for x in inputs]
            y = ufunc(*values)
            pairs = zip(PARTIALS[ufunc], inputs)
            return over(y, *(d(*values, y) * tangent(x) for d, x in pairs if isinstance(x, Dual)))
        if ufunc is np.matmul:
            return matmul(*inputs)
        assert ufunc in STEPS, f"no dual rule for {ufunc}"
        return ufunc(*map(part, inputs))

    def __array_function__(self, function, types, args, kwargs):
        if function in LINEAR:
            first = list(args[0]) if type(args[0]) in (list, tuple) else args[0]
            heads = (part(first), moved(first) if type(first) is list else tangent(first))
            return Dual(*(function(head, *args[1:], **kwargs) for head in heads))
        if function in FUNCTIONS:
            return FUNCTIONS[function](*args, **kwargs)
        assert function in PLAIN, f"no dual rule for {function}"
        return function(*map(part, args), **kwargs)

    def __bool__(self):
        return bool(self.value)

    def __int__(self):
        return int(self.value)

    def __float__(self):
        raise TypeError("a Dual taken as a float would lose its tangent")

    def __len__(self):
        return len(self.value)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        return Dual(self.value[index], self.tangent[index])

    def __format__(self, spec):
        return format(self.value, spec)

    def __abs__(self):
        return over(abs(self.value), np.sign(self.value) * self.tangent)

    def __neg__(self):
        return Dual(-self.value, -self.tangent)

    def __pos__(self):
        return self

    def __round__(self, *digits):
        return round(self.value, *digits)

    def __matmul__(self, other):
        return matmul(self, other)

    def __rmatmul__(self, other):
        return matmul(other, self)

    def __getattr__(self, name):
        if name in ("shape", "ndim", "size", "dtype"):
            return getattr(self.value, name)
        if name == "T":
            return Dual(self.value.T, self.tangent.T)
        if name == "copy":
            return lambda: Dual(self.value.copy(), self.tangent.copy())
        if name == "flatten":
            return lambda: Dual(self.value.flatten(), self.tangent.flatten())
        if name == "item":
            return lambda *i: Dual(self.value.item(*i), self.tangent.item(*i))
        if name == "astype":
            return lambda dtype: Dual(self.value.astype(dtype), self.tangent.astype(dtype))
        if name == "tolist":
            return lambda: list(self)
        if name == "reshape":
            return lambda *s, **k: np.reshape(self, s[0] if len(s) == 1 else s, **k)
        if name == "transpose":
            return lambda *s: np.transpose(self, (s[0] if len(s) == 1 else s) if s else None)
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *a, **k: getattr(np, name)(self, *a, **k)


def _operator(name, ufunc, by_value):
    """`a op b` and its reflection, the value by Python's own operator, so that floats stay floats."""

    def forwards(self, other):
        return _apply(ufunc, by_value, self, other)

    def backwards(self, other):
        return _apply(ufunc, by_value, other, self)

    setattr(Dual, f"__{name}__", forwards)
    setattr(Dual, f"__r{name}__", backwards)


def _apply(ufunc, by_value, a, b):
    if isinstance(b, (list, tuple)) or b is None:
        return NotImplemented
    y = by_value(part(a), part(b))
    if ufunc not in PARTIALS:
        return y
    pairs = zip(PARTIALS[ufunc], (a, b))
    return over(y, *(d(part(a), part(b), y) * tangent(x) for d, x in pairs if isinstance(x, Dual)))


def _power_by_base(x, p, y):
    is_zero = np.asarray(p) == 0
    return p * np.where(is_zero, 0.0, np.power(np.asarray(x, float), np.where(is_zero, 1.0, p - 1.0)))


def _power_by_exponent(x, p, y):
    return np.where(np.asarray(x) == 0, 0.0, y * np.log(np.where(np.asarray(x) == 0, 1.0, x)))


#: The partials of elementwise functions: of the arguments and the result, for each argument.
PARTIALS = {
    np.add: (lambda a, b, y: 1.0, lambda a, b, y: 1.0),
    np.subtract: (lambda a, b, y: 1.0, lambda a, b, y: -1.0),
    np.multiply: (lambda a, b, y: b, lambda a, b, y: a),
    np.divide: (lambda a, b, y: 1.0 / b, lambda a, b, y: -a / (b * b)),
    np.power: (_power_by_base, _power_by_exponent),
    np.remainder: (lambda a, b, y: 1.0, lambda a, b, y: -np.floor(a / b)),
    np.negative: (lambda x, y: -1.0,),
    np.positive: (lambda x, y: 1.0,),
    np.absolute: (lambda x, y: np.sign(x),),
    np.sin: (lambda x, y: np.cos(x),),
    np.cos: (lambda x, y: -np.sin(x),),
    np.tan: (lambda x, y: 1 / np.cos(x) ** 2,),
    np.arcsin: (lambda x, y: 1 / np.sqrt(1 - x * x),),
    np.arccos: (lambda x, y: -1 / np.sqrt(1 - x * x),),
    np.arctan: (lambda x, y: 1 / (1 + x * x),),
    np.arctan2: (lambda a, b, y: b / (a * a + b * b), lambda a, b, y: -a / (a * a + b * b)),
    np.hypot: (lambda a, b, y: a / y, lambda a, b, y: b / y),
    np.sinh: (lambda x, y: np.cosh(x),),
    np.cosh: (lambda x, y: np.sinh(x),),
    np.tanh: (lambda x, y: 1 / np.cosh(x) ** 2,),
    np.exp: (lambda x, y: y,),
    np.expm1: (lambda x, y: y + 1,),
    np.log: (lambda x, y: 1 / x,),
    np.log1p: (lambda x, y: 1 / (1 + x),),
    np.log2: (lambda x, y: 1 / (x * math.log(2)),),
    np.log10: (lambda x, y: 1 / (x * math.log(10)),),
    np.sqrt: (lambda x, y: 1 / (2 * np.sqrt(x)),),
    np.square: (lambda x, y: 2 * x,),
    np.reciprocal: (lambda x, y: -1 / (x * x),),
    np.logaddexp: (lambda a, b, y: np.exp(a - y), lambda a, b, y: np.exp(b - y)),
    np.maximum: (lambda a, b, y: (a > b) + 0.5 * (a == b), lambda a, b, y: (b > a) + 0.5 * (a == b)),
    np.minimum: (lambda a, b, y: (a < b) + 0.5 * (a == b), lambda a, b, y: (b < a) + 0.5 * (a == b)),
}
#: Elementwise functions that are flat almost everywhere.
STEPS = {
    np.sign, np.floor, np.ceil, np.rint, np.trunc, np.floor_divide, np.isfinite, np.isnan, np.greater, np.less,
    np.greater_equal, np.less_equal, np.equal, np.not_equal, np.logical_and, np.logical_or, np.logical_not,
}  # fmt: skip
#: Functions that are linear in their first argument, or in the items of the sequence that it is.
LINEAR = {
    np.sum, np.mean, np.reshape, np.transpose, np.ravel, np.squeeze, np.expand_dims, np.flip, np.roll, np.take,
    np.repeat, np.tile, np.broadcast_to, np.swapaxes, np.moveaxis, np.trace, np.diag, np.diagonal, np.cumsum, np.diff,
    np.stack, np.concatenate, np.vstack, np.hstack, np.copy, np.triu, np.tril, np.atleast_1d, np.fliplr, np.flipud,
    np.rot90,
}  # fmt: skip
#: Functions whose result carries no derivative.
PLAIN = {
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.argmax, np.argmin, np.argsort, np.any,
    np.all, np.allclose, np.empty_like,
}  # fmt: skip

for _name, _ufunc, _by_value in (
    ("add", np.add, lambda a, b: a + b), ("sub", np.subtract, lambda a, b: a - b),
    ("mul", np.multiply, lambda a, b: a * b), ("truediv", np.divide, lambda a, b: a / b),
    ("pow", np.power, lambda a, b: a**b), ("mod", np.remainder, lambda a, b: a % b),
    ("floordiv", np.floor_divide, lambda a, b: a // b),
):  # fmt: skip
    _operator(_name, _ufunc, _by_value)
for _name, _compare in (
    ("lt", lambda a, b: a < b), ("le", lambda a, b: a <= b), ("gt", lambda a, b: a > b), ("ge", lambda a, b: a >= b),
    ("eq", lambda a, b: a == b), ("ne", lambda a, b: a != b),
):  # fmt: skip
    setattr(Dual, f"__{_name}__", lambda self, other, _compare=_compare: _compare(self.value, part(other)))


def matmul(a, b):
    return over(part(a) @ part(b), tangent(a) @ part(b), part(a) @ tangent(b))


def implements(*functions):
    def register(implementation):
        FUNCTIONS.update(dict.fromkeys(functions, implementation))
        return implementation

    return register


@implements(np.dot)
def dot(a, b):
    return over(np.dot(part(a), part(b)), np.dot(tangent(a), part(b)), np.dot(part(a), tangent(b)))


@implements(np.outer)
def outer(a, b):
    return over(np.outer(part(a), part(b)), np.outer(tangent(a), part(b)), np.outer(part(a), tangent(b)))


@implements(np.inner)
def inner(a, b):
    return over(np.inner(part(a), part(b)), np.inner(tangent(a), part(b)), np.inner(part(a), tangent(b)))


@implements(np.vdot)
def vdot(a, b):
    return over(np.vdot(part(a), part(b)), np.vdot(tangent(a), part(b)), np.vdot(part(a), tangent(b)))


@implements(np.einsum)
def einsum(text, *operands):
    terms = []
    for k, x in enumerate(operands):
        if isinstance(x, Dual):
            terms.append(np.einsum(text, *(x.tangent if j == k else part(o) for j, o in enumerate(operands))))
    return over(np.einsum(text, *map(part, operands)), *terms)


@implements(np.where)
def where(c, a, b):
    c = part(c)
    return over(np.where(c, part(a), part(b)), np.where(c, tangent(a), tangent(b)))


@implements(np.clip)
def clip(x, low, high):
    return np.minimum(np.maximum(x, low), high) if isinstance(x, Dual) else over(np.clip(x, part(low), part(high)))


@implements(np.max, np.amax)
def maximum(x, axis=None, keepdims=False):
    return _extreme(x, np.max(x.value, axis=axis, keepdims=True), axis, keepdims)


@implements(np.min, np.amin)
def minimum(x, axis=None, keepdims=False):
    return _extreme(x, np.min(x.value, axis=axis, keepdims=True), axis, keepdims)


def _extreme(x, kept, axis, keepdims):
    here = x.value == kept
    mean = np.sum(here * x.tangent, axis=axis, keepdims=keepdims) / np.sum(here, axis=axis, keepdims=keepdims)
    return over(np.sum(kept, axis=axis, keepdims=keepdims) if keepdims else kept.squeeze(axis)[()], mean)


@implements(np.prod)
def prod(x, axis=None, keepdims=False):
    if not (x.value > 0).all():
        return _signed_prod(x, axis, keepdims)
    return np.exp(np.sum(np.log(x), axis=axis, keepdims=keepdims))


def _signed_prod(x, axis, keepdims):
    ratios = np.sum(x.tangent / x.value, axis=axis, keepdims=keepdims)
    y = np.prod(x.value, axis=axis, keepdims=keepdims)
    return over(y, y * ratios)


@implements(np.var)
def var(x, axis=None, ddof=0, keepdims=False):
    away = x - np.mean(x, axis=axis, keepdims=True)
    total = np.sum(away * away, axis=axis, keepdims=keepdims)
    return total / (np.size(x.value) / max(np.size(total.value), 1) - ddof)


@implements(np.std)
def std(x, axis=None, ddof=0, keepdims=False):
    return np.sqrt(var(x, axis, ddof, keepdims))


@implements(np.sort)
def sort(x, axis=-1):
    order = np.argsort(x.value, axis=axis)
    return Dual(np.take_along_axis(x.value, order, axis), np.take_along_axis(x.tangent, order, axis))


@implements(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    assert ord in (None, 2)
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


@implements(np.linalg.inv)
def inv(a):
    y = np.linalg.inv(a.value)
    return Dual(y, -y @ a.tangent @ y)


@implements(np.linalg.det)
def det(a):
    y = np.linalg.det(a.value)
    return over(y, y * np.trace(np.linalg.inv(a.value) @ a.tangent))


@implements(np.linalg.solve)
def solve(a, b):
    y = np.linalg.solve(part(a), part(b))
    return Dual(y, np.linalg.solve(part(a), tangent(b) - tangent(a) @ y))


# ---- running a function on Duals ------------------------------------------------------------------------------------


class _Module:
    """A module with some names replaced."""

    def __init__(self, module, replaced):
        self._module = module
        self.__dict__.update(replaced)

    def __getattr__(self, name):
        return getattr(self._module, name)


def _scalar(name, ufunc):
    plain = getattr(math, name)

    def call(*args):
        if not any(isinstance(a, Dual) for a in args):
            return plain(*args)
        values = [float(part(a)) for a in args]
        y = plain(*values)
        pairs = zip(PARTIALS[ufunc], args)
        return over(y, *(float(d(*values, y)) * tangent(a) for d, a in pairs if isinstance(a, Dual)))

    return call


_MATH = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "exp": np.exp, "expm1": np.expm1,
    "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt, "fabs": np.absolute,
    "pow": np.power, "hypot": np.hypot,
}  # fmt: skip
MATH = _Module(math, {name: _scalar(name, ufunc) for name, ufunc in _MATH.items()} | {
    name: lambda *a, _f=getattr(math, name): _f(*map(part, a))
    for name in ("floor", "ceil", "trunc", "isnan", "isfinite", "isinf", "copysign")
})  # fmt: skip


def _array(items, dtype=None):
    if isinstance(items, Dual):
        return items.copy()
    if not _holds_dual(items):
        return np.array(items, dtype)

    def row(item):
        if type(item) in (list, tuple):
            return _array(item)
        return item if isinstance(item, Dual) else Dual(np.float64(item), 0.0)

    return np.stack([row(i) for i in items])


def _holds_dual(items):
    return isinstance(items, Dual) or (type(items) in (list, tuple) and any(map(_holds_dual, items)))


def _asarray(x, dtype=None):
    return x if isinstance(x, Dual) else _array(x, dtype) if type(x) in (list, tuple) else np.asarray(x, dtype)


def _as_float(x=0.0):
    return Dual(float(x.value), float(x.tangent)) if isinstance(x, Dual) else float(x)


NUMPY = _Module(np, {
    "array": _array, "asarray": _asarray, "float64": lambda x: x if isinstance(x, Dual) else np.float64(x),
})  # fmt: skip
_STAND_INS = {"math": MATH, "numpy": NUMPY}


def _import(name, *args, **kwargs):
    return _STAND_INS.get(name) or builtins.__import__(name, *args, **kwargs)


_BUILTINS = {**vars(builtins), "__import__": _import, "float": _as_float}


def on_duals(function):
    """The function, and the functions of its module and closure, with the stand-ins in place of `math` and `numpy`."""
    worlds = {}
    made = {}

    def world(names):
        if id(names) not in worlds:
            worlds[id(names)] = new = {}
            new.update({k: convert(v) for k, v in names.items() if k != "__builtins__"})
            new["__builtins__"] = _BUILTINS
        return worlds[id(names)]

    def convert(value):
        if value is math:
            return MATH
        if value is np:
            return NUMPY
        if isinstance(value, types.BuiltinFunctionType) and getattr(value, "__module__", None) == "math":
            return getattr(MATH, value.__name__)
        if isinstance(value, types.FunctionType) and value.__globals__ is function.__globals__:
            return rebuild(value)
        return value

    def rebuild(f):
        if f not in made:
            cells = None if f.__closure__ is None else tuple(types.CellType() for _ in f.__closure__)
            made[f] = new = types.FunctionType(f.__code__, world(f.__globals__), f.__name__, f.__defaults__, cells)
            new.__kwdefaults__ = f.__kwdefaults__
            for old, cell in zip(f.__closure__ or (), cells or ()):
                cell.cell_contents = convert(old.cell_contents)
        return made[f]

    return rebuild(function)


def directional(function, args, tangents):
    """The value's leaves and their tangents at `args`, along `tangents` (None for an argument that stands still)."""
    run = on_duals(function)
    result = run(*(a if t is None else Dual(a, t) for a, t in zip(args, tangents)))
    return structure(part, result), structure(tangent, result)


def structure(leaf, result):
    """A function on each leaf of a result."""
    return tuple(structure(leaf, r) for r in result) if type(result) in (tuple, list) else leaf(result)
