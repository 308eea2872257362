"""Kinds: what s2sad knows of a value before the program runs. `UNKNOWN` is always allowed and always safe.

A *shape* is a tuple of extents, or a frozenset of tokens (an unknown shape, the broadcast of the shapes that the
tokens name), or None (nothing known). An *extent* is an int, or an `Extent`: a symbol plus an offset, with `plural`
where it is known not to be one, so that no broadcasting stretches it.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from s2sad.ir.modules import module_of_arrays


@dataclass(frozen=True)
class Extent:
    """A symbolic axis length, `symbol + offset`.

    Equal Extents are equal lengths, but for the symbol "?", which is any.
    """

    symbol: str
    offset: int = 0
    plural: bool = False

    def __repr__(self) -> str:
        return self.symbol + (f"{self.offset:+d}" if self.offset else "") + ("" if self.plural else "?")


Dim = int | Extent

#: An axis length of which nothing is known; it equals no other, itself included.
SOME = Extent("?")
#: Dtypes of which the precision is not known; the last is complex, or real where no imaginary part has come in.
SOME_FLOAT, SOME_COMPLEX, PERHAPS_COMPLEX = "float?", "complex?", "complex or float?"
UNSURE = (SOME_FLOAT, SOME_COMPLEX, PERHAPS_COMPLEX)
Shape = tuple[Dim, ...] | frozenset[str] | None


@dataclass(frozen=True)
class Kind:
    """`sort` is one of unknown, none, bool, int, float, complex, str, scalar (of NumPy), array, tuple, list, dict,
    slice, ellipsis, range, object, function, class, module. `dtype` is a NumPy name for scalars and arrays; `items` the
    kinds of the items of a tuple, list or dict where known, or of what a function captures; `keys` a dict's keys; `cls`
    the class of an object or named tuple, the class itself, or which function it is; `fields` the kinds of an object's
    attributes; `element` the kind of every item of a list of unknown length.
    """

    sort: str
    dtype: str | None = None
    shape: Shape = None
    items: tuple[Kind, ...] | None = None
    cls: Any = None
    fields: tuple[tuple[str, Kind], ...] = ()
    keys: tuple[Any, ...] | None = field(default=None, repr=False)
    element: Kind | None = field(default=None, repr=False)

    @property
    def parts(self) -> tuple[Kind, ...] | None:
        """The kinds of what a container or object of known contents holds, in order; None for any other value."""
        if self.sort == "object":
            return tuple(k for _, k in self.fields) or None
        return self.items if self.sort in CONTAINERS else None

    def with_parts(self, parts: tuple[Kind, ...]) -> Kind:
        """The same container of other contents."""
        if self.sort == "object":
            return replace(self, fields=tuple((n, k) for (n, _), k in zip(self.fields, parts)))
        return replace(self, items=parts)

    @property
    def rank(self) -> int | None:
        """The number of axes, None where unknown; numbers have none.

        >>> FLOAT.rank, UNKNOWN.rank, array("float64", 2).rank
        (0, None, 2)
        """
        return len(self.shape) if isinstance(self.shape, tuple) else None

    @property
    def is_number(self) -> bool:
        """A Python or NumPy number without axes."""
        return self.sort in ("bool", "int", "float", "complex", "scalar")

    @property
    def is_python_number(self) -> bool:
        return self.sort in ("bool", "int", "float", "complex")

    @property
    def is_array(self) -> bool:
        return self.sort == "array"

    @property
    def is_complex(self) -> bool:
        """Whether a value is certainly a complex number, or an array of them.

        >>> Kind("scalar", "complex64", ()).is_complex, FLOAT.is_complex, UNKNOWN.is_complex
        (True, False, False)
        """
        return self.sort == "complex" or (self.dtype or "").startswith(("complex", "clongdouble"))

    @property
    def is_real(self) -> bool:
        """Whether a value is certainly a real number, or an array of them.

        >>> Kind("scalar", "complex64", ()).is_real, FLOAT.is_real, UNKNOWN.is_real
        (False, True, False)
        """
        real = ("float", "int", "uint", "bool", "longdouble")
        return self.sort in ("bool", "int", "float") or (self.dtype or "").startswith(real)

    @property
    def carries_derivative(self) -> bool:
        """Whether such a value can hold a derivative: floats, complexes, what holds them, and what is unknown."""
        if self.sort in ("float", "complex", "unknown"):
            return True
        if self.sort == "object":
            return not self.fields or any(k.carries_derivative for _, k in self.fields)
        if self.sort in ("scalar", "array"):
            return self.dtype is None or self.dtype.startswith(("float", "complex", "longdouble", "clongdouble"))
        if self.sort in CONTAINERS:
            if self.element is not None:
                return self.element.carries_derivative
            return self.items is None or any(k.carries_derivative for k in self.items)
        return False


#: Sorts of values that hold others; a function holds what it captures.
CONTAINERS = ("tuple", "list", "dict", "function")

UNKNOWN = Kind("unknown")
NONE = Kind("none")
BOOL = Kind("bool", shape=())
INT = Kind("int", shape=())
FLOAT = Kind("float", shape=())
COMPLEX = Kind("complex", shape=())
STR = Kind("str")


def dtype_kind(dtype: str | None) -> Kind:
    """The kind of what says a dtype: a `numpy.dtype`, or a type of numbers such as `float` or `np.float32`."""
    return Kind("object", dtype, cls=np.dtype)


def said_dtype(kind: Any) -> str | None:
    """The dtype that a value of this kind says, None where it says none or an unknown one.

    >>> said_dtype(dtype_kind("float32"))
    'float32'
    """
    return kind.dtype if isinstance(kind, Kind) and kind.sort == "object" and kind.cls is np.dtype else None


def array(dtype: str | None, rank: int | None, symbol: str = "") -> Kind:
    """An array kind of a rank with axes that are not one, named after `symbol`."""
    if rank is None:
        return Kind("array", dtype, None)
    return Kind("array", dtype, tuple(Extent(f"{symbol}.{i}", 0, True) for i in range(rank)))


def broadcast_shapes(a: Shape, b: Shape) -> Shape:
    """The shape of an elementwise operation on two shapes, as far as it is known."""
    if a == () or a == b:
        return b
    if b == ():
        return a
    if a is None or b is None:
        return None
    if isinstance(a, frozenset) or isinstance(b, frozenset):
        return a | b if isinstance(a, frozenset) and isinstance(b, frozenset) else None
    rank = max(len(a), len(b))
    padded_a: tuple[Dim, ...] = (1,) * (rank - len(a)) + a
    padded_b: tuple[Dim, ...] = (1,) * (rank - len(b)) + b
    return tuple(_broadcast_dims(x, y) for x, y in zip(padded_a, padded_b))


def _broadcast_dims(x: Dim, y: Dim) -> Dim:
    if same_extent(x, y) or y == 1:
        return x
    if x == 1:
        return y
    if isinstance(x, int) or (isinstance(x, Extent) and x.plural):
        return x
    if isinstance(y, int) or y.plural:
        return y
    return SOME


def same_extent(x: Dim, y: Dim) -> bool:
    """Whether two axes are known to have the same length.

    >>> same_extent(Extent("n"), Extent("n")), same_extent(SOME, SOME)
    (True, False)
    """
    return x == y and not (isinstance(x, Extent) and x.symbol == "?")


def same_shape(a: Shape, b: Shape) -> bool:
    """Whether two shapes are known to be equal."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(same_extent(x, y) for x, y in zip(a, b))
    return isinstance(a, frozenset) and a == b and len(a) == 1


