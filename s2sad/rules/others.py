"""What carries no derivative, by topic, and what is refused by its name, with the reason and what to use instead.

A function that returns what it is given, or a view of it, is no constant: it has a rule in the file of its topic.
"""

from __future__ import annotations

import numpy as np

from s2sad.ir.kinds import BOOL, STR
from s2sad.rules.registry import nondifferentiable, refuse
from s2sad.rules.results import KindFunction, broadcast_kind

# Text
nondifferentiable(
    "numpy.array2string", "numpy.array_repr", "numpy.array_str", "numpy.base_repr", "numpy.binary_repr",
    "numpy.format_float_positional", "numpy.format_float_scientific", "numpy.typename", "numpy.datetime_as_string",
    kind=STR,
)  # fmt: skip

# Dtypes, layouts and dates
nondifferentiable(
    "numpy.can_cast", "numpy.issubdtype", "numpy.isdtype", "numpy.isfortran", "numpy.iterable", "numpy.is_busday",
    kind=BOOL,
)  # fmt: skip
nondifferentiable(
    "numpy.common_type", "numpy.min_scalar_type", "numpy.mintypecode", "numpy.promote_types", "numpy.result_type",
    "numpy.finfo", "numpy.iinfo", "numpy.dtype", "numpy.broadcast_shapes", "numpy.isnat", "numpy.busday_count",
    "numpy.busday_offset", "numpy.busdaycalendar", "numpy.datetime_data", "numpy.datetime64", "numpy.timedelta64",
    "numpy.einsum_path", "numpy.ndindex", "numpy.mask_indices",
)  # fmt: skip


# Integers, booleans and strings
def _integer_kind(name: str) -> KindFunction:
    """The kind function of a type of integers, which makes one of a number and an array of an array."""
    dtype = np.dtype(getattr(np, name, int)).name
    return lambda *, literals, **given: broadcast_kind(list(given.values()), dtype)


nondifferentiable("numpy.isin", "numpy.bitwise_count", "numpy.packbits", "numpy.unpackbits")
nondifferentiable("numpy.tri", signature="N, M=None, k=0, dtype=None")
for _name in ("bartlett", "blackman", "hamming", "hanning"):
    nondifferentiable(f"numpy.{_name}", signature="M")
for _name in (
    "bool", "bool_", "byte", "short", "intc", "int_", "long", "longlong", "intp", "int8", "int16", "int32", "int64",
    "ubyte", "ushort", "uintc", "uint", "ulong", "ulonglong", "uintp", "uint8", "uint16", "uint32", "uint64",
):  # fmt: skip
    nondifferentiable(f"numpy.{_name}", signature="x=0", kind=_integer_kind(_name), cheap=True)
nondifferentiable("numpy.bytes_", "numpy.str_", signature="x=''")

nondifferentiable("numpy.ndarray.device", signature="a", kind=STR, cheap=True)

# Files, and the state of NumPy
nondifferentiable(
    "numpy.save", "numpy.savetxt", "numpy.savez", "numpy.savez_compressed", "numpy.load", "numpy.loadtxt",
    "numpy.genfromtxt", "numpy.fromfile", "numpy.fromregex", "numpy.fromstring", "numpy.memmap", "numpy.get_include",
    "numpy.get_printoptions", "numpy.set_printoptions", "numpy.getbufsize", "numpy.setbufsize", "numpy.geterr",
    "numpy.seterr", "numpy.geterrcall", "numpy.seterrcall", "numpy.info", "numpy.show_config", "numpy.show_runtime",
    "numpy.test", "numpy.linalg.test", "numpy.fft.test",
    pure=False,
)  # fmt: skip


# Refused by name
_COMPLEX_ROOTS = "gives complex numbers for some polynomials, through which no derivative flows yet"


def _refuse(names: str, reason: str, help: str, module: str = "numpy") -> None:
    refuse(*(f"{module}.{name}" for name in names.split()), reason=reason, help=help)


