"""The intermediate representation: a tree of regions, between gast and gast.

    Program  = functions by label, entry
    Function = label, params, body, free variables, origin
    Expr = Var | Const | Op(name, operands, keywords) | Raw(gast expression, reads)
    Stmt = Assign | Store | Call | Do | RawStmt | If | For | While | Try | Break | Enter | Leave
         | Save | Restore | Return

Between lowering and raising the operands of an `Op` are *atoms*: a `Var`, a `Const`, or a *display* (an `Op` of
`DISPLAYS`: tuple, list, dict, slice) of atoms. A `Var` is a name hint and an identity; two Vars are never equal, and
printed names are chosen last. Expressions are immutable and shared freely; statements have identity, and a pass that
copies makes new ones. A block is a plain list of statements.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from s2sad.errors import Place
from s2sad.ir.kinds import UNKNOWN, Kind


class Var:
    """One live-range web of a name: a hint for the printer and an identity.

    >>> Var("x") == Var("x")
    False
    """

    __slots__ = ("hint", "temporary")

    def __init__(self, hint: str, temporary: bool = False) -> None:
        self.hint = hint
        self.temporary = temporary

    def __repr__(self) -> str:
        return self.hint


@dataclass(frozen=True, eq=False, slots=True)
class Const:
    """A literal: None, bool, number, string, bytes, Ellipsis. Equality tells 1, 1.0 and True apart."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Const) and type(self.value) is type(other.value) and repr(self.value) == repr(other.value)
        )

    def __hash__(self) -> int:
        return hash((type(self.value), repr(self.value)))

    def __repr__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Op:
    """An application of the operation `name` (a qualified name of the rule table, or a display).

    `spelled` is how the user wrote the callee (`np.sin`, `sin`), where they did; it takes no part in equality.
    """

    name: str
    operands: tuple[Expr, ...] = ()
    keywords: tuple[tuple[str, Expr], ...] = ()
    spelled: str | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        inside = [repr(o) for o in self.operands] + [f"{k}={v!r}" for k, v in self.keywords]
        return f"{self.name}({', '.join(inside)})"


@dataclass(frozen=True, eq=False, slots=True)
class Raw:
    """User syntax passed through verbatim. Its result carries no derivative.

    `tree` is a gast expression whose names in `reads` stand for Vars; `pure` says that it may be dropped or repeated.
    """

    tree: Any
    reads: tuple[tuple[str, Var], ...]
    pure: bool = True
    kind: Kind = UNKNOWN

    def __repr__(self) -> str:
        return f"raw({', '.join(repr(v) for _, v in self.reads)})"


Expr = Var | Const | Op | Raw
Block = list["Stmt"]

#: The call of a function of the program as an expression: its label as a Const, then its arguments. Only after nesting.
CALL = "s2sad.call"

#: Operations that may stand as operands: they only build a structure out of atoms.
#: A dict has its keys as the keyword `keys`. `s2sad.object` makes a named tuple or dataclass, the keyword `class`. The
#: last two make a named tuple or an object of other contents like one that is there, the keyword `like`.
DISPLAYS = frozenset({"tuple", "list", "dict", "slice", "s2sad.object", "s2sad.replaced", "s2sad.mirrored"})


def dict_display(items: Mapping[Any, Expr]) -> Op:
    """The display of a dict.

    >>> dict_display({"w": Const(1)})
    dict(1, keys=('w',))
    """
    return Op("dict", tuple(items.values()), (("keys", Const(tuple(items))),))


def keys_of(op: Op) -> tuple[Any, ...]:
    """The keys of the display of a dict, the names in that of an object."""
    keys = dict(op.keywords)["keys"]
    assert isinstance(keys, Const)
    return tuple(keys.value)


class Label:
    """The identity of a function of a program, with a hint for its printed name."""

    __slots__ = ("hint",)

    def __init__(self, hint: str) -> None:
        self.hint = hint

    def __repr__(self) -> str:
        return f"@{self.hint}"


class Stack:
    """The identity of a tape shared by the sites of one differentiation: pushes and pops on it mirror each other."""

    __slots__ = ("hint",)

    def __init__(self, hint: str = "tape") -> None:
        self.hint = hint