def shift(dim: Dim, by: int) -> Dim:
    """The length `dim + by`."""
    if isinstance(dim, int):
        return max(dim + by, 0)
    if by == 0 or dim.symbol == "?":
        return dim if by == 0 else SOME
    return Extent(dim.symbol, dim.offset + by)


_ORDER = ("bool", "int", "float", "complex")


def join(a: Kind, b: Kind) -> Kind:
    """The least kind that covers both: int with float is float, a number with an array is an array of unknown rank."""
    if a == b:
        return a
    if a.is_python_number and b.is_python_number:
        return a if _ORDER.index(a.sort) >= _ORDER.index(b.sort) else b
    if a.sort in CONTAINERS and a.sort == b.sort and a.cls == b.cls:
        same = a.items is not None and b.items is not None and len(a.items) == len(b.items) and a.keys == b.keys
        if same:
            return replace(a, items=tuple(join(x, y) for x, y in zip(a.items or (), b.items or ())), element=None)
        if a.sort == "function":
            return UNKNOWN
        return Kind(a.sort, element=common_element(a, b) if a.sort == "list" else None)
    numeric = {"bool", "int", "float", "complex", "scalar", "array"}
    if a.sort in numeric and b.sort in numeric:
        shape = join_shapes(a.shape, b.shape)
        dtype = a.dtype if a.dtype == b.dtype else _field(a, b)
        if shape == ():
            precision = _precision(a, b) or dtype
            return Kind("scalar", dtype, ()) if a.sort == b.sort == "scalar" else Kind("unknown", precision, ())
        if a.is_array and b.is_array:
            return Kind("array", dtype, shape)
        return Kind("unknown", _field(a, b), shape)
    if "none" in (a.sort, b.sort):
        # What is done with the value is done with the other; None has no adjoint.
        other = b if a.sort == "none" else a
        if other.sort in numeric or other.sort == "unknown":
            return Kind("unknown", other.dtype, other.shape)
    if a.sort == "object" and b.sort == "object" and a.cls is b.cls:
        same = [n for n, _ in a.fields] == [n for n, _ in b.fields]
        dtype = a.dtype if a.dtype == b.dtype else None
        return Kind("object", dtype, cls=a.cls, fields=_joined_fields(a, b) if same else ())
    shape = join_shapes(a.shape, b.shape)
    return Kind("unknown", (_precision(a, b) if shape == () else None) or _field(a, b), shape)