_refuse("matrix asmatrix bmat", "means another product by `*`", "use arrays, and `@` for products")
_refuse("frombuffer from_dlpack", "shares memory with what is no array", "use arrays and their views")
_refuse("ndarray recarray record void rec.array", "lays out memory anew", "use arrays and their views")
_refuse(
    "base byteswap ctypes data dump dumps flags getfield setfield setflags to_device tobytes tofile view",
    "depends on how memory is laid out", "use arrays and their views by index", "numpy.ndarray",
)  # fmt: skip
_refuse("tolist", "makes a list of lists of numbers", "index the array itself", "numpy.ndarray")
_refuse("vectorize frompyfunc", "makes a function whose calls cannot be read", "use a loop, or NumPy's operations")
_refuse(
    "fromfunction fromiter", "calls a function, or runs an iterator, within NumPy",
    "use `np.array` of a list comprehension, or NumPy's operations on `np.indices`",
)  # fmt: skip
_refuse(
    "nditer nested_iters ndenumerate broadcast flatiter", "gives an iterator, which is not followed",
    "use a loop over `range(len(a))`, or `np.ndindex(a.shape)`",
)  # fmt: skip
_refuse("apply_over_axes", "calls a function within NumPy", "call it for one axis after the other, with keepdims=True")
_refuse("poly1d", "makes an object with an arithmetic of its own", "use arrays of coefficients with `np.polyval`")
_refuse(
    "histogram histogram2d histogramdd histogram_bin_edges",
    "counts, which are steps in the data, between edges that depend on them",
    "use `np.bincount` of `np.digitize` with its weights, which are differentiated",
)  # fmt: skip
_refuse(
    "meshgrid broadcast_arrays", "gives as many arrays as it is given, which is not followed",
    "use broadcasting, as `x[:, None]` beside `y`, or `np.broadcast_to`",
)  # fmt: skip
_refuse("trim_zeros", "cuts where elements are exactly zero", "use a slice")
_refuse(
    "unique_all unique_counts unique_inverse unique_values union1d intersect1d setdiff1d setxor1d",
    "compares values for equality", "use `np.unique`, or indices that are found outside",
)  # fmt: skip
_refuse("roots", _COMPLEX_ROOTS, "use `np.polyval` and Newton steps, or `np.linalg.eigvalsh`")
_refuse("polydiv", "leaves out what is nearly zero", "use `np.polymul` and `np.linalg.solve`")
_refuse("piecewise", "calls functions within NumPy", "use `np.where` or `np.select`")
_refuse("apply_along_axis", "calls a function within NumPy", "use a loop over the rows, or the function's `axis`")
_refuse("block", "takes lists of lists", "use `np.concatenate` or `np.hstack` and `np.vstack`")
_refuse(
    "partition", "leaves an order that is not said", "use `np.sort`, or `np.take_along_axis` at `np.argpartition`"
)  # fmt: skip
_refuse(
    "object_ generic number inexact floating complexfloating flexible character signedinteger unsignedinteger integer",
    "is a class of types, or holds any object", "use a type of floats",
)  # fmt: skip
_refuse("ufunc", "is the class of ufuncs", "call the ufunc")
_refuse(
    "iter next aiter anext", "runs an iterator, which is not followed", "use a `for` loop over the sequence", "builtins"
)  # fmt: skip
_refuse("set frozenset", "keeps no order, so that sums over it may differ", "use a tuple or a list", "builtins")
_refuse("bytes bytearray memoryview", "reads memory as bytes", "use arrays and their views", "builtins")
_refuse("id", "is not the same in every process", "compare values", "builtins")
_refuse(
    "eval exec compile globals locals vars dir __import__", "may read any variable", "write out what it does",
    "builtins",
)  # fmt: skip
_refuse("setattr delattr", "writes into an object", "build a new one", "builtins")
_refuse("getattr super object property classmethod staticmethod", "depends on what an object is at run time",
        "write the attribute out, `a.name`", "builtins")  # fmt: skip
_refuse("open input breakpoint", "reads what is no argument", "pass the values as arguments", "builtins")

_refuse("sort_complex", "sorts by two parts", "use `np.sort` of an array of complex numbers")

# In place, and in an order of Python's
_refuse("flat", "gives an iterator, which is not followed", "use `np.ravel(a)`", "numpy.ndarray")
_refuse("resize", "changes the array itself", "use `np.resize`", "numpy.ndarray")
_refuse("sorted", "gives a list of unknown order", "use `np.sort` of an array", "builtins")
