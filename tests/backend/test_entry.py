"""What text relies on, as a sentence and as a check that raises for every argument that breaks it."""

import numbers

import gast
import numpy as np
import pytest

from s2sad.backend.entry import entry_check
from s2sad.backend.printer import print_module
from s2sad.ir.kinds import Extent, Kind

NUMBER = Kind("float", shape=())


def array(*dims, dtype=None, plural=False):
    return Kind("array", dtype, tuple(d if isinstance(d, int) else Extent(d, 0, plural) for d in dims))


def checked(entry, *names):
    """The check as a function that returns None for what it lets pass."""
    body = entry.statements("f") or [gast.Pass()]
    text = print_module(body)
    scope = {"numbers": numbers}
    exec(f"def check({', '.join(names)}):\n" + "".join(f"    {line}\n" for line in text.splitlines()), scope)
    return scope["check"]


def test_nothing_relied_on():
    entry = entry_check([("x", Kind("unknown"))], [])
    assert entry.sentence == "" and entry.statements("f") == []


@pytest.mark.parametrize("bad", [np.ones(2), np.ones(()), [1.0], (1.0,), "1", None])
def test_numbers(bad):
    for names in (["x"], ["x", "y"]):
        entry = entry_check([(n, NUMBER) for n in names], ["x"])
        check = checked(entry, *names)
        for good in (1, 2.5, np.float32(1), np.int8(1), True):
            check(*[good] * len(names))
        with pytest.raises(TypeError, match="takes (a number x|numbers x and y)"):
            check(*[1.0] * (len(names) - 1), bad)


def test_complex_numbers():
    check = checked(entry_check([("z", Kind("complex", shape=()))], ["z"]), "z")
    check(1j)
    with pytest.raises(TypeError):
        checked(entry_check([("x", NUMBER)], ["x"]), "x")(1j)


def test_ranks_and_names_of_axes():
    entry = entry_check([("W", array("n", "h")), ("b", array("h")), ("k", array("n", 3))], ["W"])
    assert entry.sentence == "takes arrays W [n h], b [h], k [n 3] (floats in W)"
    check = checked(entry, "W", "b", "k")
    check(np.ones((2, 4)), np.ones(4), np.ones((2, 3), int))
    with pytest.raises(TypeError):
        check(np.ones((2, 4)), np.ones((1, 4)), np.ones((2, 3)))
    with pytest.raises(TypeError):
        check(np.ones((2, 4), int), np.ones(4), np.ones((2, 3)))
    with pytest.raises(TypeError):
        check([[1.0]], np.ones(1), np.ones((2, 3)))
    for wrong in ((np.ones((2, 4)), np.ones(1), np.ones((2, 3))), (np.ones((2, 4)), np.ones(4), np.ones((2, 1)))):
        with pytest.raises(ValueError):
            check(*wrong)
    with pytest.raises(ValueError):
        check(np.ones((2, 4)), np.ones(4), np.ones((1, 3)))


def test_axes_that_are_not_one():
    entry = entry_check([("a", array("n", plural=True)), ("b", array("m", plural=True))], ["a"])
    check = checked(entry, "a", "b")
    check(np.ones(2), np.ones(3))
    for sizes in ((1, 3), (3, 1)):
        with pytest.raises(ValueError, match="with no axis of length 1 in a and b"):
            check(*map(np.ones, sizes))


def test_offsets():
    kinds = [("a", Kind("array", None, (Extent("n", 1),))), ("b", Kind("array", None, (Extent("n"),)))]
    check = checked(entry_check(kinds, []), "a", "b")
    check(np.ones(3), np.ones(2))
    with pytest.raises(ValueError):
        check(np.ones(2), np.ones(2))


def test_dtypes():
    check = checked(entry_check([("a", array("n", dtype="float32"))], ["a"]), "a")
    check(np.ones(2, np.float32))
    with pytest.raises(TypeError):
        check(np.ones(2))


@pytest.mark.parametrize("names", [["a"], ["a", "b"]])
def test_unknown_kinds_hold_floats_where_differentiated(names):
    check = checked(entry_check([(n, Kind("unknown")) for n in names], names), *names)
    for good in (1.0, 2, np.ones(2), np.ones(3, np.float32)):
        check(*[good] * len(names))
    for bad in (np.ones(2, int), np.array(["a"]), np.array([None]), np.array([True]), [1.0, 2], (1.0,), "1", None):
        with pytest.raises(TypeError, match="floats in a"):
            check(*[1.0] * (len(names) - 1), bad)


def test_other_sorts():
    kinds = [("s", Kind("str")), ("t", Kind("tuple", items=(NUMBER, NUMBER))), ("n", Kind("none"))]
    check = checked(entry_check(kinds, []), "s", "t", "n")
    check("s", (1.0, 2.0), None)
    for bad in ((1, (1.0, 2.0), None), ("s", [1.0, 2.0], None), ("s", (1.0,), None), ("s", (1.0, 2.0), 0)):
        with pytest.raises(TypeError):
            check(*bad)


def test_tangents_have_the_shape_of_what_they_are_of():
    check = checked(entry_check([("x", Kind("unknown"))], ["x"], [("x_dot", "x")]), "x", "x_dot")
    check(np.ones(2), np.ones(2))
    check(1.0, 2.0)
    for bad in (np.ones(3), 1.0):
        with pytest.raises(ValueError, match="x_dot of the same shape"):
            check(np.ones(2), bad)
