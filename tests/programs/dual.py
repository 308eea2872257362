"""Forward-mode dual numbers that run a primal as it stands: an oracle that shares nothing with s2sad.

In: a Python function over floats and arrays, its arguments, and a tangent for some of them. Out: the value and its
tangent. `Dual` goes through operators, NumPy's two dispatch protocols, and stand-ins for the modules `math` and `numpy`
that the function's globals (and those of every function that it calls) are given for the run.

Every array of floats that such a run meets is a Dual: arguments, globals, and what NumPy makes. Its value and its
tangent are two buffers with the same layout, so that a view of the one is a view of the other, a reshape copies both or
neither, and a write into the Dual is the same write into both. Arrays of integers are `Whole`: what is written into
them loses its tangent.
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
    if isinstance(x, Whole):
        return x.view(np.ndarray)
    if isinstance(x, slice):
        return slice(part(x.start), part(x.stop), part(x.step))
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


def with_layout(array, dtype=None):
    """An uninitialised array with the shape and the strides (in items) of another one, in memory of its own."""
    dtype = np.dtype(dtype or array.dtype)
    if array.size == 0 or any(s == 0 for s, n in zip(array.strides, array.shape) if n > 1):
        return np.empty(array.shape, dtype)
    strides = tuple(s // array.itemsize * dtype.itemsize for s in array.strides)
    ends = [s * (n - 1) for s, n in zip(strides, array.shape)]
    low, high = sum(min(e, 0) for e in ends), sum(max(e, 0) for e in ends)
    return np.ndarray(array.shape, dtype, np.zeros(high - low + dtype.itemsize, np.uint8).data, -low, strides)


def duplicate(array, dtype=None):
    """A copy of an array that is laid out as the array is: what is a view of the one is a view of the other."""
    new = with_layout(array, dtype)
    new[...] = array
    return new


def lift(x):
    """An array of floats as a Dual that stands still, an array of integers as a Whole; through lists and tuples."""
    if isinstance(x, np.ndarray) and not isinstance(x, Whole):
        if x.dtype.kind == "f":
            return Dual(x, np.zeros(x.shape))
        return x.view(Whole) if x.dtype.kind in "iu" else x
    return type(x)(map(lift, x)) if type(x) in (list, tuple) else x


def put(target, source, where=True):
    """Write a value and its tangent into an array, which is the result."""
    where = part(where)
    np.copyto(part(target), part(source), where=where, casting="unsafe")
    if isinstance(target, Dual):
        np.copyto(target.tangent, tangent(source), where=where)
    return target


class Whole(np.ndarray):
    """An array of integers: what it gives is lifted, and what is written into it is cut down to its value."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        if any(isinstance(x, Dual) for x in (*inputs, *(out or ()))):
            return NotImplemented
        given = {} if out is None else {"out": part(out)}
        result = getattr(ufunc, method)(*map(part, inputs), **given, **options)
        return lift(result) if out is None else out[0]

    def __setitem__(self, index, value):
        self.view(np.ndarray)[part(index)] = part(value)

    def astype(self, dtype, **options):
        return lift(self.view(np.ndarray).astype(dtype, **options))


def elementwise(ufunc, inputs):
    """A ufunc on Duals; a function that is flat almost everywhere gives what stands still."""
    values = [part(x) for x in inputs]
    if ufunc is np.matmul:
        return matmul(*inputs)
    y = ufunc(*values)
    if ufunc in PARTIALS:
        pairs = zip(PARTIALS[ufunc], inputs)
        return over(y, *(d(*values, y) * tangent(x) for d, x in pairs if isinstance(x, Dual)))
    assert ufunc in STEPS or still(inputs), f"no dual rule for {ufunc}"
    return lift(y)


def still(x):
    """Whether every Dual in a list or tuple has a tangent of zeros."""
    if isinstance(x, (list, tuple)):
        return all(map(still, x))
    return not isinstance(x, Dual) or not np.any(x.tangent)


