"""Every rule that makes arrays, in every case, against differences."""

import numpy as np
import pytest
from rules.harness import (
    Wrong,
    broken,
    check,
    checks_of,
    chosen,
    evaluate,
    kind_of,
    rules_of,
    use,
)

from s2sad.ir.kinds import FLOAT, INT, SOME, UNKNOWN, Kind, array
from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.making")

_random = np.random.default_rng(9)
V, W, M, COLUMN, ONE = (_random.normal(size=s) for s in ((3,), (3,), (2, 3), (2, 1), (1,)))
ZERO_D, SCALAR, WHOLE = np.array(1.5), np.float64(0.7), np.arange(3)

USES = [
    # Copies and conversions
    *(use("numpy.copy", a) for a in (V, 1.5, ZERO_D, SCALAR)),
    *(use("numpy.ndarray.copy", a) for a in (V, ZERO_D, SCALAR)),
    *(use("numpy.ndarray.astype", a, "float64") for a in (V, ZERO_D, SCALAR)),
    use("numpy.astype", V, "float64"),
    *(use("numpy.array", a) for a in ([1.5, 2.5], [V, W], (1.5, SCALAR), [1.5, 1], V, 1.5, ZERO_D, (ZERO_D, 2.5))),
    use("numpy.array", [1.5, 2], dtype="float64"),
    use("numpy.array", V, dtype="float64"),
    use("numpy.array", V, ndmin=2),
    use("numpy.array", 1.5, ndmin=1),
    use("numpy.array", V, copy=True),
    use("numpy.array", 1.5, "float64"),
    *(use("numpy.asarray", a) for a in ([1.5, 2.5], V, 1.5, SCALAR)),
    use("numpy.asarray", [1.5, 2], "float64"),
    use("numpy.asarray", V, "float64"),
    *(use("numpy.asarray_chkfinite", *rest) for rest in (([1.5, 2.5],), (V,), (V, "float64"), ([1.5], "float64"))),
    *(use("numpy.asarray_chkfinite", *rest) for rest in ((1.5,), (SCALAR,), (1.5, "float64"))),
    use("numpy.asanyarray", V),
    *(use(f"numpy.as{order}array", a) for order in ("contiguous", "fortran") for a in (V, 1.5, ZERO_D, M.T)),
    *(use(f"numpy.as{order}array", V, "float64") for order in ("contiguous", "fortran")),
    # New arrays
    *(use("numpy.zeros", shape) for shape in (3, (2, 3), [2], (), np.int64(2), 0)),
    use("numpy.zeros", 3, dtype="int64"),
    use("numpy.ones", (2, 3), "float32"),
    use("numpy.empty", (2, 0)),
    *(use("numpy.zeros_like", a) for a in (V, 1.5, 3, WHOLE, [1.5, 2.5])),
    use("numpy.zeros_like", M, dtype="float32"),
    use("numpy.zeros_like", V, shape=(2,)),
    use("numpy.ones_like", V),
    use("numpy.empty_like", V, shape=4),
    *(
        use("numpy.full", shape, fill)
        for shape, fill in ((3, 1.5), ((2, 3), V), ((2, 3), SCALAR), ((2, 3), COLUMN), ((), 1.5), (2, 3))
    ),
    use("numpy.full", 2, 1.5, dtype="float64"),
    use("numpy.full", (2, 3), 1.5, dtype="int64"),
    *(use("numpy.full_like", a, fill) for a, fill in ((M, 1.5), (M, V), (3.0, 1.5), (SCALAR, 1.5), (M, COLUMN))),
    use("numpy.full_like", WHOLE, 1.5),
    use("numpy.full_like", M, 1.5, dtype="int64"),
    use("numpy.full_like", M, 1.5, "float64"),
    use("numpy.full_like", M, 1.5, shape=(2,)),
    use("numpy.full_like", WHOLE, 1.5, dtype="float64"),
    use("numpy.eye", 3),
    use("numpy.eye", 2, 3),
    use("numpy.eye", 3, k=1),
    use("numpy.eye", 3, None, dtype="int64"),
    use("numpy.identity", 3),
    use("numpy.identity", 2, "float32"),
    # Ranges of numbers
    *(
        use("numpy.arange", *ends)
        for ends in ((4,), (1, 5), (1, 9, 2), (9, 1, -3), (4.5,), (1.5, 4.2), (1.5, 6.2, 0.7), (0, 1.0, 0.3))
    ),
    use("numpy.arange", 3, dtype="float64"),
    use("numpy.arange", 1.5, 6.0, step=0.7),
    *(
        use("numpy.linspace", *rest)
        for rest in (
            (1.5, 3.0),
            (1.5, 3.0, 5),
            (1.5, 3.0, 5, False),
            (0, 1, 7),
            (SCALAR, 1.0, 4),
            (V, W, 4),
            (V, 1.5, 4),
            (1.5, 1.0, 0),
        )
    ),
    use("numpy.linspace", 1.5, 2.0, num=1),
    use("numpy.linspace", 1.5, V, 4, axis=-1),
    use("numpy.linspace", V, W, 4, True, axis=1),
    # Sizes and single elements
    *(use(f"numpy.{name}", a) for name in ("shape", "ndim", "size") for a in (V, M, 1.5)),
    use("numpy.size", M, 0),
    *(use(f"numpy.ndarray.{name}", M) for name in ("shape", "ndim", "size", "itemsize", "nbytes", "strides", "dtype")),
    use("numpy.may_share_memory", V, V),
    use("numpy.shares_memory", V, W),
    *(
        use("numpy.ndarray.item", *rest)
        for rest in ((ONE,), (V, 1), (V, -1), (M, 1, 2), (M, (1, 2)), (M, 4), (ZERO_D,), (SCALAR,))
    ),
    use("numpy.ndarray.item", WHOLE, 1),
    use("numpy.ndarray.item", V, np.int64(1)),
]


