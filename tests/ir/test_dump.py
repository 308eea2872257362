"""A program as text: each statement has its line, and Vars that share a hint are told apart."""

import gast

from s2sad.ir import nodes
from s2sad.ir.dump import dump
from s2sad.ir.kinds import UNKNOWN, Extent, Kind
from s2sad.ir.nodes import (
    CALL,
    Assign,
    Break,
    Call,
    Const,
    Do,
    Enter,
    For,
    Function,
    If,
    Label,
    Leave,
    Op,
    Param,
    Program,
    Raw,
    RawStmt,
    Restore,
    Return,
    Save,
    Site,
    Stack,
    Stmt,
    Store,
    Try,
    Var,
    While,
)


def example():
    """A program that holds every statement once."""
    x, y, i, inner, free = Var("x"), Var("x"), Var("i"), Var("t"), Var("RATE")
    f, g = Label("f"), Label("f")
    stack = Stack()
    site, other = Site("x", stack), Site("x", stack)
    body = [
        Assign(y, Op("operator.add", (x, Const(1.0)))),
        Store(y, i, Const(0.0)),
        Store(y, None, x, "operator.add"),
        Store(y, Op("slice", (Const(None), i, Const(None))), x, "add.at"),
        Call((x, y), g, (x, Const("s"))),
        Call((), g, ()),
        Do(Raw(gast.parse("print(x, RATE)", mode="eval").body, (("x", y), ("RATE", free)))),
        RawStmt(gast.parse("raise ValueError").body[0], (), True),
        If(x, [Save(site, (x,))], [Save(other, (x, y))]),
        If(x, []),
        For(i, Op("builtins.range", (Const(3),), (("step", x),)), [Restore(other, (x, y))], mirror=True),
        While(x, [Assign(inner, Op(CALL, (Const(g), x))), Break()]),
        Enter((gast.parse("catch(x)", mode="eval").body,), (("x", y),)),
        Leave((), ()),
        Try(i, [Assign(x, y)], [], (gast.parse("Wrong", mode="eval").body, None), (("Wrong", y),), inner),
        Return((x, y), packed=True),
    ]
    main = Function(f, [Param(x, "x"), Param(i, "i", seed=True)], body, {"RATE": free})
    second = Function(g, [], [Return((Const(None),))])
    kinds = {x: Kind("array", "float64", (Extent("n", 0, True), 3)), y: Kind("float", shape=()), free: UNKNOWN}
    return Program({g: second, f: main}, f), kinds


EXPECTED = """\
def @f(x: array(float64)[n 3], i (seed))
    free RATE
    x.2: float = operator.add(x, 1.0)
    store x.2[i] = 0.0
    store x.2 add = x
    store x.2[slice(None, i, None)] add.at = x
    x: array(float64)[n 3], x.2: float = @f.2(x, 's')
    call @f.2()
    do raw `print(x, RATE)` with x=x.2
    raw `raise ValueError` (exits)
    if x:
        save #x (x)
    else:
        save #x.2 (x, x.2)
    if x:
        pass
    for i in mirror builtins.range(3, step=x):
        restore #x.2 (x: array(float64)[n 3], x.2: float)
    while x:
        t = @f.2(x)
        break
    enter `catch(x)` with x=x.2
    leave
    try, i:
        x: array(float64)[n 3] = x.2
    except `Wrong` with Wrong=x.2, any as t:
        pass
    return (x, x.2)

def @f.2()
    return None
"""


def test_every_statement_has_its_text():
    program, kinds = example()
    assert dump(program, kinds) == EXPECTED
    used = {type(s) for s in nodes.walk(program.main.body)}
    assert used == set(Stmt.__subclasses__()), "give the new statement a line in dump"