def _field(a: Kind, b: Kind) -> str | None:
    """The dtype of what may be complex: real numbers are complex ones without imaginary part."""
    known = all(k.is_real or k.is_complex for k in (a, b))
    return PERHAPS_COMPLEX if known and (a.is_complex or b.is_complex) else None


def _precision(a: Kind, b: Kind) -> str | None:
    """The dtype of what is one of two numbers, a Python float being a float64."""
    names = {"float64" if k.sort == "float" else k.dtype for k in (a, b)}
    return names.pop() if len(names) == 1 else None


def _joined_fields(a: Kind, b: Kind) -> tuple[tuple[str, Kind], ...]:
    return tuple((n, join(x, y)) for (n, x), (_, y) in zip(a.fields, b.fields))


def common_element(a: Kind, b: Kind) -> Kind | None:
    """The kind of every item of two lists; None where they do not hold numbers or arrays alone."""
    kinds = [k for kind in (a, b) for k in ((kind.element,) if kind.element is not None else kind.items or ())]
    if any(kind.items is None and kind.element is None for kind in (a, b)):
        return None
    result: Kind | None = None
    for kind in kinds:
        if kind is None or kind.sort not in ("bool", "int", "float", "complex", "scalar", "array", "unknown"):
            return None
        result = kind if result is None else join(result, kind)
    return result


def join_shapes(a: Shape, b: Shape) -> Shape:
    """The least shape that covers both; axes that differ are forgotten, but the rank stays where it is the same."""
    if a == b:
        return a
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        return tuple(_join_dims(x, y) for x, y in zip(a, b))
    return None


def _join_dims(x: Dim, y: Dim) -> Dim:
    if x == y:
        return x
    plural = all((d.plural if isinstance(d, Extent) else d != 1) for d in (x, y))
    return Extent("?", 0, plural)


def kind_of(value: Any, symbol: str = "") -> Kind:
    """The kind of a live value. The axes of an array that are not one are named after `symbol`, which no other array
    may share; without one they equal no others.

    >>> kind_of(1.5), kind_of(True).sort
    (Kind(sort='float', dtype=None, shape=(), items=None, cls=None, fields=()), 'bool')
    """

    def of_array(array: np.ndarray, place: str) -> Kind:
        name = f"{symbol}{place}" if symbol else ""
        named = [f"{name}.{i}" if name else "?" for i in range(array.ndim)]
        dims = tuple(1 if n == 1 else Extent(axis, 0, True) for axis, n in zip(named, array.shape))
        return Kind("array", array.dtype.name, dims)

    return kind_by_parts(value, of_array)