test_rule, test_every_case_is_checked, test_names_exist = checks_of(USES, NAMES)


@pytest.mark.parametrize(
    "u", [use("numpy.full", 3, 1.5), use("numpy.linspace", 1.5, 3.0), use("numpy.array", [1.5, 2.5])], ids=repr
)
def test_check_notices_a_rule_that_is_off(u):
    with pytest.raises(Wrong):
        check(u, entry=broken(registry.find(u.name)))


def test_types_as_dtypes():
    entry = registry.find("numpy.ndarray.astype")
    values = {"a": kind_of(V), "dtype": UNKNOWN, "copy": True}
    for dtype in (float, np.float32, np.dtype("float64"), "f4"):
        assert chosen(entry.adjoint["a"], {**values, "dtype_value": dtype})[1] == "g.astype(a.dtype)"
        assert (
            registry.kind_of_result(entry, {"a": kind_of(V), "dtype": UNKNOWN}, {"dtype": dtype}).dtype
            == np.dtype(dtype).name
        )
    for dtype in (int, np.int32, bool, list, registry.UNKNOWN_LITERAL):
        assert chosen(entry.adjoint["a"], {**values, "dtype_value": dtype})[1] == "cast_back(g, a, dtype)"
    assert registry.kind_of_result(entry, {"a": kind_of(V), "dtype": kind_of(3)}, {}).dtype is None


def test_a_conversion_keeps_the_type_of_the_argument():
    narrow = V.astype("float32")
    assert evaluate("g.astype(a.dtype)", {"g": V, "a": narrow}).dtype == np.float32
    assert not np.any(evaluate("cast_back(g, a, dtype)", {"g": V, "a": V, "dtype": int}))


def test_nested_lists():
    entry = registry.find("numpy.array")
    inner = [1.5, 2.5]
    values = {"object": kind_of([inner, inner]), "dtype": None, "ndmin": 0, "item": kind_of(inner), "k": 1, "count": 2}
    assert chosen(entry.adjoint["object"], values)[1] == "g[k]"
    kind = registry.kind_of_result(entry, {"object": kind_of([inner, [1, 2]])}, {})
    assert (kind.shape, kind.dtype) == ((2, 2), "float64")
    assert registry.kind_of_result(entry, {"object": kind_of([inner, [1, 2]]), "ndmin": INT}, {"ndmin": 3}).shape == (
        1,
        2,
        2,
    )


def test_kinds_of_new_arrays():
    zeros = registry.find("numpy.zeros")
    assert registry.kind_of_result(zeros, {"shape": INT}, {}) == Kind("array", "float64", (SOME,))
    assert registry.kind_of_result(zeros, {"shape": Kind("tuple", items=(INT, INT))}, {}).rank == 2
    assert registry.kind_of_result(zeros, {"shape": UNKNOWN}, {}).rank is None
    assert registry.kind_of_result(zeros, {"shape": INT, "dtype": UNKNOWN}, {"shape": 3}) == Kind("array", None, (3,))
    like = registry.kind_of_result(registry.find("numpy.zeros_like"), {"a": array("float32", 2, "a")}, {})
    assert like == array("float32", 2, "a")
    assert (
        registry.kind_of_result(registry.find("numpy.full"), {"shape": INT, "fill_value": FLOAT}, {}).dtype == "float64"
    )
