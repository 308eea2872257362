"""Rules for linear algebra: products, Einstein sums, solving, decompositions and norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from s2sad.ir.kinds import SOME, UNKNOWN, Dim, Kind, Shape, broadcast_shapes, same_extent
from s2sad.rules.arguments import dtype_of, is_one, item_kinds, places, product, promote, shape_of
from s2sad.rules.registry import Case, alias, linear, nondifferentiable, rule, sequence
from s2sad.rules.results import real_dtype, reduced_shape

Literals = Mapping[str, Any]
Values = Mapping[str, Any]


# The kinds of products
def result(sources: Sequence[Kind], shape: Shape, dtype: str | None = None) -> Kind:
    """The kind of what a function makes of these arrays: without axes, it is a NumPy scalar."""
    if any(kind.sort in ("unknown", "object") for kind in sources):
        return Kind("unknown", None, shape)
    # How a Python number promotes differs from function to function.
    weak = any(kind.is_python_number for kind in sources)
    dtype = dtype or (None if weak else promote([dtype_of(kind) for kind in sources]))
    return Kind("scalar" if shape == () else "array" if shape is not None else "unknown", dtype, shape)


def complex_dtype(sources: Sequence[Kind]) -> str | None:
    """The dtype of a product of these where that is complex: it tells what adjoints are of."""
    found = promote([dtype_of(kind) for kind in sources])
    return found if (found or "").startswith("c") else None


def floating(kind: Kind) -> str | None:
    """The dtype in which `numpy.linalg` answers for an argument of this kind: integers become float64."""
    name = dtype_of(kind)
    return "float64" if name and name.startswith(("int", "uint", "bool")) else name


def _matmul_kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
    left, right = shape_of(a), shape_of(b)
    if not isinstance(left, tuple) or not isinstance(right, tuple) or not left or not right:
        return result((a, b), None)
    batch = broadcast_shapes(left[:-2], right[:-2])
    if not isinstance(batch, tuple):
        return result((a, b), None)
    return result((a, b), (*batch, *left[-2:-1], *(right[-1:] if len(right) > 1 else ())))


def _dot_kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
    left, right = shape_of(a), shape_of(b)
    if not isinstance(left, tuple) or not isinstance(right, tuple):
        return result((a, b), None)
    if not left or not right:
        return result((a, b), left or right)
    return result((a, b), (*left[:-1], *right[:-2], *(right[-1:] if len(right) > 1 else ())))


def _inner_kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
    left, right = shape_of(a), shape_of(b)
    if not isinstance(left, tuple) or not isinstance(right, tuple):
        return result((a, b), None)
    return result((a, b), (*left[:-1], *right[:-1]) if left and right else left or right)


def _outer_kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
    return result((a, b), (product(shape_of(a)), product(shape_of(b))))


def _tensordot_kind(*, literals: Literals, a: Kind, b: Kind, axes: Kind) -> Kind:
    left, right, said = shape_of(a), shape_of(b), literals.get("axes")
    if not isinstance(left, tuple) or not isinstance(right, tuple) or said is None:
        return result((a, b), None)
    if isinstance(said, int):
        said = (tuple(range(len(left) - said, len(left))), tuple(range(said)))
    of_a, of_b = places(said[0], len(left)), places(said[1], len(right))
    if of_a is None or of_b is None:
        return result((a, b), None)
    kept = [dim for k, dim in enumerate(left) if k not in of_a] + [dim for k, dim in enumerate(right) if k not in of_b]
    # Without axes it is an array still.
    return result((a, b), tuple(kept)) if kept else Kind("unknown", complex_dtype((a, b)), ())


def _kron_kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
    left, right = shape_of(a), shape_of(b)
    if not isinstance(left, tuple) or not isinstance(right, tuple) or not (left or right):
        return Kind("unknown", None, () if left == right == () else None)
    rank = max(len(left), len(right))
    left, right = (1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right
    return result((a, b), tuple(product((n, m)) for n, m in zip(left, right)))


def _cross_kind(*, literals: Literals, a: Kind, b: Kind, **_: Any) -> Kind:
    shape = broadcast_shapes(shape_of(a), shape_of(b))
    three = isinstance(shape, tuple) and bool(shape) and shape[-1] == 3 and literals.get("axis", SOME) is None
    return result((a, b), shape) if three else Kind("unknown", complex_dtype((a, b)), None)


def _linalg_cross_kind(*, literals: Literals, a: Kind, b: Kind, **_: Any) -> Kind:
    return result((a, b), broadcast_shapes(shape_of(a), shape_of(b)))


def _vecdot_kind(*, literals: Literals, a: Kind, b: Kind, **_: Any) -> Kind:
    shape = broadcast_shapes(shape_of(a), shape_of(b))
    known = isinstance(shape, tuple) and bool(shape) and literals.get("axis", SOME) == -1
    return result((a, b), shape[:-1] if known and isinstance(shape, tuple) else None)


def _matvec_kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
    left, right = shape_of(a), shape_of(b)
    if not isinstance(left, tuple) or not isinstance(right, tuple) or len(left) < 2 or not right:
        return result((a, b), None)
    batch = broadcast_shapes(left[:-2], right[:-1])
    return result((a, b), (*batch, left[-2]) if isinstance(batch, tuple) else None)


def _vecmat_kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
    left, right = shape_of(a), shape_of(b)
    if not isinstance(left, tuple) or not isinstance(right, tuple) or len(right) < 2 or not left:
        return result((a, b), None)
    batch = broadcast_shapes(left[:-1], right[:-2])
    return result((a, b), (*batch, right[-1]) if isinstance(batch, tuple) else None)


def _last_diagonal_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    return result((a,), (*shape[:-2], SOME) if isinstance(shape, tuple) and len(shape) >= 2 else None)


def _last_trace_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    made = result((a,), shape[:-2] if isinstance(shape, tuple) and len(shape) >= 2 else None)
    return made if (made.dtype or "").startswith(("float", "complex")) else Kind(made.sort, None, made.shape)


# Products of arrays
_PRODUCT_A = [
    Case("a.rank == 2 and b.rank == 2", "g @ b.T"),
    Case("a.rank == 2 and b.rank == 1", "np.outer(g, b)"),
    Case("a.rank == 1 and b.rank == 2", "b @ g"),
    Case("a.rank == 1 and b.rank == 1", "g * b"),
]
_PRODUCT_B = [
    Case("a.rank == 2 and b.rank == 2", "a.T @ g"),
    Case("a.rank == 2 and b.rank == 1", "a.T @ g"),
    Case("a.rank == 1 and b.rank == 2", "np.outer(a, g)"),
    Case("a.rank == 1 and b.rank == 1", "g * a"),
]
_BATCHED = "a.rank is not None and b.rank is not None and a.rank >= 2 and b.rank >= 2"

#: A sparse matrix of SciPy knows its transpose and its products, and no more of what arrays know.
_SPARSE = "{0}.sort == 'object' and {0}.cls.__module__[:12] == 'scipy.sparse'"

for _name in ("numpy.matmul", "operator.matmul"):
    linear(
        _name,
        "a, b",
        kind=_matmul_kind,
        a=[
            *([Case(_SPARSE.format("b"), "g @ b.T")] if _name == "operator.matmul" else []),
            *_PRODUCT_A,
            Case("a.rank is not None and a.rank >= 3 and b.rank == 2", "g @ b.T"),
            Case("a.rank is not None and a.rank >= 3 and b.rank == 1", "g[..., None] * b"),
            Case(_BATCHED, "unbroadcast(g @ b.mT, a)"),
            Case("", "matmul_adjoint_a(g, a, b)"),
        ],
        b=[
            *([Case(_SPARSE.format("a"), "a.T @ g")] if _name == "operator.matmul" else []),
            *_PRODUCT_B,
            Case("a.rank is not None and a.rank >= 3 and b.rank == 1", "np.tensordot(g, a, g.ndim)"),
            Case("a.rank == 2 and b.rank is not None and b.rank >= 3", "a.T @ g"),
            Case(_BATCHED, "unbroadcast(a.mT @ g, b)"),
            Case("", "matmul_adjoint_b(g, a, b)"),
        ],
    )
linear(
    "numpy.dot",
    "a, b",
    kind=_dot_kind,
    a=[
        *_PRODUCT_A,
        Case("a.rank == 0 or b.rank == 0", "unbroadcast(g * b, a)"),
        Case("a.rank is not None and a.rank >= 3 and b.rank == 2", "g @ b.T"),
        Case("a.rank is not None and a.rank >= 3 and b.rank == 1", "g[..., None] * b"),
        Case("", "dot_adjoint_a(g, a, b)"),
    ],
    b=[
        *_PRODUCT_B,
        Case("a.rank == 0 or b.rank == 0", "unbroadcast(g * a, b)"),
        Case("", "dot_adjoint_b(g, a, b)"),
    ],
)
alias("numpy.ndarray.dot", "numpy.dot")
alias("numpy.linalg.matmul", "numpy.matmul")
#: Where the first factor is conjugated.
_COMPLEX = "(a.is_complex or b.is_complex)"
linear(
    "numpy.vdot",
    "a, b",
    kind=lambda *, literals, a, b: result((a, b), ()),
    a=[
        Case(f"{_COMPLEX} and a.rank == 1 and b.rank == 1", "np.conj(g * b)"),
        Case(_COMPLEX, "np.reshape(np.conj(g * np.ravel(b)), np.shape(a))"),
        Case("a.rank == 1 and b.rank == 1", "g * b"),
        Case("", "np.reshape(g * np.ravel(b), np.shape(a))"),
    ],
    b=[
        Case("a.is_complex and a.rank == 1 and b.rank == 1", "g * np.conj(a)"),
        Case("a.is_complex", "np.reshape(g * np.conj(np.ravel(a)), np.shape(b))"),
        Case("a.rank == 1 and b.rank == 1", "g * a"),
        Case("", "np.reshape(g * np.ravel(a), np.shape(b))"),
    ],
)
linear(
    "numpy.inner",
    "a, b",
    kind=_inner_kind,
    a=[
        Case("a.rank == 1 and b.rank == 1", "g * b"),
        Case("a.rank == 2 and b.rank == 2", "g @ b"),
        Case("a.rank == 2 and b.rank == 1", "np.outer(g, b)"),
        Case("a.rank == 1 and b.rank == 2", "g @ b"),
        Case("", "inner_adjoint_a(g, a, b)"),
    ],
    b=[
        Case("a.rank == 1 and b.rank == 1", "g * a"),
        Case("a.rank == 2 and b.rank == 2", "g.T @ a"),
        Case("a.rank == 2 and b.rank == 1", "g @ a"),
        Case("a.rank == 1 and b.rank == 2", "np.outer(g, a)"),
        Case("", "inner_adjoint_b(g, a, b)"),
    ],
)
linear(
    "numpy.outer",
    "a, b",
    kind=_outer_kind,
    a=[
        Case("a.rank == 1 and b.rank == 1", "g @ b"),
        Case("", "np.reshape(g @ np.ravel(b), np.shape(a))"),
    ],
    b=[
        Case("a.rank == 1 and b.rank == 1", "a @ g"),
        Case("", "np.reshape(np.ravel(a) @ g, np.shape(b))"),
    ],
)
linear(
    "numpy.tensordot",
    "a, b, axes=2",
    kind=_tensordot_kind,
    a=[
        Case("axes == 1 and a.rank == 2 and b.rank == 2", "g @ b.T"),
        Case("axes == 2 and a.rank == 2 and b.rank == 2", "g * b"),
        Case("", "tensordot_adjoint_a(g, a, b, axes)"),
    ],
    b=[
        Case("axes == 1 and a.rank == 2 and b.rank == 2", "a.T @ g"),
        Case("axes == 2 and a.rank == 2 and b.rank == 2", "g * a"),
        Case("", "tensordot_adjoint_b(g, a, b, axes)"),
    ],
)
linear("numpy.kron", "a, b", kind=_kron_kind, a="kron_adjoint_a(g, a, b)", b="kron_adjoint_b(g, a, b)")

_ALONG = "axisa == -1 and axisb == -1 and axisc == -1"
_VECTORS = f"{_ALONG} and axis is None"
linear(
    "numpy.cross",
    "a, b, axisa=-1, axisb=-1, axisc=-1, axis=None",
    kind=_cross_kind,
    doc="Vectors of three components.",
    a=[
        Case(f"{_VECTORS} and a.rank == 1 and b.rank == 1", "np.cross(b, g)"),
        Case(_VECTORS, "cross_adjoint_a(g, a, b)"),
        Case(_ALONG, "cross_adjoint_a(g, a, b, axis)"),
    ],
    b=[
        Case(f"{_VECTORS} and a.rank == 1 and b.rank == 1", "np.cross(g, a)"),
        Case(_VECTORS, "cross_adjoint_b(g, a, b)"),
        Case(_ALONG, "cross_adjoint_b(g, a, b, axis)"),
    ],
)


# Other names, with other defaults; matrices are the last two axes
linear(
    "numpy.linalg.cross",
    "a, b, *, axis=-1",
    kind=_linalg_cross_kind,
    a=[
        Case("axis == -1 and a.rank == 1 and b.rank == 1", "np.cross(b, g)"),
        Case("", "cross_adjoint_a(g, a, b, axis)"),
    ],
    b=[
        Case("axis == -1 and a.rank == 1 and b.rank == 1", "np.cross(g, a)"),
        Case("", "cross_adjoint_b(g, a, b, axis)"),
    ],
)
alias("numpy.linalg.outer", "numpy.outer")
alias("numpy.linalg.tensordot", "numpy.tensordot")
alias("numpy.linalg.matrix_transpose", "numpy.matrix_transpose")
linear("numpy.linalg.diagonal", "a, *, offset=0", kind=_last_diagonal_kind, views=("a",), cheap=True, a=[
    Case("a.rank == 2 and offset == 0", "diagonal_adjoint(g, a)"),
    Case("", "diagonal_adjoint(g, a, offset, -2, -1)"),
])  # fmt: skip
linear("numpy.linalg.trace", "a, *, offset=0", kind=_last_trace_kind, a=[
    Case("a.rank == 2 and offset == 0 and a.dtype == 'float64'", "g * np.eye(a.shape[0], a.shape[1])"),
    Case("", "trace_adjoint(g, a, offset, -2, -1)"),
])  # fmt: skip
for _name in ("numpy.vecdot", "numpy.linalg.vecdot"):
    linear(
        _name,
        "a, b, *, axis=-1",
        kind=_vecdot_kind,
        a=[
            Case(_COMPLEX, "unbroadcast(np.conj(np.expand_dims(g, axis) * b), a)"),
            Case("a.rank == 1 and b.rank == 1", "g * b"),
            Case("axis == -1", "unbroadcast(g[..., None] * b, a)"),
            Case("", "unbroadcast(np.expand_dims(g, axis) * b, a)"),
        ],
        b=[
            Case("a.is_complex", "unbroadcast(np.expand_dims(g, axis) * np.conj(a), b)"),
            Case("a.rank == 1 and b.rank == 1", "g * a"),
            Case("axis == -1", "unbroadcast(g[..., None] * a, b)"),
            Case("", "unbroadcast(np.expand_dims(g, axis) * a, b)"),
        ],
    )
linear(
    "numpy.matvec",
    "a, b",
    kind=_matvec_kind,
    a=[
        Case("a.rank == 2 and b.rank == 1", "np.outer(g, b)"),
        Case("", "unbroadcast(g[..., None] * b[..., None, :], a)"),
    ],
    b=[Case("a.rank == 2 and b.rank == 1", "a.T @ g"), Case("", "unbroadcast(np.vecmat(g, a), b)")],
)
linear(
    "numpy.vecmat",
    "a, b",
    kind=_vecmat_kind,
    a=[Case("a.rank == 1 and b.rank == 2", "b @ g"), Case("", "unbroadcast(np.matvec(b, g), a)")],
    b=[
        Case("a.rank == 1 and b.rank == 2", "np.outer(a, g)"),
        Case("", "unbroadcast(a[..., None] * g[..., None, :], b)"),
    ],
)


# Einstein sums
def _terms(subscripts: Any, count: int) -> tuple[list[str], str] | None:
    """The letters of each operand and of the result; None where they are unknown or there is an ellipsis."""
    if not isinstance(subscripts, str) or "." in subscripts:
        return None
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != count:
        return None
    if not arrow:
        output = "".join(sorted(c for c in set(inputs) - {","} if inputs.count(c) == 1))
    return terms, output


def _einsum_kind(*, literals: Literals, subscripts: Kind, operands: tuple[Kind, ...], **_: Any) -> Kind:
    said = _terms(literals.get("subscripts"), len(operands))
    if said is None:
        return Kind("unknown", complex_dtype(operands))
    terms, output = said
    dims: dict[str, Dim] = {}
    for term, kind in zip(terms, operands):
        shape = shape_of(kind)
        known = shape if isinstance(shape, tuple) and len(shape) == len(term) else (SOME,) * len(term)
        for letter, dim in zip(term, known):
            both = broadcast_shapes((dims[letter],), (dim,)) if letter in dims else (dim,)
            dims[letter] = both[0] if isinstance(both, tuple) else SOME
    # To einsum a Python number is an array of its own dtype.
    dtype = promote([dtype_of(kind) for kind in operands])
    return result(operands, tuple(dims[letter] for letter in output), dtype)


def _einsum_adjoint(values: Values) -> str | None:
    """The adjoint of operand k as an Einstein sum: g takes its place; letters that only it has are spread."""
    k, count, kinds = values.get("k"), values.get("count"), values.get("operands")
    if not isinstance(k, int) or not isinstance(count, int) or not isinstance(kinds, tuple):
        return None
    said = _terms(values.get("subscripts_value"), count)
    if said is None or len(set(said[0][k])) < len(said[0][k]):
        return None
    terms, output = said
    own, others = terms[k], [j for j in range(count) if j != k]
    kept = "".join(letter for letter in own if letter in output or any(letter in terms[j] for j in others))
    lone = [i for i, letter in enumerate(own) if letter not in kept]
    lengths = [_length(letter, k, terms, output, kinds) for letter in kept]
    stretched = "stretched" in lengths
    if "unknown" in lengths or (stretched and lone):
        return None
    if not others and output == kept:
        text = "g"
    elif output == "" and len(others) == 1 and terms[others[0]] == kept:
        text = f"g * operands[{others[0]}]"
    else:
        wanted = ",".join([output, *(terms[j] for j in others)]) + "->" + kept
        text = f"np.einsum({', '.join([repr(wanted), 'g', *(f'operands[{j}]' for j in others)])})"
    if lone:
        axes = "" if not kept else f", {lone[0] if len(lone) == 1 else tuple(lone)}"
        return f"spread({text}, item{axes})"
    return f"unbroadcast({text}, item)" if stretched else text


def _einsum_adjoint_of_any(values: Values) -> str | None:
    """The adjoint of operand k for ellipses, repeated letters and unknown lengths; it reads its shape only."""
    k, count = values.get("k"), values.get("count")
    if not isinstance(k, int) or not isinstance(count, int):
        return None
    others = [f"operands[{j}]" for j in range(count) if j != k]
    return f"einsum_adjoint({', '.join(['g', 'np.shape(item)', str(k), 'subscripts', *others])})"


def _length(letter: str, k: int, terms: Sequence[str], output: str, kinds: Sequence[Kind]) -> str:
    """How long an axis of operand k is beside what g and the other operands have under the same letter.

    "equal"; "stretched" where it may be one and they longer; "unknown" where it may also be the longer one.
    """

    def dim(j: int) -> Dim:
        shape = kinds[j].shape
        return shape[terms[j].index(letter)] if isinstance(shape, tuple) and len(shape) == len(terms[j]) else SOME

    own, others = dim(k), [dim(j) for j in range(len(terms)) if j != k and letter in terms[j]]
    if all(same_extent(own, other) for other in others):
        return "equal"
    reached = letter in output or any(is_one(other) is False for other in others)
    if is_one(own) is False:
        return "equal" if reached else "unknown"
    return "stretched" if reached or own == 1 else "unknown"


linear(
    "numpy.einsum",
    "subscripts, *operands, optimize=False",
    kind=_einsum_kind,
    views=("operands",),
    operands=[
        Case("subscripts.sort == 'str'", _einsum_adjoint),
        Case("subscripts.sort == 'str'", _einsum_adjoint_of_any),
    ],
)


def _chain(factors: list[str]) -> str:
    return " @ ".join(factors) if len(factors) < 3 else f"np.linalg.multi_dot([{', '.join(factors)}])"


def _multi_dot_item(values: Values) -> str | None:
    """The adjoint of item k of a chain: (what is before)ᵀ g (what is after)ᵀ, a vector at an end being a matrix."""
    k, kinds = values.get("k"), item_kinds(values["arrays"])
    if not kinds or not isinstance(k, int) or any(kind.rank not in (1, 2) for kind in kinds):
        return None
    last = len(kinds) - 1
    row, column = kinds[0].rank == 1, kinds[last].rank == 1
    g = {(0, 0): "g", (1, 0): "g[None]", (0, 1): "g[:, None]", (1, 1): "np.reshape(g, (1, 1))"}[row, column]
    before = ["arrays[0][:, None]" if row and j == 0 else f"arrays[{j}].T" for j in range(k - 1, -1, -1)]
    after = [f"arrays[{last}][None]" if column and j == last else f"arrays[{j}].T" for j in range(last, k, -1)]
    text = _chain([*before, g, *after])
    cut = "[0]" if row and k == 0 else "[:, 0]" if column and k == last else ""
    return f"({text}){cut}" if cut and " @ " in text else text + cut


def _multi_dot_tangent(values: Values) -> str | None:
    k, kinds = values.get("k"), item_kinds(values["arrays"])
    if not kinds or not isinstance(k, int):
        return None
    factors = ["item_dot" if j == k else f"arrays[{j}]" for j in range(len(kinds))]
    return f"np.linalg.multi_dot([{', '.join(factors)}])"


sequence(
    "numpy.linalg.multi_dot",
    "arrays",
    over="arrays",
    item=[Case("", _multi_dot_item), Case("", "multi_dot_adjoint(g, arrays, k)")],
    tangent=_multi_dot_tangent,
    kind=lambda *, literals, arrays: _chain_kind(arrays),
)


def _chain_kind(arrays: Kind) -> Kind:
    items = item_kinds(arrays)
    if not items or any(item.rank not in (1, 2) for item in items):
        return UNKNOWN
    ends: tuple[Dim, ...] = ()
    for end, at in ((items[0], 0), (items[-1], -1)):
        shape = shape_of(end)
        if isinstance(shape, tuple) and len(shape) == 2:
            ends = (*ends, shape[at])
    return result(items, ends)


# Traces, determinants and inverses
def _trace_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    axes = places((literals.get("axis1"), literals.get("axis2")), len(shape)) if isinstance(shape, tuple) else None
    if axes is None or not isinstance(shape, tuple):
        return Kind("unknown")
    made = result((a,), tuple(dim for k, dim in enumerate(shape) if k not in axes))
    # Short integers are summed as long ones.
    return made if (made.dtype or "").startswith(("float", "complex")) else Kind(made.sort, None, made.shape)


def real_kind(kind: Kind) -> Kind:
    """The kind of the real part of what is of a kind."""
    return replace(kind, dtype=real_dtype(kind.dtype)) if kind.is_complex else kind


def _det_kind(*, literals: Literals, a: Kind) -> Kind:
    shape = shape_of(a)
    return result((a,), shape[:-2] if isinstance(shape, tuple) else None, floating(a))


def _slogdet_kind(*, literals: Literals, a: Kind) -> Kind:
    one = _det_kind(literals=literals, a=a)
    return Kind("tuple", items=(one, real_kind(one)))


def _same_shape(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    return result((a,), shape_of(a), floating(a))


def _solve_kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
    left, right = shape_of(a), shape_of(b)
    dtypes = [floating(a), floating(b)]
    if not isinstance(left, tuple) or not isinstance(right, tuple) or len(left) < 2 or not right:
        return result((a, b), None)
    if len(right) == 1:
        return result((a, b), left[:-1], promote(dtypes))
    batch = broadcast_shapes(left[:-2], right[:-2])
    return result((a, b), (*batch, *right[-2:]) if isinstance(batch, tuple) else None, promote(dtypes))


def _pinv_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    flipped = (*shape[:-2], shape[-1], shape[-2]) if isinstance(shape, tuple) and len(shape) >= 2 else None
    return result((a,), flipped, floating(a))


def _eigh_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    return Kind(
        "tuple",
        items=(
            real_kind(result((a,), shape[:-1] if isinstance(shape, tuple) else None, floating(a))),
            result((a,), shape, floating(a)),
        ),
    )


def _eigvalsh_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    return real_kind(result((a,), shape[:-1] if isinstance(shape, tuple) else None, floating(a)))


_MAIN = "offset == 0 and axis1 == 0 and axis2 == 1"

linear(
    "numpy.trace",
    "a, offset=0, axis1=0, axis2=1",
    kind=_trace_kind,
    a=[
        Case(f"{_MAIN} and a.rank == 2 and a.dtype == 'float64'", "g * np.eye(a.shape[0], a.shape[1])"),
        Case(_MAIN, "trace_adjoint(g, a)"),
        Case("", "trace_adjoint(g, a, offset, axis1, axis2)"),
    ],
)
alias("numpy.ndarray.trace", "numpy.trace")
rule(
    "numpy.linalg.det",
    "a",
    kind=_det_kind,
    a=[
        Case("a.rank == 2", "g * y * np.linalg.inv(a).T"),
        Case("", "(g * y)[..., None, None] * np.linalg.inv(a).mT"),
    ],
    tangent={
        "a": [
            Case("a.rank == 2", "y * np.trace(np.linalg.solve(a, a_dot))"),
            Case("", "y * np.trace(np.linalg.solve(a, a_dot), axis1=-2, axis2=-1)"),
        ]
    },
)
_SIGN_AND_LOG = (
    "(1j * y0 * np.trace(np.linalg.solve(a, a_dot){0}).imag, np.trace(np.linalg.solve(a, a_dot){0}).real)"
)
rule(
    "numpy.linalg.slogdet",
    "a",
    kind=_slogdet_kind,
    results=2,
    a=[
        Case("a.is_complex and a.rank == 2", "(g1 + 1j * (g0 * y0).imag) * np.linalg.inv(a).T"),
        Case("a.is_complex", "(np.asarray(g1) + 1j * (g0 * y0).imag)[..., None, None] * np.linalg.inv(a).mT"),
        Case("a.rank == 2", "g1 * np.linalg.inv(a).T"),
        Case("", "np.asarray(g1)[..., None, None] * np.linalg.inv(a).mT"),
    ],
    tangent={
        "a": [
            Case("a.is_complex and a.rank == 2", _SIGN_AND_LOG.format("")),
            Case("a.is_complex", _SIGN_AND_LOG.format(", axis1=-2, axis2=-1")),
            Case("a.rank == 2", "(0.0, np.trace(np.linalg.solve(a, a_dot)))"),
            Case("", "(np.zeros_like(y0), np.trace(np.linalg.solve(a, a_dot), axis1=-2, axis2=-1))"),
        ]
    },
)
rule(
    "numpy.linalg.inv",
    "a",
    kind=_same_shape,
    tangent={"a": "-y @ a_dot @ y"},
    a=[
        Case("a.rank == 2", "-y.T @ g @ y.T"),
        Case("", "-y.mT @ g @ y.mT"),
    ],
)
rule(
    "numpy.linalg.pinv",
    "a, rcond=None, hermitian=False, *, rtol=None",
    kind=_pinv_kind,
    doc="Where the rank does not change.",
    a=[Case("hermitian == False", "pinv_adjoint(g, a, y)")],
    tangent={"a": [Case("hermitian == False", "pinv_adjoint(a_dot, a.mT, y.mT)")]},
)
rule(
    "numpy.linalg.solve",
    "a, b",
    kind=_solve_kind,
    a=[
        Case("a.rank == 2 and b.rank == 1", "-np.outer(np.linalg.solve(a.T, g), y)"),
        Case("a.rank == 2 and b.rank == 2", "-np.linalg.solve(a.T, g) @ y.T"),
        Case("", "solve_adjoint_a(g, a, b, y)"),
    ],
    b=[
        Case("a.rank == 2 and b.rank in (1, 2)", "np.linalg.solve(a.T, g)"),
        Case("", "solve_adjoint_b(g, a, b)"),
    ],
    tangent={
        "a": [
            Case("a.rank == 2 and b.rank in (1, 2)", "-np.linalg.solve(a, a_dot @ y)"),
            Case("", "solve_tangent_a(a_dot, a, b, y)"),
        ],
        "b": "np.linalg.solve(a, b_dot)",
    },
    doc="b is a vector where it has one axis, as in NumPy 2.",
)
rule(
    "numpy.linalg.matrix_power",
    "a, n",
    kind=_same_shape,
    views=("a",),
    a=[
        Case("n_value == 2 and a.rank == 2", "g @ a.T + a.T @ g"),
        Case("", "matrix_power_adjoint(g, a, n)"),
    ],
    tangent={"a": [Case("n_value == 2", "a_dot @ a + a @ a_dot"), Case("", "matrix_power_tangent(a_dot, a, n)")]},
)


# Decompositions
_TRIANGLE = "With respect to the triangle that numpy reads."

rule(
    "numpy.linalg.cholesky",
    "a, *, upper=False",
    kind=_same_shape,
    doc=_TRIANGLE,
    a=[
        Case("upper == False", "cholesky_adjoint(g, y)"),
        Case("", "cholesky_adjoint(g, y, upper)"),
    ],
    tangent={
        "a": [
            Case("upper == False", "cholesky_tangent(a_dot, y)"),
            Case("", "cholesky_tangent(a_dot, y, upper)"),
        ]
    },
)
rule(
    "numpy.linalg.eigh",
    "a, UPLO='L'",
    kind=_eigh_kind,
    results=2,
    a="eigh_adjoint(g0, g1, y0, y1, UPLO)",
    tangent={"a": "eigh_tangent(a_dot, y0, y1, UPLO)"},
    doc=f"{_TRIANGLE} Eigenvectors of equal eigenvalues have none: NaN.",
)
rule(
    "numpy.linalg.eigvalsh",
    "a, UPLO='L'",
    kind=_eigvalsh_kind,
    a="eigvalsh_adjoint(g, a, UPLO)",
    tangent={"a": "eigvalsh_tangent(a_dot, a, UPLO)"},
    doc=_TRIANGLE,
)
nondifferentiable("s2sad.runtime.linalg.require_no_phases", signature="m", pure=False)
nondifferentiable("numpy.linalg.matrix_rank", signature="A, tol=None, hermitian=False, *, rtol=None")


# Norms
def _norm_kind(*, literals: Literals, x: Kind, axis: Kind, **_: Any) -> Kind:
    shape = reduced_shape(x, literals.get("axis", ...), axis, literals.get("keepdims", ...))
    sort = "unknown" if shape is None or not x.is_array else "array" if shape else "scalar"
    return real_kind(Kind(sort, floating(x), shape))


def _matrix_norm_kind(*, literals: Literals, x: Kind, **bound: Any) -> Kind:
    return _norm_kind(literals={**literals, "axis": (-2, -1)}, x=x, axis=UNKNOWN, **bound)


_ANY_RANK = "ord is None"
_VECTOR = "ord == 2 and (x.rank == 1 or isinstance(axis, int))"
_MATRIX = "ord == 'fro' and (x.rank == 2 or isinstance(axis, tuple))"
_LENGTH = f"({_ANY_RANK} or ({_VECTOR}) or ({_MATRIX}))"
_ONE_AXIS = "isinstance(axis, int) or (axis is None and x.rank == 1)"
_ALONG_AXES = "isinstance(axis, (int, tuple))"

rule(
    "numpy.linalg.norm",
    "x, ord=None, axis=None, keepdims=False",
    kind=_norm_kind,
    x=[
        Case(f"x.is_complex and {_LENGTH} and axis is None", "g / (y if y else 1.0) * np.conj(x)"),
        Case(f"x.is_complex and {_LENGTH} and {_ALONG_AXES}",
             "spread(g / np.where(y, y, 1), x, axis, keepdims) * np.conj(x)"),
        Case(f"{_LENGTH} and axis is None", "g / (y if y else 1.0) * x"),
        Case(f"{_LENGTH} and {_ALONG_AXES}", "spread(g / np.where(y, y, 1), x, axis, keepdims) * x"),
        Case(f"not x.is_complex and ({_ONE_AXIS})", "vector_norm_adjoint(g, x, ord, axis, keepdims)"),
        Case("not x.is_complex", "norm_adjoint(g, x, ord, axis, keepdims)"),
    ],
    tangent={
        "x": [
            Case(f"x.is_complex and {_LENGTH} and axis is None and keepdims == False",
                 "np.sum(np.conj(x) * x_dot).real / (y if y else 1.0)"),
            Case(f"x.is_complex and {_LENGTH}",
                 "np.sum(np.conj(x) * x_dot, axis=axis, keepdims=keepdims).real / np.where(y, y, 1)"),
            Case(f"{_LENGTH} and axis is None and keepdims == False", "np.sum(x * x_dot) / (y if y else 1.0)"),
            Case(f"{_LENGTH} and {_ALONG_AXES}", "np.sum(x * x_dot, axis=axis, keepdims=keepdims) / np.where(y, y, 1)"),
            Case(f"not x.is_complex and ({_ONE_AXIS})", "vector_norm_tangent(x_dot, x, ord, axis, keepdims)"),
            Case("not x.is_complex", "norm_tangent(x_dot, x, ord, axis, keepdims)"),
        ]
    },
    doc="Zero where the norm is zero; ties are split evenly.",
)

_KEPT = "merge_axes(x, axis).shape[:-1]"
_MERGED = "merge_axes(x, axis), ord, -1"
rule(
    "numpy.linalg.vector_norm",
    "x, *, axis=None, keepdims=False, ord=2",
    kind=_norm_kind,
    x=[
        Case("ord == 2 and axis is None", "g / (y if y else 1.0) * x"),
        Case(f"ord == 2 and {_ALONG_AXES}", "spread(g / np.where(y, y, 1), x, axis, keepdims) * x"),
        Case("isinstance(axis, int)", "vector_norm_adjoint(g, x, ord, axis, keepdims)"),
        Case("keepdims == False", f"unmerge_axes(vector_norm_adjoint(g, {_MERGED}), x, axis)"),
        Case("", f"unmerge_axes(vector_norm_adjoint(np.reshape(g, {_KEPT}), {_MERGED}), x, axis)"),
    ],
    tangent={
        "x": [
            Case("ord == 2 and axis is None and keepdims == False", "np.sum(x * x_dot) / (y if y else 1.0)"),
            Case("ord == 2", "np.sum(x * x_dot, axis=axis, keepdims=keepdims) / np.where(y, y, 1)"),
            Case("isinstance(axis, int)", "vector_norm_tangent(x_dot, x, ord, axis, keepdims)"),
            Case("", f"np.reshape(vector_norm_tangent(merge_axes(x_dot, axis), {_MERGED}), np.shape(y))"),
        ]
    },
    doc="Zero where the norm is zero; ties are split evenly.",
)
rule(
    "numpy.linalg.matrix_norm",
    "x, *, keepdims=False, ord='fro'",
    kind=_matrix_norm_kind,
    x=[
        Case("ord == 'fro' and x.rank == 2 and keepdims == False", "g / (y if y else 1.0) * x"),
        Case("ord == 'fro'", "spread(g / np.where(y, y, 1), x, (-2, -1), keepdims) * x"),
        Case("not x.is_complex", "norm_adjoint(g, x, ord, (-2, -1), keepdims)"),
    ],
    tangent={
        "x": [
            Case("ord == 'fro'", "np.sum(x * x_dot, axis=(-2, -1), keepdims=keepdims) / np.where(y, y, 1)"),
            Case("not x.is_complex", "norm_tangent(x_dot, x, ord, (-2, -1), keepdims)"),
        ]
    },
    doc="Zero where the norm is zero; ties are split evenly.",
)
