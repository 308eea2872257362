"""Every rule that puts arrays together, in every case, against differences."""

import numpy as np
import pytest
from rules.harness import (
    Wrong,
    broken,
    check,
    check_dtype,
    chosen,
    function_of,
    kind_of,
    missed,
    rules_of,
    unknown_names,
    use,
)

from s2sad.ir.kinds import SOME, array
from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.joining")

_random = np.random.default_rng(8)
V, W, M, N, T = (_random.normal(size=s) for s in ((3,), (3,), (2, 3), (3, 2), (2, 3, 4)))
ROW, COLUMN, ONE, NONE = (_random.normal(size=s) for s in ((1, 3), (2, 1), (1,), (0,)))
ZERO_D, SCALAR = np.array(1.5), np.float64(0.7)

USES = [
    *(
        use("numpy.concatenate", items)
        for items in ([V, W], (V, W, ONE), [M, ROW], [V, W, V, ONE], [V, NONE], [V], [NONE, NONE])
    ),
    *(use("numpy.concatenate", [M, COLUMN], axis) for axis in (1, -1)),
    use("numpy.concatenate", [M, M, M], -1),
    use("numpy.concatenate", [M, V], axis=None),
    use("numpy.concatenate", [M, ROW, M, M], axis=0),
    use("numpy.concatenate", [T, T], axis=-2),
    use("numpy.concatenate", [T, T, T], 1),
    use("numpy.concat", [V, W]),
    *(use("numpy.stack", [V, W], axis) for axis in (0, 1, -1, -2)),
    use("numpy.stack", [M, M], axis=2),
    use("numpy.stack", [1.5, 2.5]),
    use("numpy.stack", (ZERO_D, SCALAR)),
    use("numpy.stack", [M, M, M], axis=-2),
    *(
        use("numpy.hstack", items)
        for items in ([V, W], [1.5, 2.5, SCALAR], [M, COLUMN], [1.5, V], [V, W, V, ONE], [T, T], (M, M, M), [ZERO_D, V])
    ),
    *(use("numpy.vstack", items) for items in ([V, W], [M, ROW], [M, V], [1.5, 2.5], [T, T], [V, W, V, V], [M] * 4)),
    *(use("numpy.dstack", items) for items in ([V, W], [M, M], [T, T], [T, M], [T, T, T], [1.5, 2.5])),
    *(use("numpy.column_stack", items) for items in ([V, W], [N, V], [M, M], [1.5, 2.5], [V, N, V, V])),
    use("numpy.append", V, 2.5),
    use("numpy.append", V, W),
    use("numpy.append", M, ROW, axis=0),
    use("numpy.append", M, M, 1),
    use("numpy.append", M, V),
    use("numpy.append", 1.5, 2.5),
    use("numpy.append", V, SCALAR),
    use("numpy.append", NONE, 2.5),
    *(use("numpy.pad", V, width) for width in (1, (1, 2), 0, np.array([1, 2]), [(2, 0)])),
    use("numpy.pad", T, 1),
    *(use("numpy.pad", M, width) for width in (1, ((1, 0), (0, 2)), (0, 1))),
    use("numpy.pad", V, (1, 2), "constant"),
    use("numpy.pad", V, 1, constant_values=3.0),
    use("numpy.pad", M, {0: 1, -1: (2, 1)}),
]


@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    assert check(u)
    check_dtype(u)


def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(u, covered)
    assert not missed(NAMES, covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))


@pytest.mark.parametrize(
    "u", [use("numpy.concatenate", [V, W]), use("numpy.stack", [V, W]), use("numpy.pad", V, 1)], ids=repr
)
def test_check_notices_a_rule_that_is_off(u):
    with pytest.raises(Wrong):
        check(u, entry=broken(registry.find(u.name)))


def texts(name, items, **literals):
    entry = registry.find(name)
    values = {p.name: p.default for p in entry.parameters if p.default is not registry.REQUIRED}
    values.update({entry.sequence: kind_of(items, "x"), **literals, "count": len(items)})
    return [
        chosen(entry.adjoint[entry.sequence], {**values, "k": k, "item": kind_of(v)})[1] for k, v in enumerate(items)
    ]


def test_texts_are_short():
    assert texts("numpy.concatenate", [V, W]) == ["g[:len(item)]", "g[len(arrays[0]):]"]
    assert texts("numpy.concatenate", [M, COLUMN], axis=1) == ["g[:, :item.shape[1]]", "g[:, arrays[0].shape[1]:]"]
    assert texts("numpy.stack", [V, W], axis=-1) == ["g[..., 0]", "g[..., 1]"]
    assert texts("numpy.hstack", [1.5, 2.5]) == ["g[0]", "g[1]"]
    assert texts("numpy.vstack", [V, W]) == ["g[0]", "g[1]"]
    assert texts("numpy.column_stack", [V, W]) == ["g[:, 0]", "g[:, 1]"]


def test_other_modes_of_padding_are_refused():
    entry = registry.find("numpy.pad")
    assert chosen(entry.adjoint["array"], {"array": kind_of(V), "pad_width_value": 1, "mode": "edge"}) is None


def test_lengths_that_may_be_cut_off_at_zero_are_not_added_to():
    joined = registry.find("numpy.concatenate")
    short = registry.kind_of_result(
        registry.find("operator.getitem"), {"a": array("float64", 1, "x"), "index": kind_of(None)}, {"index": None}
    )
    assert short.shape[0] == 1
    pad = registry.kind_of_result(registry.find("numpy.pad"), {"array": array("float64", 1, "x")}, {"pad_width": 1})
    assert pad.shape[0].offset == 2
    from s2sad.ir.kinds import Extent, Kind

    inner = Kind("array", "float64", (Extent("x.0", -1),))
    whole = Kind("list", items=(Kind("array", "float64", (1,)), inner))
    assert registry.kind_of_result(joined, {"arrays": whole}, {}).shape == (SOME,)