def kind_by_parts(value: Any, of_array: Callable[[np.ndarray, str], Kind]) -> Kind:
    """The kind of a live value; `of_array` gives the kind of each array in it, from the array and where it stands."""
    return _kind(value, "", of_array, ())


def _kind(value: Any, place: str, of_array: Callable[[np.ndarray, str], Kind], around: tuple[int, ...]) -> Kind:
    kind = _PYTHON_KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, np.ndarray):
        return of_array(value, place)
    if isinstance(value, np.generic):
        return Kind("scalar", value.dtype.name, ())
    module = module_of_arrays(type(value))
    if module is not None:
        # The module stands in the kind of an argument, so that its own text is made for it.
        return replace(of_array(value, place), cls=module)
    if isinstance(value, range):
        return Kind("range")
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, np.ufunc)):
        return Kind("function", cls=value, items=())
    if isinstance(value, (np.dtype, type)) and (said := _name_of_dtype(value)) is not None:
        return dtype_kind(said)
    if isinstance(value, type):
        return Kind("class", cls=value)
    if id(value) in around or len(around) > _DEEPEST:
        return Kind("object", cls=type(value))
    inside = (*around, id(value))
    if type(value) in (tuple, list) or is_named_tuple(type(value)):
        items = tuple(_kind(v, f"{place}.{i}", of_array, inside) for i, v in enumerate(value))
        if type(value) in (tuple, list):
            return Kind(type(value).__name__, items=items)
        return Kind("tuple", items=items, cls=type(value))
    if type(value) is dict:
        if not all(type(k) in (str, int, bool, float, type(None), tuple) for k in value) or len(value) > _MOST_PARTS:
            return Kind("dict")
        kinds = tuple(_kind(v, f"{place}.{k}", of_array, inside) for k, v in value.items())
        return Kind("dict", items=kinds, keys=tuple(value))
    return Kind("object", cls=type(value), fields=_fields(value, place, of_array, inside))


def _name_of_dtype(value: Any) -> str | None:
    """The dtype that a dtype or a type of numbers says."""
    if isinstance(value, type) and value not in _NUMBERS and not issubclass(value, (np.number, np.bool_)):
        return None
    try:
        return str(np.dtype(value).name)
    except TypeError:
        return None


#: Deeper or larger objects are known by their class alone.
_DEEPEST, _MOST_PARTS = 6, 100


def is_named_tuple(cls: Any) -> bool:
    """Whether a class is one that `namedtuple` or `NamedTuple` made, or a subclass of such."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields") and hasattr(cls, "_replace")


def _fields(
    value: Any, place: str, of_array: Callable[[np.ndarray, str], Kind], around: tuple[int, ...]
) -> tuple[tuple[str, Kind], ...]:
    """The kinds of the attributes that an object holds itself, in its dictionary or in slots."""
    if isinstance(value, types.ModuleType) or type(value).__module__.partition(".")[0] in ("numpy", "builtins"):
        return ()
    held = getattr(value, "__dict__", None)
    if type(held) is not dict:
        names = [n for c in reversed(type(value).__mro__) for n in _slots(c) if hasattr(value, n)]
        held = {n: getattr(value, n) for n in names}
    if len(held) > _MOST_PARTS:
        return ()
    return tuple((name, _kind(item, f"{place}.{name}", of_array, around)) for name, item in held.items())


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    return tuple(n for n in ((slots,) if isinstance(slots, str) else slots) if not n.startswith("__"))


_NUMBERS = (bool, int, float, complex)
_PYTHON_KINDS = {
    float: FLOAT,
    int: INT,
    bool: BOOL,
    complex: COMPLEX,
    str: STR,
    type(None): NONE,
    type(...): Kind("ellipsis"),
}
