"""Lowering of expressions: a handler for each class of gast node, operands atoms, what has no derivative verbatim."""

from __future__ import annotations

from typing import Any, TypeGuard

import gast

from s2sad.errors import S2sadError
from s2sad.frontend.calls import (
    CELL_READ,
    CELL_WRITE,
    FUNCTION,
    SET,
    STAR,
    STORING,
    VALUE_CALL,
    Captured,
    bind_arguments,
)
from s2sad.frontend.names import Names
from s2sad.frontend.resolve import (
    Derived,
    Known,
    Module,
    UserFunction,
    Value,
)
from s2sad.frontend.scopes import (
    LocalFunction,
    assigned_in_expressions,
    bound_inside,
    names_within,
    own_nodes,
    parameters,
    tuple_arity,
)
from s2sad.ir.kinds import BOOL, STR, UNKNOWN, Kind
from s2sad.ir.nodes import (
    Assign,
    Call,
    Const,
    Expr,
    If,
    Op,
    Raw,
    RawStmt,
    Var,
    dict_display,
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
        if isinstance(found, Var) and node.id in self.cells:
            return Op(CELL_READ, (found, Const(node.id)))
        if isinstance(found, Var):
            return self.temporary(found) if node.id in self.rebound else found
        if isinstance(found, Value):
            return self.global_value(node.id, found)
        if isinstance(found, (Known, UserFunction)):
            return self.function_value(node, found)
        if isinstance(found, LocalFunction):
            return self.closure(node, found)
        what = "a module" if not isinstance(found, Derived) else "a derivative"
        raise self.refuse("S201", f"{node.id!r} is {what} used as a value", node, "call it here by its name")

    @staticmethod
    def function_value(node: Any, found: Known | UserFunction) -> Expr:
        """A function of the module or of a library, or a constant of one, by its name."""
        if isinstance(found, UserFunction):
            return Raw(node, (), True, Kind("function", cls=found.primal, items=()))
        if found.kind != UNKNOWN:
            return Raw(node, (), True, found.kind)
        if registry.find(found.name) is None:
            return Raw(node, (), True, Kind("object"))
        return Raw(node, (), True, Kind("function", cls=found.name, items=()))

    def closure(self, node: Any, found: LocalFunction, lasting: bool = True) -> Expr:
        """A nested function as a value: what it captured, as it is now.

        lasting: it may be called when what it captured has been bound again, as Python would see.
        """
        if found.primal.name in found.captured:
            raise self.refuse("S201", "a function that calls itself cannot be a value", node, "define it in the module")
        again = [n for n in found.captured if n not in self.cells and self.is_bound_again(n, node)]
        if again and lasting:
            reason = f"this function may be called when {again[0]!r} has been bound again, which is not supported"
            raise self.refuse("S201", reason, node, f"give it a default, {again[0]}={again[0]}")
        held = [self.captured_value(n, node) for n in found.captured]
        held += [self.env[hidden] for hidden in found.defaults.values()]
        names = tuple(found.defaults)
        identity = Captured(found.primal, tuple(found.captured), names, transient=bool(again))
        return Op(FUNCTION, (Const(identity), *held))

    def captured_value(self, name: str, node: Any) -> Expr:
        if name in self.cells:
            return self.env[name]
        return self.atom(gast.copy_location(gast.Name(name, gast.Load(), None, None), node))

    def is_bound_again(self, name: str, node: Any) -> bool:
        """Whether a name may be bound after this place: by a later statement, or by the next trip of a loop."""
        if name in self.comprehended:
            return True
        spans = [
            (n.lineno, n.end_lineno) for n in own_nodes(self.body)
            if isinstance(n, (gast.For, gast.While)) and n.lineno <= node.lineno <= n.end_lineno
        ]  # fmt: skip
        for inner in own_nodes(self.body):
            if isinstance(inner, gast.Name) and inner.id == name and not isinstance(inner.ctx, gast.Load):
                in_loop = any(first <= inner.lineno <= last for first, last in spans)
                if in_loop or (inner.lineno, inner.col_offset) > (node.lineno, node.col_offset):
                    return True
        return False

    def expr_Attribute(self, node: Any) -> Expr:
        found = self.binding(node)
        if isinstance(found, (Known, UserFunction)):
            return self.function_value(node, found)
        if isinstance(found, Value):
            return Raw(node, (), True, found.kind)
        if found is not None:
            raise self.refuse(
                "S201", f"{self.source.segment(node)} is a module used as a value", node, "call it here by its name"
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
        self.bind_name(node.target, value)
        return value

    def bind_name(self, target: Any, value: Expr) -> None:
        """`name = value`; a name that functions share is written in its cell."""
        if target.id in self.cells:
            cell = self.env[target.id]
            self.temporary(Op(CELL_WRITE, (cell, Const(target.id), self.as_atom(value))))
        else:
            self.emit(Assign(self.variable(target), value))

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
        return self.display("tuple", node.elts)

    def expr_List(self, node: Any) -> Expr:
        return self.display("list", node.elts)

    def display(self, name: str, elements: list[Any]) -> Expr:
        """A tuple or list that is written out; what it unpacks is found out when the kinds are known."""
        items = self.operands(elements)
        starred = any(isinstance(e, gast.Starred) for e in elements)
        return Op(f"s2sad.display_{name}" if starred else name, items)

    def operands(self, nodes: list[Any]) -> tuple[Expr, ...]:
        """Arguments or elements as operands, `*xs` as a star of one."""
        return tuple(Op(STAR, (self.atom(n.value),)) if isinstance(n, gast.Starred) else self.atom(n) for n in nodes)

    def keywords(self, nodes: list[Any]) -> tuple[tuple[str, Expr], ...]:
        return tuple(("**" if k.arg is None else k.arg, self.atom(k.value)) for k in nodes)

    def expr_Dict(self, node: Any) -> Expr:
        keys = ["**" if k is None else self.key(k) for k in node.keys]
        values = [self.atom(v) for v in node.values]
        if all(isinstance(k, Const) for k in keys):
            return dict_display({k.value: v for k, v in zip(keys, values) if isinstance(k, Const)})
        made: Expr = dict_display({})
        for key, value in zip(keys, values):
            if isinstance(key, str):
                made = self.temporary(Op("builtins.dict", (made,), (("**", value),)))
            else:
                made = self.temporary(Op("s2sad.put", (made, key, value)))
        return made

    def key(self, node: Any) -> Expr:
        key = self.atom(node)
        if isinstance(key, Op) and key.name == "tuple" and all(isinstance(o, Const) for o in key.operands):
            return Const(tuple(o.value for o in key.operands if isinstance(o, Const)))
        return key

    # ---- comprehensions: loops that build a list or a dict -----------------------------------------------------

    def expr_ListComp(self, node: Any) -> Expr:
        return self.comprehension(node, Op("list"), lambda acc: _hidden_call("append", acc, node.elt))

    expr_GeneratorExp = expr_ListComp

    def expr_SetComp(self, node: Any) -> Expr:
        return self.comprehension(node, Op(SET), lambda acc: _hidden_call("add", acc, node.elt))

    def expr_Set(self, node: Any) -> Expr:
        return Op(SET, self.operands(node.elts))

    def expr_DictComp(self, node: Any) -> Expr:
        return self.comprehension(node, dict_display({}), lambda acc: _hidden_call("put", acc, node.key, node.value))

    def comprehension(self, node: Any, empty: Op, step: Any) -> Expr:
        """The loops of a comprehension as those of statements, over names of their own."""
        if any(g.is_async for g in node.generators):
            raise self.refuse("S201", "an asynchronous comprehension is not supported", node, "use a plain loop")
        self.hidden_count += 1
        acc = f".values{self.hidden_count}"
        statement: Any = gast.Assign([_name(acc, gast.Store())], step(_name(acc, gast.Load())), None)
        statement = gast.copy_location(statement, getattr(node, "elt", None) or node.value)
        for generator in reversed(node.generators):
            for test in reversed(generator.ifs):
                statement = gast.copy_location(gast.If(test, [statement], []), test)
            loop = gast.For(generator.target, generator.iter, [statement], [], None)
            statement = gast.copy_location(loop, generator.iter)
        names = {n.id for g in node.generators for n in gast.walk(g.target) if isinstance(n, gast.Name)}
        held = (self.node, dict(self.env), dict(self.local_names), dict(self.local_bindings), self.comprehended)
        self.env[acc] = Var("values", temporary=True)
        self.emit(Assign(self.env[acc], empty))
        # The first sequence is evaluated outside, where the names mean what they mean around.
        outermost = self.evaluated_outside(node.generators[0].iter, names)
        if outermost is not None:
            statement.iter = outermost
        for name in names:
            if not name.startswith("."):
                self.env[name] = Var(name)
            self.local_bindings.pop(name, None)
        self.local_names.update(dict.fromkeys(names))
        self.comprehended = self.comprehended | names
        self.statement(gast.fix_missing_locations(statement))
        result = self.env[acc]
        self.node, env, self.local_names, self.local_bindings, self.comprehended = held
        # What an assignment expression binds it binds for the function.
        lasting = assigned_in_expressions([node])
        self.env = {**env, **{n: v for n, v in self.env.items() if n.startswith(".") or n in lasting}}
        return result

    def evaluated_outside(self, node: Any, names: set[str]) -> Any:
        """A name for the value of an expression that reads a name which the comprehension binds."""
        if not names & names_within(node):
            return None
        self.hidden_count += 1
        hidden = f".sequence{self.hidden_count}"
        self.env[hidden] = Var("t", temporary=True)
        self.emit(Assign(self.env[hidden], self.expression(node)))
        return gast.copy_location(_name(hidden, gast.Load()), node)

    # ---- functions that are given functions --------------------------------------------------------------------

    def consumed(self, node: Any) -> Expr | None:
        """`map`, `filter`, `functools.reduce` as the loops that they stand for."""
        found = self.callee(node.func)
        name = found.name if isinstance(found, Known) else ""
        if node.keywords or any(isinstance(a, gast.Starred) for a in node.args):
            return None
        if name == "builtins.map" and len(node.args) >= 2:
            function, *sequences = node.args
            targets = [self.hidden("item") for _ in sequences]
            target, over = targets[0], sequences[0]
            if len(sequences) > 1:
                target = gast.Tuple(targets, gast.Store())
                over = gast.Call(_name(".zip", gast.Load()), sequences, [])
            element = gast.Call(function, [_name(t.id, gast.Load()) for t in targets], [])
            return self.made_list(node, element, target, over, [])
        if name == "builtins.filter" and len(node.args) == 2:
            target = self.hidden("item")
            read = _name(target.id, gast.Load())
            is_none = isinstance(node.args[0], gast.Constant) and node.args[0].value is None
            test = read if is_none else gast.Call(node.args[0], [read], [])
            return self.made_list(node, read, target, node.args[1], [test])
        if name in ("functools.reduce", "_functools.reduce") and 2 <= len(node.args) <= 3:
            return self.reduced(node, *node.args)
        return None

    def made_list(self, node: Any, element: Any, target: Any, over: Any, tests: list[Any]) -> Expr:
        made = gast.ListComp(element, [gast.comprehension(target, over, tests, 0)])
        return self.expression(_located(made, node))

    def reduced(self, node: Any, function: Any, sequence: Any, start: Any = None) -> Expr:
        total, item = self.hidden("total"), self.hidden("item")
        if start is None:
            rows = self.hidden("sequence")
            self.assign_hidden(rows, self.atom(sequence))
            read = _name(rows.id, gast.Load())
            first = gast.Subscript(read, gast.Constant(0, None), gast.Load())
            sequence = gast.Subscript(read, gast.Slice(gast.Constant(1, None), None, None), gast.Load())
            self.assign_hidden(total, self.expression(_located(first, node)))
        else:
            self.assign_hidden(total, self.expression(start))
        step = gast.Call(function, [_name(total.id, gast.Load()), _name(item.id, gast.Load())], [])
        loop = gast.For(item, sequence, [gast.Assign([total], step, None)], [], None)
        held = self.node
        self.statement(_located(loop, node))
        self.node = held
        return self.env[total.id]

    def hidden(self, hint: str) -> Any:
        """A name of which the user's text knows nothing, as a target."""
        self.hidden_count += 1
        name = f".{hint}{self.hidden_count}"
        self.env[name] = Var(hint, temporary=True)
        return _name(name, gast.Store())

    def assign_hidden(self, target: Any, value: Expr) -> None:
        self.emit(Assign(self.env[target.id], value))

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
        return self.closure(node, self.anonymous(node))

    def anonymous(self, node: Any) -> LocalFunction:
        """A lambda that has no name."""
        key = f".lambda{node.lineno}.{node.col_offset}"
        if key not in self.local_bindings:
            self.define_local(key, node, "lambda_")
        found = self.local_bindings[key]
        assert isinstance(found, LocalFunction)
        return found

    def argument(self, node: Any) -> Expr:
        """An operand of a call: a function among them need not outlive it."""
        if isinstance(node, gast.Starred):
            return Op(STAR, (self.atom(node.value),))
        if isinstance(node, gast.Lambda):
            return self.as_atom(self.closure(node, self.anonymous(node), lasting=False))
        if isinstance(node, gast.Name) and isinstance(found := self.binding(node), LocalFunction):
            return self.as_atom(self.closure(node, found, lasting=False))
        return self.atom(node)

    def arguments(self, node: Any) -> tuple[tuple[Expr, ...], tuple[tuple[str, Expr], ...]]:
        """What a call passes by position and by name."""
        named = tuple(("**" if k.arg is None else k.arg, self.argument(k.value)) for k in node.keywords)
        return tuple(self.argument(a) for a in node.args), named

    def test(self, node: Any) -> Expr:
        """A test in a Var of its own, so that it still stands when the branches have changed what it reads."""
        value = self.expression(node)
        return value if isinstance(value, Const) else self.temporary(value)

    def refuse_writes(self, node: Any, followed: bool = False) -> None:
        """Refuse a call that writes into an array or another object of its caller.

        followed: a method of a list, dict or object is, when the kinds are known.
        """
        help = "build a new value instead"
        for keyword in node.keywords:
            if keyword.arg == "out" and not (isinstance(keyword.value, gast.Constant) and keyword.value.value is None):
                raise self.refuse("S201", "`out=` writes into an array, which is not supported", node, "use the result")
        found = self.callee(node.func)
        if followed and isinstance(found, Known) and found.name in ("builtins.setattr", "builtins.delattr"):
            return
        if isinstance(found, Known) and (found.name in STORING or found.name.endswith(".at")):
            what = self.source.segment(node.func)
            raise self.refuse("S201", f"`{what}` writes into an array, which is not supported", node, help)
        if found is None and isinstance(node.func, gast.Attribute) and node.func.attr in WRITERS:
            receiver = self.binding(node.func.value)
            if (receiver is None or isinstance(receiver, (Var, Value))) and not followed:
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
            self.refuse_writes(node, followed=True)
        consumed = self.consumed(node)
        if consumed is not None:
            return consumed
        found = self.callee(node.func)
        if isinstance(node.func, gast.Lambda):
            found = self.anonymous(node.func)
        if isinstance(found, (UserFunction, LocalFunction)) and not is_starred(node):
            arity = tuple_arity(found.primal.source.node) if self.readable(found.primal) else None
            results = self.call(node, found, self.temporaries(arity or 1))
            return Op("tuple", results) if arity is not None else results[0]
        if isinstance(found, Known):
            if found.name in _HIDDEN_READERS:
                raise self.refuse(
                    "S201",
                    f"`{found.name.rpartition('.')[2]}` may read any variable, which is not supported",
                    node,
                    "write out what it does",
                )
            hidden = isinstance(node.func, gast.Name) and node.func.id.startswith(".")
            operands, keywords = (tuple(map(self.atom, node.args)), ()) if hidden else self.arguments(node)
            func = self.by_first_names(node.func)
            spelled = func.id if isinstance(func, gast.Name) else self.source.segment(func)
            return Op(found.name, operands, keywords, spelled=None if hidden else spelled)
        if isinstance(node.func, gast.Attribute):
            base = self.binding(node.func.value)
            frozen = self.method_of_frozen(node, node.func.value)
            if frozen is not None:
                return frozen
            if base is None or isinstance(base, (Var, Value)):
                receiver = self.atom(node.func.value)
                operands, keywords = self.arguments(node)
                return Op(f"method.{node.func.attr}", (receiver, *operands), keywords)
        what = self.source.segment(node.func)
        if isinstance(self.binding(node.func), Derived):
            raise self.refuse(
                "S201",
                f"`{what}` is a derivative, whose calls are not differentiated",
                node,
                "use grad(grad(f)), or pass its value",
            )
        found_here = self.binding(node.func)
        if isinstance(found_here, Module) or (isinstance(found_here, Value) and found_here.kind.sort in _NOT_CALLED):
            raise self.refuse(
                "S204", f"which function `{what}` is cannot be found out", node.func, "call a function by its name"
            )
        callee = self.argument(node.func)
        operands, keywords = self.arguments(node)
        made = Op(VALUE_CALL, (callee, *operands), keywords, spelled=what)
        self.nodes[id(made)] = (made, node.func)
        return made

    def call(self, node: Any, found: UserFunction | LocalFunction, results: list[Var]) -> tuple[Var, ...]:
        """A call of a user function, with one argument a parameter, that binds `results`."""
        label = self.lowering.label(found.primal)
        try:
            params = parameters(found.primal.source.node.args)
        except S2sadError as error:
            reason = f"`{self.source.segment(node.func)}` cannot be differentiated: {error.reason}"
            raise self.refuse(error.code, reason, node, error.help) from None
        positional, named = self.arguments(node)
        defaults: dict[str, Expr] = {}
        if isinstance(found, LocalFunction):
            defaults = {name: self.env[hidden] for name, hidden in found.defaults.items()}
        place = self.place(node)
        arguments = bind_arguments(found.primal, params, positional, named, place, defaults, node.func)
        if isinstance(found, LocalFunction):
            for name in found.captured:
                arguments.append(self.captured_value(name, node))
        self.emit(Call(tuple(results), label, tuple(map(self.as_atom, arguments))))
        return tuple(results)

    def method_of_frozen(self, node: Any, made: Any) -> Expr | None:
        """A method of a distribution that a call has just frozen, as that of the distribution itself.

        norm(mean, scale=s).logpdf(x)    is norm.logpdf(x, mean, scale=s)
        """
        maker = self.callee(made.func) if isinstance(made, gast.Call) else None
        if not isinstance(maker, Known) or not maker.name.startswith("scipy.stats."):
            return None
        if registry.find(f"{maker.name}.{node.func.attr}") is None:
            return None
        operands, keywords = self.arguments(node)
        held, named = self.arguments(made)
        spelled = f"{self.source.segment(self.by_first_names(made.func))}.{node.func.attr}"
        return Op(f"{maker.name}.{node.func.attr}", (*operands, *held), (*keywords, *named), spelled)

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
                called = self.callee(inner.func)
                if is_starred(inner) and isinstance(called, Known) and called.name.startswith(("numpy.", "scipy.")):
                    reason = "what is unpacked here may be an array that is written into"
                    raise self.refuse("S201", reason, inner, "write the arguments out, and use the result")
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


def _name(name: str, ctx: Any) -> Any:
    return gast.Name(name, ctx, None, None)


def _hidden_call(name: str, *args: Any) -> Any:
    return gast.Call(_name(f".{name}", gast.Load()), list(args), [])


def _located(made: Any, node: Any) -> Any:
    """New syntax with the place of what it was made from wherever it has none."""
    for inner in gast.walk(made):
        if getattr(inner, "lineno", None) is None and "lineno" in inner._attributes:
            gast.copy_location(inner, node)
    return made


def is_starred(call: Any) -> bool:
    """Whether a call unpacks arguments."""
    return any(isinstance(a, gast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)


def is_display(expr: Expr) -> TypeGuard[Op]:
    """Whether an operand is a tuple or list that is written out."""
    return isinstance(expr, Op) and expr.name in ("tuple", "list")


WRITERS = frozenset([
    "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "fill", "put", "itemset", "resize",
    "partition", "update", "setdefault", "setflags", "add", "discard", "shuffle", "byteswap", "setfield",
])  # fmt: skip


#: Sorts of values that are no functions.
_NOT_CALLED = ("none", "bool", "int", "float", "complex", "str", "scalar", "array", "tuple", "list", "dict")


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