class Site:
    """The identity of a tape site: one `Save` in the forward sweep, one `Restore` in the reverse sweep.

    Sites with the same `stack` mirror each other as a whole, so a layout may put them on one list.
    """

    __slots__ = ("hint", "stack")

    def __init__(self, hint: str, stack: Stack) -> None:
        self.hint = hint
        self.stack = stack

    def __repr__(self) -> str:
        return f"#{self.hint}"


@dataclass(eq=False, slots=True)
class Stmt:
    """Base of all statements. `origin` is the place in the user's text; `quote` the user's text of the statement.

    `group` tells which statements were made for the same primal statement's adjoint (they share one comment).
    """

    origin: Place | None = field(default=None, kw_only=True, repr=False)
    quote: str | None = field(default=None, kw_only=True, repr=False)
    group: object | None = field(default=None, kw_only=True, repr=False)


@dataclass(eq=False, slots=True)
class Assign(Stmt):
    """`var = expr`."""

    var: Var
    expr: Expr


@dataclass(eq=False, slots=True)
class Store(Stmt):
    """A write into memory: `base[index] = expr`, or with `how` an operator name, `base[index] op= expr`.

    An index of None is the whole object (`base += expr` on a buffer). `how` may also be "add.at".
    `own`: into a buffer of a derivative, which has one name unless it is a shadow.
    """

    base: Var
    index: Expr | None
    expr: Expr
    how: str | None = None
    own: bool = False


@dataclass(eq=False, slots=True)
class Call(Stmt):
    """`vars = callee(*args)`, a call of a function of the program. One argument a parameter; no keywords.

    primal: in a derivative, how many of the arguments, the first ones, are the primal's own expressions.
    """

    vars: tuple[Var, ...]
    callee: Label
    args: tuple[Expr, ...]
    primal: int = 0


@dataclass(eq=False, slots=True)
class Do(Stmt):
    """An expression evaluated for its effect. `may_write`: nothing is known of what it does to what it reads."""

    expr: Expr
    may_write: bool = False


@dataclass(eq=False, slots=True)
class RawStmt(Stmt):
    """User statement passed through verbatim: assert, raise, del, local import, pass.

    `exits`: control does not go on.
    """

    tree: Any
    reads: tuple[tuple[str, Var], ...] = ()
    exits: bool = False


@dataclass(eq=False, slots=True)
class If(Stmt):
    test: Expr
    body: Block
    orelse: Block = field(default_factory=list)


@dataclass(eq=False, slots=True)
class For(Stmt):
    """`for target in iter`. `iter` is evaluated once; `mirror` asks for it backwards."""

    target: Var
    iter: Expr
    body: Block
    mirror: bool = False


@dataclass(eq=False, slots=True)
class While(Stmt):
    """`while test`: the test is evaluated before each trip, in the state of that moment."""

    test: Expr
    body: Block


@dataclass(eq=False, slots=True)
class Try(Stmt):
    """`try: body`, and what runs where the body raises an exception of one of `types`.

    flag: bound to False where all of the body ran; else to True, or with several types to the number of the first that
    fits, from 1 on. error: bound to the exception. types: gast expressions whose names in `reads` stand for Vars, None
    for any exception.

    A body that fails leaves nothing behind that is seen later: see `ir.attempts`. So it is like an `If` of which the
    body is one branch, the handler the other, and the body's success the test. What is in the body stays in it, and
    nothing else comes into it. Neither block breaks a loop around it.
    """

    flag: Var
    body: Block
    handler: Block
    types: tuple[Any, ...]
    reads: tuple[tuple[str, Var], ...] = ()
    error: Var | None = None


#: The statements that hold blocks.
COMPOUND = (If, For, While, Try)


@dataclass(eq=False, slots=True)
class Break(Stmt):
    """The innermost loop around it is over at the end of this trip.

    What follows in the body still runs, so that a pass may add to the end of any block as if no loop ever broke. Only
    the last pass, `optimise.breaks`, makes it what Python's `break` is: the end of a block, which leaves at once.
    """


