"""Lowering of expressions: a handler for each class of gast node, operands atoms, what has no derivative verbatim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import gast

from s2sad.errors import Place, S2sadError
from s2sad.frontend.names import Names
from s2sad.frontend.resolve import (
    Derived,
    Known,
    Module,
    Primal,
    UserFunction,
    Value,
)
from s2sad.frontend.scopes import LocalFunction, bound_inside, names_within, parameters, tuple_arity
from s2sad.ir.kinds import BOOL, STR, UNKNOWN, Kind
from s2sad.ir.nodes import (
    Assign,
    Call,
    Const,
    Expr,
    If,
    Op,
    Param,
    Raw,
    RawStmt,
    Var,
)
from s2sad.rules import registry, writers
from s2sad.rules.binding import IN_PLACE

BINARY = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv", "Mod": "mod", "Pow": "pow",
    "MatMult": "matmul", "LShift": "lshift", "RShift": "rshift", "BitOr": "or_", "BitXor": "xor", "BitAnd": "and_",
}  # fmt: skip


UNARY = {"USub": "neg", "UAdd": "pos", "Not": "not_", "Invert": "invert"}


COMPARE = {
    "Eq": "eq", "NotEq": "ne", "Lt": "lt", "LtE": "le", "Gt": "gt", "GtE": "ge", "Is": "is_", "IsNot": "is_not",
    "In": "contains", "NotIn": "not_contains",
}  # fmt: skip


class Expressions(Names):
    """`expr_…` for each class of expression; `call` for the user's own functions; `raw` for syntax passed through."""

    def expression(self, node: Any) -> Expr:
        handler = getattr(self, f"expr_{type(node).__name__}", None)
        if handler is None:
            raise self.refuse("S201", f"`{type(node).__name__}` is not supported", node, "write it in another way")
        result: Expr = handler(node)
        if isinstance(result, Op) and getattr(node, "lineno", None):
            self.nodes.setdefault(id(result), (result, node))
        return result

    def atom(self, node: Any) -> Expr:
        """The value of an expression as an operand."""
        return self.as_atom(self.expression(node))

    def expr_Constant(self, node: Any) -> Expr:
        return Const(node.value)

    def expr_Name(self, node: Any) -> Expr:
        found = self.binding(node)
        if isinstance(found, Var):
            return self.temporary(found) if node.id in self.rebound else found
        if isinstance(found, Value):
            return self.global_value(node.id, found)
        if isinstance(found, Known) and found.kind != UNKNOWN:
            return Raw(node, (), True, found.kind)
        if isinstance(found, Known):
            return Raw(node, (), True, Kind("object"))
        raise self.refuse(
            "S201",
            f"{node.id!r} is a {'module' if isinstance(found, Module) else 'function'} used as a value",
            node,
            "call it here by its name",
        )

    def expr_Attribute(self, node: Any) -> Expr:
        found = self.binding(node)
        if isinstance(found, Known):
            return Raw(node, (), True, found.kind if found.kind != UNKNOWN else Kind("object"))
        if isinstance(found, Value):
            return Raw(node, (), True, found.kind)
        if found is not None:
            raise self.refuse(
                "S201", f"{self.source.segment(node)} is a function used as a value", node, "call it here by its name"
            )
        value = self.atom(node.value)
        return Op(f"attribute.{node.attr}", (value,))

    def expr_BinOp(self, node: Any) -> Expr:
        chain = []
        while isinstance(node, gast.BinOp):
            chain.append(node)
            node = node.left
        value = self.expression(node)
        for link in reversed(chain):
            left = self.as_atom(value)
            right = self.atom(link.right)
            value = Op(f"operator.{BINARY[type(link.op).__name__]}", (left, right))
        return value

    def expr_UnaryOp(self, node: Any) -> Expr:
        name = UNARY[type(node.op).__name__]
        operand = self.atom(node.operand)
        if name == "neg" and isinstance(operand, Const) and type(operand.value) in (int, float, complex):
            return Const(-operand.value)
        return Op(f"operator.{name}", (operand,))

    def expr_Compare(self, node: Any) -> Expr:
        if len(node.ops) > 1:
            return self.chain(node) if self.binds(node) else self.raw(node, kind=BOOL)
        name = COMPARE[type(node.ops[0]).__name__]
        if name in ("contains", "not_contains"):
            return self.raw(node, kind=BOOL)
        return Op(f"operator.{name}", (self.atom(node.left), self.atom(node.comparators[0])))

    def expr_BoolOp(self, node: Any) -> Expr:
        if all(self.is_truth(v) for v in node.values) and not self.binds(node):
            return self.raw(node, kind=BOOL)
        result = Var("t", temporary=True)
        self.emit(Assign(result, self.expression(node.values[0])))
        outer = self.block
        for value in node.values[1:]:
            made = If(self.temporary(result), [], [], origin=self.place(node))
            self.block.append(made)
            self.block = made.body if isinstance(node.op, gast.And) else made.orelse
            self.emit(Assign(result, self.expression(value)))
        self.block = outer
        return result

    def binds(self, node: Any) -> bool:
        """Whether an expression assigns to a name."""
        return bool(self.rebound) and any(isinstance(n, gast.NamedExpr) for n in gast.walk(node))

    def chain(self, node: Any) -> Expr:
        """`a < (b := e) < c`, link by link."""
        result = Var("t", temporary=True)
        outer, left = self.block, self.atom(node.left)
        for position, (op, comparator) in enumerate(zip(node.ops, node.comparators)):
            if position:
                made = If(self.temporary(result), [], [], origin=self.place(node))
                self.block.append(made)
                self.block = made.body
            right = self.atom(comparator)
            name = COMPARE[type(op).__name__]
            if name in ("contains", "not_contains"):
                raise self.refuse("S201", "such a chain that assigns is not supported", node, "assign before it")
            self.emit(Assign(result, Op(f"operator.{name}", (left, right))))
            left = right
        self.block = outer
        return result

    def expr_NamedExpr(self, node: Any) -> Expr:
        value = self.temporary(self.expression(node.value))
        self.emit(Assign(self.variable(node.target), value))
        return value

    def is_truth(self, node: Any) -> bool:
        """Whether an expression can only give a bool."""
        if isinstance(node, gast.Compare):
            return True
        if isinstance(node, gast.BoolOp):
            return all(self.is_truth(v) for v in node.values)
        if isinstance(node, gast.UnaryOp):
            return isinstance(node.op, gast.Not)
        if isinstance(node, gast.Constant):
            return isinstance(node.value, bool)
        if isinstance(node, gast.Call):
            found = self.callee(node.func)
            return isinstance(found, Known) and found.name in _TRUTHS
        return False

    def expr_IfExp(self, node: Any) -> Expr:
        test = self.test(node.test)
        result = Var("t", temporary=True)
        outer = self.block
        made = If(test, [], [], origin=self.place(node))
        outer.append(made)
        for block, value in ((made.body, node.body), (made.orelse, node.orelse)):
            self.block = block
            self.emit(Assign(result, self.expression(value)))
        self.block = outer
        return result

    def expr_Tuple(self, node: Any) -> Expr:
        return Op("tuple", tuple(self.atom(e) for e in node.elts))

    def expr_List(self, node: Any) -> Expr:
        return Op("list", tuple(self.atom(e) for e in node.elts))

    def expr_Slice(self, node: Any) -> Expr:
        parts = [Const(None) if p is None else self.atom(p) for p in (node.lower, node.upper, node.step)]
        return Op("slice", tuple(parts))

    def expr_Subscript(self, node: Any) -> Expr:
        return self.item(self.atom(node.value), self.atom(node.slice))

    def item(self, base: Expr, index: Expr) -> Expr:
        """`base[index]`; of a tuple or list that is written out, the item itself."""
        if is_display(base):
            if (
                isinstance(index, Const)
                and type(index.value) is int
                and -len(base.operands) <= index.value < len(base.operands)
            ):
                return base.operands[index.value]
            base = self.temporary(base)
        return Op("operator.getitem", (base, index))

    def expr_JoinedStr(self, node: Any) -> Expr:
        return self.raw(node, kind=STR)

    def expr_Lambda(self, node: Any) -> Expr:
        raise self.refuse("S201", "a lambda used as a value is not supported", node, "give it a name and call it here")

    def test(self, node: Any) -> Expr:
        """A test in a Var of its own, so that it still stands when the branches have changed what it reads."""
        value = self.expression(node)
        return value if isinstance(value, Const) else self.temporary(value)

    def refuse_writes(self, node: Any) -> None:
        """Refuse a call that writes into an array or another object of its caller."""
        help = "build a new value instead"
        for keyword in node.keywords:
            if keyword.arg == "out" and not (isinstance(keyword.value, gast.Constant) and keyword.value.value is None):
                raise self.refuse("S201", "`out=` writes into an array, which is not supported", node, "use the result")
        found = self.callee(node.func)
        if isinstance(found, Known) and (found.name in _STORING or found.name.endswith(".at")):
            what = self.source.segment(node.func)
            raise self.refuse("S201", f"`{what}` writes into an array, which is not supported", node, help)
        if found is None and isinstance(node.func, gast.Attribute) and node.func.attr in _WRITERS:
            receiver = self.binding(node.func.value)
            if receiver is None or isinstance(receiver, (Var, Value)):
                reason = f"`{node.func.attr}` writes into its object, which is not supported"
                raise self.refuse("S201", reason, node, help)

    def may_write(self, node: Any) -> bool:
        """Whether a call may write into an array that it is given, in a way that is followed."""
        found = self.callee(node.func)
        if isinstance(found, Known):
            name = found.name
        elif found is None and isinstance(node.func, gast.Attribute):
            name = f"numpy.ndarray.{node.func.attr}"
            receiver = self.binding(node.func.value)
            if receiver is not None and not isinstance(receiver, (Var, Value)):
                return False
        else:
            return False
        count = len(node.args) + (found is None)
        return name in IN_PLACE or writers.may_write(name, count, {k.arg: k for k in node.keywords})

    def expr_Call(self, node: Any) -> Expr:
        if not self.may_write(node) and not isinstance(self.callee(node.func), (UserFunction, LocalFunction)):
            self.refuse_writes(node)
        found = self.callee(node.func)
        if isinstance(found, (UserFunction, LocalFunction)):
            arity = tuple_arity(found.primal.source.node) if self.readable(found.primal) else None
            results = self.call(node, found, self.temporaries(arity or 1))
            return Op("tuple", results) if arity is not None else results[0]
        for argument in node.args:
            if isinstance(argument, gast.Starred):
                raise self.refuse("S201", "a starred argument is not supported", argument, "write the arguments out")
        if isinstance(found, Known):
            if found.name in _HIDDEN_READERS:
                raise self.refuse(
                    "S201",
                    f"`{found.name.rpartition('.')[2]}` may read any variable, which is not supported",
                    node,
                    "write out what it does",
                )
            operands = tuple(self.atom(a) for a in node.args)
            keywords = tuple((k.arg, self.atom(k.value)) for k in node.keywords)
            func = self.by_first_names(node.func)
            spelled = func.id if isinstance(func, gast.Name) else self.source.segment(func)
            return Op(found.name, operands, keywords, spelled=spelled)
        if isinstance(node.func, gast.Attribute):
            base = self.binding(node.func.value)
            if base is None or isinstance(base, (Var, Value)):
                receiver = self.atom(node.func.value)
                operands = (receiver, *(self.atom(a) for a in node.args))
                keywords = tuple((k.arg, self.atom(k.value)) for k in node.keywords)
                return Op(f"method.{node.func.attr}", operands, keywords)
        what = self.source.segment(node.func)
        if isinstance(self.binding(node.func), Derived):
            raise self.refuse(
                "S201",
                f"`{what}` is a derivative, whose calls are not differentiated",
                node,
                "use grad(grad(f)), or pass its value",
            )
        raise self.refuse(
            "S204", f"which function `{what}` is cannot be found out", node.func, "call a function by its name"
        )

    def call(self, node: Any, found: UserFunction | LocalFunction, results: list[Var]) -> tuple[Var, ...]:
        """A call of a user function, with one argument a parameter, that binds `results`."""
        label = self.lowering.label(found.primal)
        try:
            params = parameters(found.primal.source.node.args)
        except S2sadError as error:
            reason = f"`{self.source.segment(node.func)}` cannot be differentiated: {error.reason}"
            raise self.refuse(error.code, reason, node, error.help) from None
        if any(isinstance(a, gast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise self.refuse("S201", "a starred argument is not supported", node, "write the arguments out")
        positional = [self.atom(a) for a in node.args]
        named = [(k.arg, self.atom(k.value)) for k in node.keywords]
        arguments = bind_arguments(found.primal, params, positional, named, self.place(node))
        if isinstance(found, LocalFunction):
            for name in found.captured:
                arguments.append(self.atom(gast.copy_location(gast.Name(name, gast.Load(), None, None), node)))
        self.emit(Call(tuple(results), label, tuple(arguments)))
        return tuple(results)

    def raw(self, node: Any, kind: Kind = UNKNOWN, pure: bool | None = None) -> Raw:
        """Syntax whose value carries no derivative, passed through as the user wrote it."""
        node = self.by_first_names(node)
        reads: dict[str, Var] = {}
        is_pure = True
        hidden = bound_inside(node)
        if self.binds(node):
            raise self.refuse("S201", "an assignment here is not supported", node, "assign on a line of its own")
        for inner in gast.walk(node):
            if isinstance(inner, gast.Call) and not hidden & names_within(inner.func):
                self.refuse_writes(inner)
            if isinstance(inner, gast.Name) and isinstance(inner.ctx, gast.Load) and inner.id not in hidden:
                found = self.binding(inner)
                if isinstance(found, Var):
                    reads[inner.id] = found
                elif isinstance(found, Value):
                    reads[inner.id] = self.global_value(inner.id, found)
                elif isinstance(found, LocalFunction):
                    raise self.refuse(
                        "S201",
                        f"the nested function {inner.id!r} cannot be called here",
                        node,
                        "assign its result to a name first",
                    )
            elif isinstance(inner, gast.Call) and hidden & names_within(inner.func):
                is_pure = False
            elif isinstance(inner, gast.Call) and is_pure:
                callee = self.callee(inner.func)
                if isinstance(callee, Known) and callee.name in _HIDDEN_READERS:
                    raise self.refuse(
                        "S201",
                        f"`{callee.name.rpartition('.')[2]}` may read any variable, which is not supported",
                        inner,
                        "write out what it does",
                    )
                entry = registry.find(callee.name) if isinstance(callee, Known) else None
                is_method = (
                    callee is None
                    and isinstance(inner.func, gast.Attribute)
                    and registry.find(f"numpy.ndarray.{inner.func.attr}")
                )
                if not (entry is not None and entry.pure) and not is_method:
                    is_pure = False
        return Raw(node, tuple(reads.items()), is_pure if pure is None else pure, kind)

    def raw_statement(self, node: Any, exits: bool = False) -> RawStmt:
        node = self.by_first_names(node)
        reads: dict[str, Var] = {}
        for part in gast.iter_child_nodes(node):
            reads.update(self.raw(part).reads)
        return RawStmt(node, tuple(reads.items()), exits)


def bind_arguments(
    primal: Primal,
    params: list[Param],
    positional: Sequence[Expr],
    named: Sequence[tuple[str, Expr]],
    place: Place | None,
) -> list[Expr]:
    """The arguments of a call, one a parameter.

    Raises S402 where they do not fit, S201 for a default that cannot be written down.
    """
    given: dict[str, Expr] = {}
    help = f"its parameters are {', '.join(p.name for p in params) or 'none'}"
    names = [p.name for p in params if p.passing in ("positional", "either")]
    if len(positional) > len(names):
        reason = f"{primal.name} takes {len(names)} positional arguments, not {len(positional)}"
        raise S2sadError("S402", reason, place, help)
    given.update(zip(names, positional))
    for name, value in named:
        if name not in [p.name for p in params if p.passing != "positional"] or name in given:
            raise S2sadError("S402", f"{primal.name} does not take {name!r} here", place, help)
        given[name] = value
    arguments: list[Expr] = []
    for param in params:
        if param.name in given:
            arguments.append(given[param.name])
        elif param.default is None:
            raise S2sadError("S402", f"{primal.name} misses its argument {param.name!r}", place, help)
        else:
            arguments.append(_default(primal, param, place))
    return arguments


def _default(primal: Primal, param: Param, place: Place | None) -> Expr:
    """A parameter's default, which was evaluated at the definition: a number, text or None is written down."""
    held = primal.default_of(param.name)
    if type(held) in (int, float, complex, bool, str, type(None)):
        return Const(held)
    try:
        return Const(gast.literal_eval(param.default))
    except (ValueError, TypeError):
        reason = f"the default of {param.name!r} in {primal.name} is neither a number nor a literal"
        raise S2sadError("S201", reason, place, f"pass {param.name!r} explicitly") from None


def is_display(expr: Expr) -> TypeGuard[Op]:
    """Whether an operand is a tuple or list that is written out."""
    return isinstance(expr, Op) and expr.name in ("tuple", "list")


_WRITERS = frozenset([
    "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "fill", "put", "itemset", "resize",
    "partition", "update", "setdefault", "setflags", "add", "discard", "shuffle", "byteswap", "setfield",
])  # fmt: skip


#: Functions that write into an array that they are given.
_STORING = frozenset({
    "numpy.copyto", "numpy.put", "numpy.place", "numpy.putmask", "numpy.fill_diagonal", "numpy.put_along_axis",
    "numpy.random.shuffle", "random.shuffle", "builtins.setattr", "builtins.delattr", "builtins.next",
    "operator.setitem", "operator.delitem", "operator.iadd", "operator.isub", "operator.imul", "operator.itruediv",
    "operator.ipow", "operator.imatmul", "operator.ifloordiv", "operator.imod",
})  # fmt: skip


#: Functions that read or write variables which their arguments do not name.
_HIDDEN_READERS = frozenset(
    {"builtins.eval", "builtins.exec", "builtins.locals", "builtins.vars", "builtins.dir", "builtins.globals"}
)


_TRUTHS = frozenset(
    {
        "builtins.isinstance",
        "builtins.bool",
        "builtins.callable",
        "builtins.hasattr",
        "builtins.any",
        "builtins.all",
        "math.isnan",
        "math.isinf",
        "math.isfinite",
        "math.isclose",
    }
)
