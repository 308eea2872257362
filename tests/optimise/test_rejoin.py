"""Values that only stand between two bindings of another take its name; others keep their own."""

from __future__ import annotations

from s2sad.ir.nodes import Assign, Const, For, Function, Label, Op, Param, Return, Var, walk
from s2sad.ir.walk import defs
from s2sad.optimise.rejoin import rejoin


def names_in_loop(*steps: tuple[str, str, str], after: str = "k") -> list[str]:
    """What a loop binds, in order, once rejoined: each step is (Var, operand, operand)."""
    found = {name: Var(name[0]) for name in "kxy"}
    variables = lambda name: found.setdefault(name, Var(name[0]))  # noqa: E731
    x = Param(found["x"], "x")
    body = [Assign(variables(to), Op("operator.sub", (variables(a), variables(b)))) for to, a, b in steps]
    loop = For(Var("i"), Op("builtins.range", (Const(3),)), body)
    start = [Assign(found["k"], Const(1.0)), Assign(found["y"], Const(2.0))]
    function = Function(Label("f"), [x], [*start, loop, Return((variables(after),), False)], {})
    called = {var: name for name, var in found.items()}
    (changed,) = (s for s in rejoin(function).body if isinstance(s, For))
    return [called[v] for s in walk(changed.body) for v in defs(s)]


def test_chain() -> None:
    assert names_in_loop(("k2", "k", "x"), ("k3", "k2", "x"), ("k", "k3", "x")) == ["k", "k", "k"]


def test_old_value_is_read_meanwhile() -> None:
    assert names_in_loop(("k2", "k", "x"), ("y", "k", "x"), ("k", "k2", "y")) == ["k2", "y", "k"]


def test_old_value_is_read_with_it() -> None:
    assert names_in_loop(("k2", "k", "x"), ("k", "k2", "k")) == ["k2", "k"]


def test_read_afterwards() -> None:
    assert names_in_loop(("k2", "k", "x"), ("k", "k2", "x"), ("y", "k2", "k")) == ["k2", "k", "y"]
    assert names_in_loop(("k2", "k", "x"), ("k", "k2", "x"), after="k2") == ["k2", "k"]


def test_bound_twice() -> None:
    assert names_in_loop(("k2", "k", "x"), ("k2", "k2", "x"), ("k", "k2", "x")) == ["k2", "k2", "k"]


def test_other_names_stay() -> None:
    assert names_in_loop(("y2", "k", "x"), ("k", "y2", "x")) == ["y2", "k"]