@dataclass(eq=False, slots=True)
class Enter(Stmt):
    """The head of a `with`: contexts, as gast, that change no value, such as `np.errstate(...)`.

    once: the reverse sweep does not enter them again.

    The Leave that ends it stands in the same block, so that what is between them is code like any other.
    """

    contexts: tuple[Any, ...]
    reads: tuple[tuple[str, Var], ...] = ()
    once: bool = False


@dataclass(eq=False, slots=True)
class Leave(Stmt):
    """The end of a `with`; what it leaves is what the Enter before it in the same block entered."""

    contexts: tuple[Any, ...]
    reads: tuple[tuple[str, Var], ...] = ()
    once: bool = False


@dataclass(eq=False, slots=True)
class Save(Stmt):
    """Push the values of `vars` at a tape site."""

    site: Site
    vars: tuple[Var, ...]


@dataclass(eq=False, slots=True)
class Restore(Stmt):
    """Pop the values pushed by the `Save` of the same site, in mirrored order."""

    site: Site
    vars: tuple[Var, ...]


@dataclass(eq=False, slots=True)
class Return(Stmt):
    """The one exit of a function, last in its body. `packed`: the result is a tuple of the values."""

    values: tuple[Expr, ...]
    packed: bool = False


@dataclass(frozen=True)
class DerivedResult:
    """The group of a Return of a derivative: how many of its values, the first ones, are the primal's own."""

    primal: int


@dataclass(eq=False)
class Param:
    """A parameter: its Var, its name as the caller sees it, its default and annotation as gast, and how it is passed.

    `passing` is one of "positional" (only), "either", "keyword" (only), "args" (`*args`), "kwargs" (`**kwargs`).
    `seed`: it takes the adjoint (or tangent) of a result, not a value of the primal.
    """

    var: Var
    name: str
    default: Any = None
    annotation: Any = None
    passing: str = "either"
    seed: bool = False


def in_one_piece(param: Param) -> Param:
    """A parameter that takes as one tuple or dict what `*args` or `**kwargs` collect."""
    return replace(param, passing="either", default=None) if param.passing in ("args", "kwargs") else param


@dataclass(eq=False)
class Function:
    """A function of the program.

    `free` maps the names of globals and closure variables that the body reads to their Vars; these print as they are.
    `primal` holds the user's function (a frontend handle) when the body is that function's own, unchanged.
    """

    label: Label
    params: list[Param]
    body: Block
    free: dict[str, Var] = field(default_factory=dict)
    doc: str = ""
    origin: Place | None = None
    primal: Any = None
    annotations: Any = None

    @property
    def results(self) -> Return:
        last = self.body[-1]
        assert isinstance(last, Return)
        return last


@dataclass(eq=False)
class Program:
    """Functions by label, in the order in which they were made; `entry` is the one that callers call."""

    functions: dict[Label, Function]
    entry: Label

    @property
    def main(self) -> Function:
        return self.functions[self.entry]


def blocks_of(stmt: Stmt) -> tuple[Block, ...]:
    """The blocks nested directly in a statement, in the order of the text."""
    if isinstance(stmt, If):
        return (stmt.body, stmt.orelse)
    if isinstance(stmt, Try):
        return (stmt.body, stmt.handler)
    return (stmt.body,) if isinstance(stmt, (For, While)) else ()


def walk(block: Block) -> Iterator[Stmt]:
    """Every statement of a block and of the blocks within, in the order of the text."""
    stack: list[Iterator[Stmt]] = [iter(block)]
    while stack:
        for stmt in stack[-1]:
            yield stmt
            if isinstance(stmt, COMPOUND):
                stack += [iter(inner) for inner in reversed(blocks_of(stmt))]
                break
        else:
            stack.pop()


_Node = TypeVar("_Node")


@functools.cache
def _fields(kind: type[Any]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def replace(stmt: _Node, **changes: Any) -> _Node:
    """A new statement (or function, or parameter) like `stmt` with some fields changed."""
    kind: Any = type(stmt)
    new: _Node = object.__new__(kind)
    for name in _fields(kind):
        object.__setattr__(new, name, changes[name] if name in changes else getattr(stmt, name))
    return new
