"""Rules for complex numbers: each formula, and each through the engine at first and second order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rules.complex_harness import check, check_engine, exists, kind_holds
from rules.harness import OF_COMPLEX, Covered, Use, Wrong, broken, use

from s2sad.rules import registry

R = np.random.default_rng(11)


def z(*shape: int, scale: float = 1.0) -> Any:
    """Complex numbers away from zero and from the cuts; without a shape, a number of Python."""
    made = scale * (R.uniform(0.3, 1.2, shape) + 1j * R.uniform(0.2, 0.9, shape))
    return made if shape else complex(made)


def x(*shape: int) -> Any:
    """Real numbers between 0.3 and 0.9."""
    made = R.uniform(0.3, 0.9, shape)
    return made if shape else float(made)


N = np.complex128(0.7 - 0.4j)
UNARY = (
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp expm1 log log2 log10 log1p"
    " negative positive reciprocal square sqrt sinc absolute conjugate real imag angle"
).split()
BINARY = ("add", "subtract", "multiply", "divide", "power", "float_power")
#: Names of types that are like numpy.complex128.
TYPES = {f"numpy.{name}" for name in ("complex64", "csingle", "cdouble", "clongdouble", "complex256")}
#: What has no use of its own here: the engine's own, and what programs test, in which phases do not matter.
UNREACHED = {"operator.getitem", "builtins.list", "numpy.linalg.eigh", "numpy.linalg.svd", *TYPES}
INFIX = ("add", "sub", "mul", "truediv", "pow")


def elementwise() -> list[Use]:
    found = [use(f"numpy.{n}", v) for n in UNARY for v in (z(2, 3), z(), N)]
    found += [use(f"numpy.{n}", *v) for n in BINARY for v in (
        (z(2, 3), z(3)), (z(3), x(2, 3)), (x(3), z(2, 1)), (z(), z(3)), (x(), z(2)), (z(2), 2.5), (N, x()), (z(), z()),
    )]  # fmt: skip
    found += [use(f"operator.{n}", *v) for n in INFIX for v in (
        (z(), z()), (x(), z()), (z(), x()), (z(2, 3), z(3)), (x(3), z(2, 1)), (z(2), x()), (N, z()), (2.0, z(2)),
        (z(3), 2), (1j, x(2)), (z(), 1j),
    )]  # fmt: skip
    found += [use("operator.pow", z(3), p) for p in (2, 3, -1, 0.5, 1j)] + [use("operator.pow", z(), 3)]
    found += [use("builtins.pow", z(), z()), use("builtins.pow", x(), 0.5j), use("builtins.pow", z(3), z())]
    found += [use("builtins.pow", x(3), z())]
    found += [use(f"operator.{n}", v) for n in ("neg", "pos", "abs") for v in (z(), z(3), N)]
    found += [use("builtins.abs", z()), use("builtins.abs", z(2, 2)), use("builtins.sum", [z(), x(), z()])]
    found += [use("numpy.angle", z(3), deg=True), use("numpy.angle", z(), False)]
    found += [use(f"numpy.ndarray.{n}", v) for n in ("real", "imag", "conjugate") for v in (z(2, 3), z(), N)]
    found += [use("numpy.where", np.array([True, False, True]), a, b) for a, b in (
        (z(3), z(2, 3)), (x(3), z(3)), (z(3), 0.4), (z(), x(3)),
    )]  # fmt: skip
    found += [use("builtins.complex", x(), x()), use("builtins.complex", x()), use("builtins.complex", z(), z())]
    found += [use("numpy.complex128", v) for v in (x(), z(), x(3), z(2))]
    return found


def of_cmath() -> list[Use]:
    names = "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp log log10 sqrt phase polar".split()
    found = [use(f"cmath.{n}", v) for n in names for v in (z(), 0.6)]
    return [*found, use("cmath.log", z(), z()), use("cmath.log", x(), 2j), use("cmath.rect", x(), x())]


def of_shapes() -> list[Use]:
    """Sums, products by axis, views, copies, joins and choices: linear but for products."""
    a, v = z(3, 4), z(5)
    found = [use(f"numpy.{n}", a, *more) for n in ("sum", "mean", "prod") for more in ((), (0,), ((0, 1),))]
    found += [use("numpy.sum", a, axis=1, keepdims=True), use("numpy.nansum", a, 0), use("numpy.average", a)]
    found += [use("numpy.average", a, weights=x(3, 4)), use("numpy.average", a, axis=0, weights=x(3))]
    found += [use(f"numpy.{n}", *more) for n in ("cumsum", "cumprod") for more in ((v,), (a, 0), (a,))]
    found += [
        use("numpy.take", a, [2, 0], 0), use("numpy.take", v, np.array([1, 1, 4])),
        use("numpy.take_along_axis", a, np.array([[1], [0], [0]]), 1), use("numpy.compress", [True, False, True], a, 0),
        use("numpy.extract", np.array([True, False, True, True, False]), v), use("numpy.delete", v, 2),
        use("numpy.concatenate", [z(2), x(3)]), use("numpy.stack", [z(2), z(2)], 1), use("numpy.hstack", [v, z(1)]),
        use("numpy.vstack", [v, x(5)]), use("numpy.dstack", [v, v]), use("numpy.column_stack", [v, a[0, 0] * x(5)]),
        use("numpy.append", v, x(2)), use("numpy.pad", v, 2), use("numpy.copy", a), use("numpy.ndarray.copy", a),
        use("numpy.asarray", [z(), x()]), use("numpy.array", [z(), 1.0, x()]), use("numpy.array", [x(2), z(2)]),
        use("numpy.array", x(2), dtype="complex128"), use("numpy.array", [x(), x()], dtype="complex128"),
        use("numpy.asarray", x(3), dtype="complex128"), use("numpy.asarray", z(3), dtype="complex128"),
        *([use("numpy.astype", x(3), "complex128")] if hasattr(np, "astype") else []),
        use("numpy.ndarray.astype", x(3), "complex128"), use("numpy.ndarray.astype", z(3), "complex128"),
        use("numpy.full", 3, z()), use("numpy.full", 2, x(), dtype="complex128"), use("numpy.full_like", z(2), x()),
        use("numpy.linspace", z(), x(), 4), use("numpy.reshape", a, (2, 6)), use("numpy.ravel", a),
        use("numpy.transpose", a), use("numpy.swapaxes", a, 0, 1), use("numpy.moveaxis", a, 0, 1),
        use("numpy.expand_dims", a, 1), use("numpy.squeeze", z(3, 1)), use("numpy.atleast_2d", v),
        use("numpy.broadcast_to", v, (2, 5)), use("numpy.tile", v, 2), use("numpy.repeat", v, 2),
        use("numpy.roll", v, 2),
        use("numpy.flip", a, 0), use("numpy.fliplr", a), use("numpy.flipud", a), use("numpy.rot90", a),
        use("numpy.diag", v), use("numpy.diag", a), use("numpy.diagonal", a), use("numpy.tril", a),
        use("numpy.triu", a, 1), use("numpy.trace", a), use("numpy.sort", v), use("numpy.ndarray.item", v, 2),
        use("numpy.ndarray.T", a), use("numpy.ndarray.flatten", a), use("numpy.ndarray.reshape", a, 4, 3),
        use("numpy.ndarray.transpose", a), use("numpy.ndarray.mT", a), use("numpy.ndarray.compress", v, [True, False]),
        use("numpy.diff", a, 2, 0), use("numpy.polyval", x(3), z(2)), use("numpy.choose", [0, 1, 0], [z(3), x(3)]),
        use("numpy.matrix_transpose", a), use("numpy.atleast_1d", z()), use("numpy.atleast_3d", a),
        use("numpy.ascontiguousarray", a), use("numpy.asfortranarray", x(2)), use("numpy.linalg.trace", a),
        use("numpy.linalg.diagonal", a), use("numpy.linalg.cross", z(3), x(3)), use("numpy.linalg.vecdot", z(3), z(3)),
    ]  # fmt: skip
    mask = [np.array([True, False, True, False, True])]
    found += [
        use("numpy.insert", v, 1, x()), use("numpy.insert", v, [0, 2], z(2)), use("numpy.resize", v, (2, 4)),
        use("numpy.choose", np.array([0, 1, 0]), [z(3), x(3)]), use("numpy.select", mask, [v], 0),
        use("numpy.diagflat", v), use("numpy.rollaxis", a, 1), use("numpy.diff", a, axis=0), use("numpy.ediff1d", v),
        use("numpy.gradient", v, 0.5), use("numpy.trapezoid", v), use("numpy.trapezoid", v, x(5)),
        use("numpy.fft.fftshift", v), use("numpy.fft.ifftshift", v), use("numpy.polyadd", v, z(2)),
        use("numpy.polysub", z(2), v), use("numpy.polyval", z(3), z(2)), use("numpy.vander", v, 3),
        use("numpy.add.reduce", a), use("numpy.multiply.reduce", a), use("numpy.add.accumulate", a),
        use("numpy.multiply.accumulate", v), use("numpy.add.outer", v, z(2)), use("numpy.subtract.outer", x(2), v),
        use("numpy.multiply.outer", v, x(2)), use("numpy.divide.outer", v, z(2)), use("numpy.add.reduceat", v, [0, 2]),
    ]  # fmt: skip
    if hasattr(np, "cumulative_sum"):
        found += [use("numpy.cumulative_sum", v), use("numpy.cumulative_prod", v)]
    return found


def of_products() -> list[Use]:
    found = []
    pairs = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3, 2)),
             ((2, 2, 3), (2, 3, 2)), ((2, 2, 3), (3,))]  # fmt: skip
    for name in ("numpy.matmul", "operator.matmul", "numpy.dot"):
        for left, right in pairs:
            found += [use(name, z(*left), z(*right))]
            found += [use(name, x(*left), z(*right)), use(name, z(*left), x(*right))] if len(left) < 3 else []
    for name in ("numpy.vdot", "numpy.inner", "numpy.outer", "numpy.kron"):
        found += [use(name, z(3), z(3)), use(name, x(3), z(3)), use(name, z(3), x(3))]
    found += [use("numpy.vdot", z(2, 3), z(2, 3)), use("numpy.inner", z(2, 3), z(4, 3))]
    found += [use("numpy.vecdot", z(2, 3), z(3)), use("numpy.vecdot", x(3), z(3))] if hasattr(np, "vecdot") else []
    found += [use("numpy.tensordot", z(2, 3), z(2, 3)), use("numpy.tensordot", z(2, 3), x(3, 2), 1)]
    found += [use("numpy.cross", z(3), z(3)), use("numpy.cross", z(2, 3), x(3))]
    found += [
        use("numpy.einsum", "ij,jk->ik", z(2, 3), z(3, 2)), use("numpy.einsum", "i,i", z(3), x(3)),
        use("numpy.einsum", "ij,jk,k->i", z(2, 3), x(3, 4), z(4)), use("numpy.einsum", "ii->i", z(3, 3)),
        use("numpy.einsum", "...i,i", z(2, 3), z(3)), use("numpy.einsum", "ij->", z(2, 3)),
    ]  # fmt: skip
    return found


EYE = 3 * np.eye(3)
GENERAL = np.array([[1.0, 2.0, 0.5], [-1.5, 0.5, 1.0], [0.3, -0.7, 2.0]])  # real, with complex eigenvalues


def of_linalg() -> list[Use]:
    a, b = z(3, 3) + EYE, z(2, 3, 3) + EYE
    h = np.array([[2, 0.3 - 0.4j, 0.1], [0.3 + 0.4j, 3.5, 0.2j], [0.1, -0.2j, 5.5]])
    found = [use(f"numpy.linalg.{n}", v) for n in ("det", "inv", "slogdet") for v in (a, b)]
    found += [use("numpy.linalg.solve", *v) for v in (
        (a, z(3)), (a, z(3, 2)), (a, x(3)), (x(3, 3) + EYE, z(3)), (b, z(2, 3, 1)),
    )]  # fmt: skip
    found += [use("numpy.linalg.matrix_power", a, n) for n in (2, 3, -2)]
    found += [use("numpy.linalg.multi_dot", [z(2, 3), z(3, 4), x(4, 2)]), use("numpy.linalg.pinv", z(3, 2))]
    found += [use("numpy.linalg.norm", v, **k) for v, k in (
        (z(3), {}), (z(2, 3), {}), (z(2, 3), {"axis": 1}), (z(3), {"ord": 2}), (z(2, 3), {"ord": "fro"}),
        (z(2, 3), {"axis": 0, "keepdims": True}), (z(2, 3), {"ord": 2, "axis": -1}),
    )]  # fmt: skip
    found += [use(f"numpy.{n}", v, **k) for n in ("var", "std") for v in (z(4), z(2, 3)) for k in (
        {}, {"axis": 0}, {"ddof": 1}, {"axis": 0, "keepdims": True},
    )]  # fmt: skip
    found += [use(f"numpy.linalg.{n}", v) for n in ("eig", "eigvals") for v in (a, GENERAL, b)]
    found += [use("numpy.linalg.svdvals", v) for v in (a, z(2, 3), b)]
    found += [use("numpy.linalg.qr", v) for v in (a, z(4, 2), z(2, 4), b)]
    found += [use("numpy.linalg.cholesky", h), use("numpy.linalg.eigvalsh", h), use("numpy.linalg.eigvalsh", h, "U")]
    return found


def of_fft() -> list[Use]:
    found = []
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
        def arg(*shape: int, name: str = name) -> Any:
            return x(*shape) if name in ("rfft", "ihfft") else z(*shape)

        found += [use(f"numpy.fft.{name}", arg(m)) for m in (4, 5)]
        found += [use(f"numpy.fft.{name}", arg(5), n) for n in (3, 4, 7, 8)]
        found += [use(f"numpy.fft.{name}", arg(3, 4), axis=0), use(f"numpy.fft.{name}", arg(3, 4), 5, 0)]
        found += [use(f"numpy.fft.{name}", arg(4), norm=norm) for norm in ("ortho", "forward", "backward")]
        found += [use(f"numpy.fft.{name}", arg(2, 4), 6, -1, "ortho")]
    found += [use(f"numpy.fft.{n}", x(4)) for n in ("fft", "ifft", "irfft", "hfft")]
    for name in ("fft", "ifft", "rfft", "irfft"):
        real = name == "rfft"
        a = x(2, 3, 4) if real else z(2, 3, 4)
        found += [use(f"numpy.fft.{name}2", a), use(f"numpy.fft.{name}2", a, axes=(0, 1))]
        found += [use(f"numpy.fft.{name}2", a, (2, 5)), use(f"numpy.fft.{name}2", a, (4, 3), (2, 0), "ortho")]
        found += [use(f"numpy.fft.{name}n", a), use(f"numpy.fft.{name}n", a, axes=(1, 2), norm="ortho")]
        found += [use(f"numpy.fft.{name}n", a, (3, 4), (0, 1)), use(f"numpy.fft.{name}n", a, (4,), (1,), "forward")]
    found += [use(f"numpy.fft.{n}", a) for n in ("fftshift", "ifftshift") for a in (z(5), z(2, 3), x(4))]
    found += [use(f"numpy.fft.{n}", z(2, 3), axes) for n in ("fftshift", "ifftshift") for axes in (0, (0, 1))]
    return found


FAMILIES = {f.__name__: [u for u in f() if exists(u)] for f in (
    elementwise, of_cmath, of_shapes, of_products, of_linalg, of_fft,
)}  # fmt: skip
USES = [u for uses in FAMILIES.values() for u in uses]
#: The names of the rules that are reached with complex numbers.
REACHED = {registry.find(u.name).name for u in USES}  # type: ignore[union-attr]


@pytest.mark.parametrize("family", FAMILIES)
def test_formulas(family: str) -> None:
    assert all(check(u) for u in FAMILIES[family])


def test_every_case_of_complex_numbers_is_checked() -> None:
    covered: Covered = set()
    for u in USES:
        check(u, covered=covered)
    missed = [
        (name, parameter, mode, case.when)
        for name in registry._for_complex
        if (entry := registry.find(name)) is not None and entry.name == name and name not in UNREACHED
        for mode, table in (("adjoint", entry.adjoint), ("tangent", entry.tangent))
        for parameter, cases in table.items()
        for position, case in enumerate(cases)
        if OF_COMPLEX.search(case.when) and "not " not in case.when[:4]
        if (name, parameter, mode, position) not in covered
    ]
    assert not missed


@pytest.mark.parametrize("family", FAMILIES)
def test_kinds(family: str) -> None:
    for u in FAMILIES[family]:
        kind_holds(u)


@pytest.mark.parametrize("name", sorted({u.name for u in USES}))
def test_engine(name: str) -> None:
    uses = [u for u in USES if u.name == name]
    for position, u in enumerate(uses):
        check_engine(u, second=position % (len(uses) // 4 + 1) == 0)


@pytest.mark.parametrize("name", sorted(REACHED))
def test_a_wrong_rule_is_caught(name: str) -> None:
    entry = registry.find(name)
    assert entry is not None
    for u in USES:
        if registry.find(u.name) is entry:
            try:
                check(replace(u, tolerance=1e-7), broken(entry))
            except Wrong:
                return
    raise AssertionError(f"a rule of {name} that is 0.1 % off is not caught")


def test_every_rule_that_holds_for_complex_numbers_is_reached() -> None:
    own = {n for n in registry._for_complex if not n.startswith(("s2sad.", "scipy.")) and registry.find(n) is not None}
    assert {n for n in own - REACHED if registry.find(n).name == n} == UNREACHED  # type: ignore[union-attr]