class Dual:
    """A value with a tangent of its shape."""

    __array_priority__ = 1000
    __hash__ = None

    def __init__(self, value, tangent):
        assert not isinstance(value, Dual) and not isinstance(tangent, Dual)
        assert np.shape(value) == np.shape(tangent), (np.shape(value), np.shape(tangent))
        if isinstance(value, Whole):
            value = part(value)
        if isinstance(value, np.ndarray):
            tangent = np.asarray(tangent, float)
            items = [[s // a.itemsize for s, n in zip(a.strides, a.shape) if n > 1] for a in (value, tangent)]
            if items[0] != items[1]:  # not of two views, which agree: the tangent is fresh, and may be laid out anew
                new = with_layout(value, float)
                new[...] = tangent
                tangent = new
        self.value, self.tangent = value, tangent

    def __repr__(self):
        return f"Dual({self.value!r}, {self.tangent!r})"

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, where=True, **options):
        assert not options, (ufunc, method, options)
        if method == "at":
            return at(ufunc, *inputs)
        if method == "__call__":
            result = elementwise(ufunc, inputs)
        else:
            assert still(inputs), f"no dual rule for {ufunc}.{method}"
            result = lift(getattr(ufunc, method)(*map(part, inputs)))
        return result if out is None else put(out[0], result, where)

    def __array_function__(self, function, types, args, kwargs):
        out = kwargs.pop("out", None) if function is not np.clip else None
        result = call(function, args, kwargs)
        return result if out is None else put(out, result)

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
        index = part(index)
        return Dual(self.value[index], self.tangent[index])

    def __setitem__(self, index, value):
        index = part(index)
        value = _array(value) if type(value) in (list, tuple) else value
        self.value[index] = part(value)
        self.tangent[index] = tangent(value)

    def __format__(self, spec):
        return format(self.value, spec)

    def __abs__(self):
        return over(abs(self.value), np.sign(self.value) * self.tangent)

    def __neg__(self):
        return Dual(-self.value, -self.tangent)

    def __pos__(self):
        return over(+self.value, self.tangent)

    def __round__(self, *digits):
        return round(self.value, *digits)

    def __matmul__(self, other):
        return matmul(self, other)

    def __rmatmul__(self, other):
        return matmul(other, self)

    def __getattr__(self, name):
        if name in ("ndim", "size", "dtype", "strides", "flags", "itemsize", "nbytes"):
            return getattr(self.value, name)
        if name in ("T", "real", "imag"):
            return Dual(getattr(self.value, name), getattr(self.tangent, name))
        if name in ("copy", "flatten", "item", "view"):
            return lambda *a, **k: Dual(getattr(self.value, name)(*a, **k), getattr(self.tangent, name)(*a, **k))
        if name == "astype":
            return self._as_type
        if name == "tolist":
            return lambda: list(self)
        if name == "reshape":
            return lambda *s, **k: np.reshape(self, s[0] if len(s) == 1 else s, **k)
        if name == "transpose":
            return lambda *s: np.transpose(self, (s[0] if len(s) == 1 else s) if s else None)
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *a, **k: getattr(np, name)(self, *a, **k)

    def _as_type(self, dtype, copy=True):
        if np.dtype(dtype).kind != "f":
            return lift(self.value.astype(dtype))
        return Dual(*(x.astype(dtype, copy=copy) for x in (self.value, self.tangent)))

    @property
    def shape(self):
        return np.shape(self.value)

    @shape.setter
    def shape(self, new):
        self.value.shape = new
        self.tangent.shape = new

    @property
    def flat(self):
        return Flat(self)

    @flat.setter
    def flat(self, value):
        value = _array(value) if type(value) in (list, tuple) else value
        self.value.flat = part(value)
        self.tangent.flat = tangent(value)

    def fill(self, value):
        self[...] = value

    def sort(self, axis=-1, **options):
        put(self, sort(self, axis))

    def put(self, *args):
        np.put(self, *args)


class Flat:
    """The entries of a Dual, one after the other."""

    def __init__(self, dual):
        self.dual = dual

    def __getitem__(self, index):
        return Dual(self.dual.value.flat[part(index)], self.dual.tangent.flat[part(index)])

    def __setitem__(self, index, value):
        value = _array(value) if type(value) in (list, tuple) else value
        self.dual.value.flat[part(index)] = part(value)
        self.dual.tangent.flat[part(index)] = tangent(value)

    def __len__(self):
        return self.dual.size

    def __iter__(self):
        return (self[i] for i in range(len(self)))


def call(function, args, kwargs):
    """A function of NumPy on Duals."""
    if function in LINEAR:
        first = list(args[0]) if type(args[0]) in (list, tuple) else args[0]
        heads = (part(first), moved(first) if type(first) is list else tangent(first))
        return Dual(*(function(head, *args[1:], **kwargs) for head in heads))
    if function in FUNCTIONS:
        return FUNCTIONS[function](*args, **kwargs)
    if function in WRITES:
        target, *others = args
        function(part(target), *map(part, others), **part_of(kwargs))
        place = WRITES[function]
        others[place] = tangent(_array(others[place]) if type(others[place]) in (list, tuple) else others[place])
        return function(tangent(target), *map(part, others), **part_of(kwargs))
    assert function in PLAIN or still((*args, *kwargs.values())), f"no dual rule for {function}"
    return lift(function(*map(part, args), **part_of(kwargs)))


def part_of(kwargs):
    """Keyword arguments without tangents."""
    return {name: part(value) for name, value in kwargs.items()}


def at(ufunc, target, index, *given):
    """`ufunc.at`: the operator applied in place, entry by entry, as often as an index is there."""
    index = part(index)
    if ufunc in (np.add, np.subtract):
        ufunc.at(part(target), index, part(given[0]))
        ufunc.at(tangent(target), index, tangent(given[0]))
        return
    places = np.arange(np.size(target)).reshape(np.shape(target))[index]
    givens = [np.broadcast_to(part(g), places.shape) for g in given]
    moves = [np.broadcast_to(tangent(g), places.shape) for g in given]
    for k in np.ndindex(places.shape):
        operands = [Dual(float(v[k]), float(t[k])) for v, t in zip(givens, moves)]
        target.flat[places[k]] = elementwise(ufunc, [target.flat[places[k]], *operands])


def _operator(name, ufunc, by_value):
    """`a op b` and its reflection, the value by Python's own operator, so that floats stay floats."""

    def forwards(self, other):
        return _apply(ufunc, by_value, self, other)

    def backwards(self, other):
        return _apply(ufunc, by_value, other, self)

    def in_place(self, other):
        return put(self, forwards(self, other)) if isinstance(self.value, np.ndarray) else NotImplemented

    setattr(Dual, f"__{name}__", forwards)
    setattr(Dual, f"__r{name}__", backwards)
    setattr(Dual, f"__i{name}__", in_place)


def _apply(ufunc, by_value, a, b):
    if a is None or b is None:
        return NotImplemented
    a, b = (_array(x) if isinstance(x, (list, tuple)) else x for x in (a, b))
    y = by_value(part(a), part(b))
    if ufunc not in PARTIALS:
        return lift(y)
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
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.argmax, np.argmin, np.argsort, np.any,
    np.all, np.allclose, np.empty_like, np.nonzero, np.flatnonzero, np.array_equal, np.shares_memory,
    np.may_share_memory, np.count_nonzero, np.searchsorted,
}  # fmt: skip
#: Functions that write into their first argument, and the place among the others of what they write.
WRITES = {
    np.copyto: 0, np.put: 1, np.place: 1, np.putmask: 1, np.fill_diagonal: 0, np.put_along_axis: 1,
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
def clip(x, low, high, out=None):
    result = np.minimum(np.maximum(x, low), high)
    return result if out is None else put(out, result)


@implements(np.full_like)
def full_like(x, fill, **options):
    return put(lift(np.full_like(part(x), part(fill), **options)), fill)


@implements(np.append)
def append(x, values, axis=None):
    return np.concatenate([np.ravel(x), np.atleast_1d(values)] if axis is None else [x, values], axis or 0)


@implements(np.cross)
def cross(a, b):
    return over(np.cross(part(a), part(b)), np.cross(tangent(a), part(b)), np.cross(part(a), tangent(b)))


@implements(np.linalg.cholesky)
def cholesky(a):
    y = np.linalg.cholesky(a.value)
    half = np.linalg.solve(y, np.linalg.solve(y, a.tangent).T)
    return Dual(y, y @ (np.tril(half) - np.diag(np.diag(half)) / 2))


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


def _array(items, dtype=None, copy=True):
    if isinstance(items, Dual):
        return items.astype(dtype or items.dtype, copy=copy)
    if not _holds_dual(items):
        return lift(np.array(items, dtype))

    def row(item):
        if type(item) in (list, tuple):
            return _array(item)
        return item if isinstance(item, Dual) else Dual(np.float64(item), 0.0)

    return np.stack([row(i) for i in items]).astype(dtype or float)


def _holds_dual(items):
    return isinstance(items, Dual) or (type(items) in (list, tuple) and any(map(_holds_dual, items)))


def _asarray(x, dtype=None):
    if isinstance(x, Dual):
        return x.astype(dtype or x.dtype, copy=False)
    return _array(x, dtype) if type(x) in (list, tuple) else lift(np.asarray(x, dtype))


def _contiguous(order):
    return lambda x: Dual(*(np.require(a, requirements=order) for a in (x.value, x.tangent)))


def _full(shape, fill, dtype=None):
    return put(lift(np.full(shape, part(fill), dtype)), fill)


def _as_float(x=0.0):
    return Dual(float(x.value), float(x.tangent)) if isinstance(x, Dual) else float(x)


class _Ufunc:
    """A ufunc whose results are lifted."""

    def __init__(self, ufunc):
        self._ufunc = ufunc

    def __call__(self, *args, **kwargs):
        return lift(self._ufunc(*(_array(a) if _is_row(a) else a for a in args), **kwargs))

    def __getattr__(self, name):
        return getattr(self._ufunc, name)


def _is_row(x):
    return type(x) in (list, tuple) and _holds_dual(x)


class _Lifting(_Module):
    """A module of NumPy in which arrays are born as Duals."""

    def __getattr__(self, name):
        found = getattr(self._module, name)
        if isinstance(found, np.ufunc):
            found = _Ufunc(found)
        elif isinstance(found, types.ModuleType):
            found = _Lifting(found, {})
        elif callable(found) and not isinstance(found, type):
            found = _lifting(found)
        self.__dict__[name] = found
        return found


def _lifting(function):
    def call(*args, **kwargs):
        if args and _is_row(args[0]) and function not in _JOINING:
            args = (_array(args[0]), *args[1:])
        return lift(function(*args, **kwargs))

    return call


_JOINING = {np.stack, np.concatenate, np.vstack, np.hstack, np.column_stack, np.broadcast_arrays}


class _Float64(np.float64):
    """`np.float64` as a function and as a dtype."""

    def __new__(cls, x=0.0):
        return x if isinstance(x, Dual) else np.float64(x)


# What rounds to single precision is taken in double precision: differences would drown in the rounding.
NUMPY = _Lifting(np, {
    "array": _array, "asarray": _asarray, "full": _full, "float32": np.float64,
    "float64": _Float64, "ascontiguousarray": _contiguous("C"), "asfortranarray": _contiguous("F"),
})  # fmt: skip
_STAND_INS = {"math": MATH, "numpy": NUMPY}


def _import(name, *args, **kwargs):
    return _STAND_INS.get(name) or builtins.__import__(name, *args, **kwargs)


_BUILTINS = {**vars(builtins), "__import__": _import, "float": _as_float}


def on_duals(function):
    """The function, and the functions of its module and closure, with the stand-ins in place of `math` and `numpy`."""
    return converted(function, lift_copy, NUMPY)


def in_double(function):
    """The function on plain numbers, with `np.float32` taken as double precision."""
    return converted(function, lambda array: array, _Module(np, {"float32": np.float64}))


def lift_copy(array):
    """A Dual of an array that stands still, in memory of its own."""
    return lift(duplicate(array))


def converted(function, of_array, numpy):
    """The function with stand-ins in place of the modules, and with its arrays as `of_array` makes them."""
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
            return numpy
        if isinstance(value, np.ndarray):
            if id(value) not in made:
                made[id(value)] = (of_array(value), value)
            return made[id(value)][0]
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
    """The value's leaves and their tangents at `args`, along `tangents` (None for an argument that stands still).

    The function may write into its arguments: it is given copies, which are laid out as the arguments are.
    """
    result = on_duals(function)(*map(_moving, args, tangents))
    return structure(part, result), structure(tangent, result)


def _moving(value, direction):
    if isinstance(value, np.ndarray):
        new = lift_copy(value)
        if direction is not None:
            new.tangent[...] = direction
        return new
    return value if direction is None else Dual(value, direction)


def structure(leaf, result):
    """A function on each leaf of a result."""
    return tuple(structure(leaf, r) for r in result) if type(result) in (tuple, list) else leaf(result)
