"""Users' templates in a derivative: the body of one becomes part of the sweep, an opaque one is called.

Where only the adjoint or only the tangent of an operation is given, the other is its transpose: an adjoint is linear in
what it is given, so that its own adjoint is the tangent. Refused (S302) where the one that is given is not linear.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gast

from s2sad.analysis.aliases import alias_classes
from s2sad.analysis.kinds import Kinds, Specialiser, kind_of_expr
from s2sad.analysis.sharing import Sharing
from s2sad.differentiate.instantiate import atom
from s2sad.differentiate.ownership import with_own_arguments
from s2sad.errors import S2sadError
from s2sad.frontend.lower import FunctionFacts, Lowering
from s2sad.frontend.scopes import parameters, tuple_arity
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import (
    Assign,
    Block,
    Call,
    Const,
    Expr,
    Function,
    If,
    Label,
    Op,
    Param,
    Program,
    Raw,
    RawStmt,
    Return,
    Stmt,
    Store,
    Var,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import callees, defs, expressions, rewrite_block, set_blocks, uses, vars_of
from s2sad.ir.webs import replace_function
from s2sad.optimise import PASSES
from s2sad.rules import registry
from s2sad.rules.binding import bind, case_values, rule_name
from s2sad.rules.registry import Rule, Template, choose

if TYPE_CHECKING:
    from s2sad.frontend.resolve import Primal

#: What a parameter of a template stands for.
Role = tuple[str, Any]
OTHER = {"adjoint": "tangent", "tangent": "adjoint"}


class Templates:
    """Makes the statements by which the operations of one function are differentiated.

    functions: those of the program, to which the ones are added that are called. owner: the function.
    """

    def __init__(self, lowering: Lowering, kinds: Kinds, functions: dict[Label, Function], owner: Function) -> None:
        self.lowering = lowering
        self.kinds = kinds
        self.functions = functions
        self.owner = owner
        self._made: dict[Any, _Instance | None] = {}

    def apply(
        self,
        entry: Rule,
        mode: str,
        gives: Sequence[Any],
        value: Callable[[Role], Expr],
        links: Mapping[str, Any],
        active: Collection[Any] = (),
    ) -> tuple[Block, list[Expr | None]]:
        """The statements that bind adjoints ("adjoint", of parameters) or tangents ("tangent", of results), and these.

        value: what a parameter of a template stands for here. active: the arguments with a tangent. None is zero.
        """
        template = entry.templates.get(mode)
        if template is not None:
            return self._applied(entry, mode, template, tuple(gives), value, links)
        return self._transposed(entry, mode, gives, value, links, active)

    def _transposed(
        self,
        entry: Rule,
        mode: str,
        gives: Sequence[Any],
        value: Callable[[Role], Expr],
        links: Mapping[str, Any],
        active: Collection[Any],
    ) -> tuple[Block, list[Expr | None]]:
        """The transposes of the template for the other mode: sums over what that gives."""
        other = entry.templates[f"transpose for {mode}"]
        made: Block = []
        totals: list[Expr | None] = []
        for wanted in gives:
            total: Expr | None = None
            for given in other.gives:
                if mode == "tangent" and given not in active:
                    continue
                block, found = self._applied(entry, mode, other, (given,), value, links, wanted)
                made += block
                if total is None or found[0] is None:
                    total = found[0] if total is None else total
                else:
                    var = Var("t", temporary=True)
                    self.kinds[var] = kind_of_expr(Op("operator.add", (total, found[0])), self.kinds)
                    made.append(Assign(var, Op("operator.add", (total, found[0])), **links))
                    total = var
            totals.append(total)
        return made, totals

    def _applied(
        self,
        entry: Rule,
        mode: str,
        template: Template,
        gives: tuple[Any, ...],
        value: Callable[[Role], Expr],
        links: Mapping[str, Any],
        transposed_to: Any = None,
    ) -> tuple[Block, list[Expr | None]]:
        given = [value(role) for role in template.takes]
        kinds = tuple(kind_of_expr(e, self.kinds) for e in given)
        constants = tuple(e if isinstance(e, Const) else None for e in given)
        key = (template, kinds, constants, gives, mode, transposed_to)
        if key not in self._made:
            made: _Instance | None = self._instance(template, kinds, constants, gives)
            if made is not None and transposed_to is not None:
                made = self._transpose(entry, mode, made, transposed_to, gives[0])
            self._made[key] = made
        made = self._made[key]
        if made is None:
            return [], [None]
        out: Block = []

        def emit(assign: Assign) -> None:
            self.kinds[assign.var] = kind_of_expr(assign.expr, self.kinds)
            assign.origin, assign.quote, assign.group = (links[n] for n in ("origin", "quote", "group"))
            out.append(assign)

        arguments = [atom(value(role), emit) for role in made.takes]
        results = [Var(v.hint, True) for v in made.results]
        if not self._can_merge(made.function):
            self.functions.setdefault(made.function.label, made.function)
            for var, old in zip(results, made.results):
                self.kinds[var] = self.kinds.get(old, UNKNOWN)
            out.append(Call(tuple(results), made.function.label, tuple(arguments), **links))
            return out, list(results)
        block, values = self._merged(made.function, arguments, links)
        return [*out, *block], list(values)

    # ---- instances ---------------------------------------------------------------------------------------------

    def _instance(
        self, template: Template, kinds: Sequence[Kind], constants: Sequence[Const | None], gives: Sequence[Any]
    ) -> _Instance:
        """A template for arguments of some kinds and literal values, as a function that gives only what is wanted."""
        generic = _opaque_call(template, self.lowering) if template.opaque else self._generic(template.primal)
        assigned = {v for s in walk(generic.body) for v in defs(s)}
        literals = {p.var: c for p, c in zip(generic.params, constants) if c is not None}
        starts: Block = [Assign(v, c) for v, c in literals.items() if v in assigned]
        values = {v: c for v, c in literals.items() if v not in assigned}
        body = _decided(rewrite_block(generic.body, lambda v: values.get(v, v), lambda v: v))
        params = [p for p in generic.params if p.var not in literals]
        label = Label(generic.label.hint)
        self.lowering.functions[label] = replace_function(generic, label=label, params=params, body=[*starts, *body])
        self.lowering.primals[label] = template.primal
        known = [k for k, c in zip(kinds, constants) if c is None]
        program, found = Specialiser(self.lowering).entry(label, known)
        self.kinds.update(found)
        main = program.main
        returned = main.results
        positions = [template.gives.index(g) for g in gives]
        wanted = tuple(returned.values[p] for p in positions) if len(template.gives) > 1 else returned.values
        ending = Return(wanted, len(wanted) > 1, origin=returned.origin)
        main = replace_function(main, body=[*main.body[:-1], ending])
        if template.opaque:
            self._refuse_writes(program, main.label)
        else:
            main = with_own_arguments(main, self.kinds, Sharing(program, self.kinds))
        self.functions.update({la: f for la, f in program.functions.items() if la is not main.label})
        takes = [r for r, c in zip(template.takes, constants) if c is None]
        return self._slim(main, takes)

    def _refuse_writes(self, program: Program, wrapper: Label) -> None:
        """Refuse an opaque function that writes into what it is given: others read the same adjoint."""
        sharing = Sharing(program, self.kinds)
        for called in callees(program.functions[wrapper]):
            function = program.functions.get(called)
            if function is None:
                continue
            aliases = alias_classes(function, self.kinds, sharing)
            for stmt in walk(function.body):
                if isinstance(stmt, Store) and any(aliases.may_share(stmt.base, p.var) for p in function.params):
                    reason = f"{called.hint} writes into what it is given, which others read too"
                    raise S2sadError("S303", reason, stmt.origin, "copy it first: g = g.copy()")

    def _generic(self, primal: Primal) -> Function:
        return self.lowering.function(self.lowering.label(primal))

    def _slim(self, function: Function, takes: Sequence[Role]) -> _Instance:
        """A function without what it does not use."""
        program = Program({function.label: function}, function.label)
        for _, change in PASSES:
            program = change(program, self.kinds)
        function = program.main
        read = {v for s in walk(function.body) for v in uses(s)}
        kept = [(p, role) for p, role in zip(function.params, takes) if p.var in read]
        function = replace_function(function, params=[p for p, _ in kept])
        results = []
        for k, e in enumerate(function.results.values):
            var = Var(e.hint if isinstance(e, Var) else f"t{k}", True)
            self.kinds[var] = kind_of_expr(e, self.kinds)
            results.append(var)
        return _Instance(function, tuple(role for _, role in kept), tuple(results))

    def _transpose(
        self, entry: Rule, mode: str, made: _Instance, wanted: Any, given: Any
    ) -> _Instance | None:
        """The adjoint of a template by the derivative that it takes: an adjoint as a tangent, a tangent as an adjoint.

        wanted: which derivative this gives. given: which one the template gave.
        """
        from s2sad.differentiate.reverse import ReverseMode

        source: Role = ("adjoint", wanted) if mode == "tangent" else ("tangent", wanted)
        seed: Role = ("tangent", given) if mode == "tangent" else ("adjoint", given)
        derivatives = {p.var for p, role in zip(made.function.params, made.takes) if role[0] in ("adjoint", "tangent")}
        not_linear = S2sadError(
            "S303",
            f"{entry.name} has no {mode}: its {OTHER[mode]} is not linear in what it is given",
            made.function.origin,
            f"register its {mode} too, with @{mode}",
        )
        if not _is_linear(made.function, derivatives, self.kinds):
            raise not_linear
        if ("adjoint", None) in made.takes:
            if entry.results:
                reason = f"{entry.name} has no {mode}: that of an opaque function of several results is not derived"
                raise S2sadError("S303", reason, made.function.origin, f"register its {mode} too")
            source = ("adjoint", None)
        if source not in made.takes:
            return None
        position = made.takes.index(source)
        functions = {**self.functions, made.function.label: made.function}
        program, found = ReverseMode(Program(functions, made.function.label), self.kinds, self.lowering).gradient(
            [position], seed="given", name=f"{mode}_{made.function.label.hint.partition('_')[2]}"
        )
        self.kinds.update(found)
        for _, change in PASSES:
            program = change(program, self.kinds)
        main = program.main
        takes = [*made.takes, seed]
        # What the derivatives were is not read, but their shapes may be: these are those of the values.
        roles: list[Role] = []
        for p, role in zip(main.params, takes):
            if role is not seed and role[0] in ("adjoint", "tangent"):
                if _reads_value(main, p.var, self.kinds):
                    raise not_linear
                role = ("result" if role[0] == "adjoint" else "argument", role[1])
            roles.append(role)
        self.functions.update({la: f for la, f in program.functions.items() if la is not main.label})
        found_here = self._slim(_without_copies(replace_function(main, primal=made.function.primal), self.kinds), roles)
        twice = "_bar_bar" if mode == "tangent" else "_dot_bar"
        for var in {v: None for s in walk(found_here.function.body) for v in defs(s)}:
            var.hint = re.sub(f"{twice}$", "_dot" if mode == "tangent" else "_bar", var.hint)
        return found_here

    # ---- merging -----------------------------------------------------------------------------------------------

    def _can_merge(self, function: Function) -> bool:
        """Whether the body of a template can stand in the function: what its text names means the same there."""
        if function.annotations is not None and function.annotations.imports:
            return False
        names = _verbatim_names(function)
        if not names:
            return True
        if function.primal is None or self.owner.primal is None:
            return False
        inside, outside = function.primal.scope, self.owner.primal.scope
        params = {p.name for p in self.owner.params}
        return all(n not in params and inside.meaning(n) == outside.meaning(n) for n in names)

    def _merged(
        self, function: Function, arguments: Sequence[Expr], links: Mapping[str, Any]
    ) -> tuple[Block, list[Expr]]:
        own: dict[Var, Var] = {}
        for name, var in function.free.items():
            own[var] = self.owner.free.setdefault(name, var)
            self.kinds.setdefault(own[var], self.kinds.get(var, UNKNOWN))
        assigned = {v for s in walk(function.body) for v in defs(s)}
        values: dict[Var, Expr] = {}
        starts: Block = []
        for p, a in zip(function.params, arguments):
            if p.var in assigned or not isinstance(a, (Var, Const)):
                starts.append(Assign(change_of(p.var, own, self.kinds), a, **links))
            else:
                values[p.var] = a

        def use(var: Var) -> Expr:
            return values[var] if var in values else change_of(var, own, self.kinds)

        body = rewrite_block(function.body, use, lambda v: change_of(v, own, self.kinds))
        returned = body.pop()
        assert isinstance(returned, Return)
        for stmt in walk(body):
            _unspell(stmt)
            stmt.quote = None if blocks_of(stmt) else links["quote"]
            stmt.group = links["group"]
            stmt.origin = stmt.origin or links["origin"]
        return [*starts, *body], list(returned.values)


class _Instance:
    def __init__(self, function: Function, takes: tuple[Role, ...], results: tuple[Var, ...]) -> None:
        self.function = function
        self.takes = takes
        self.results = results


def change_of(var: Var, own: dict[Var, Var], kinds: Kinds) -> Var:
    """The Var that stands for another one in a copy."""
    if var not in own:
        own[var] = Var(var.hint, var.temporary)
        kinds[own[var]] = kinds.get(var, UNKNOWN)
    return own[var]


def _opaque_call(template: Template, lowering: Lowering) -> Function:
    """A function that calls an opaque one, with one result for each derivative that this gives."""
    label = lowering.label(template.primal)
    params = [Param(Var(p.name), p.name) for p in parameters(template.primal.source.node.args)]
    args = tuple(p.var for p in params)
    place = template.primal.source.place(template.primal.source.node)
    results = [Var("t", True) for _ in template.gives]
    body: Block = []
    if len(results) > 1 and tuple_arity(template.primal.source.node) is None:
        whole = Var("t", True)
        body.append(Call((whole,), label, args, origin=place))
        for k, var in enumerate(results):
            body.append(Assign(var, Op("operator.getitem", (whole, Const(k))), origin=place))
    else:
        body.append(Call(tuple(results), label, args, origin=place))
    body.append(Return(tuple(results), len(results) > 1, origin=place))
    hint = template.primal.name
    return Function(
        Label(hint), params, body, {}, origin=place, primal=template.primal, annotations=FunctionFacts({}, [])
    )


def _verbatim_names(function: Function) -> set[str]:
    """The names from outside that a function's text reads as the user wrote it."""
    found = set(function.free)
    for stmt in walk(function.body):
        trees: list[Any] = [] if not isinstance(stmt, RawStmt) else [(stmt.tree, stmt.reads)]
        stack = list(expressions(stmt))
        while stack:
            e = stack.pop()
            if isinstance(e, Raw) and e.tree is not None:
                trees.append((e.tree, e.reads))
            elif isinstance(e, Op):
                stack += [*e.operands, *(v for _, v in e.keywords)]
        for tree, reads in trees:
            bound = {n for n, _ in reads}
            found |= {n.id for n in gast.walk(tree) if isinstance(n, gast.Name) and n.id not in bound}
    return found


def _unspell(stmt: Stmt) -> None:
    """Let the names of libraries in a statement be those of the text that it comes to stand in."""

    def plain(e: Expr) -> Expr:
        if not isinstance(e, Op):
            return e
        spelled = e.spelled if e.spelled and e.spelled.endswith("=") else None
        return Op(e.name, tuple(map(plain, e.operands)), tuple((k, plain(v)) for k, v in e.keywords), spelled)

    for name in ("expr", "test", "iter", "index"):
        held = getattr(stmt, name, None)
        if isinstance(held, Op):
            setattr(stmt, name, plain(held))


_TESTS: dict[str, Callable[..., Any]] = {
    "operator.is_": operator.is_, "operator.is_not": operator.is_not, "operator.eq": operator.eq,
    "operator.ne": operator.ne, "operator.lt": operator.lt, "operator.le": operator.le, "operator.gt": operator.gt,
    "operator.ge": operator.ge, "operator.not_": operator.not_,
}  # fmt: skip


def _decided(block: Block, known: dict[Var, Const] | None = None) -> Block:
    """A block without tests of literals: of each such branch what is run. Literals are in the place of arguments."""
    known = {} if known is None else known
    made: Block = []
    for stmt in block:
        if isinstance(stmt, Assign) and stmt.var.temporary and isinstance(stmt.expr, Op) and stmt.expr.name in _TESTS:
            operands = [known.get(o) if isinstance(o, Var) else o for o in stmt.expr.operands]
            if all(isinstance(o, Const) for o in operands):
                try:
                    value = _TESTS[stmt.expr.name](*(o.value for o in operands if isinstance(o, Const)))
                except TypeError:
                    value = None
                if value is not None:
                    known[stmt.var] = Const(value)
                    continue
        if isinstance(stmt, If):
            test = known.get(stmt.test) if isinstance(stmt.test, Var) else stmt.test
            if isinstance(test, Const):
                made += _decided(stmt.body if test.value else stmt.orelse, known)
                continue
        new = replace(stmt)
        set_blocks(new, [_decided(b, known) for b in blocks_of(stmt)])
        made.append(new)
    return rewrite_block(made, lambda v: known.get(v, v), lambda v: v) if known else made


def _without_copies(function: Function, kinds: Kinds) -> Function:
    """A function without copies of memory that nothing writes into afterwards."""
    aliases = alias_classes(function, kinds)

    def block(old: Block) -> Block:
        made: Block = []
        for stmt in old:
            new = replace(stmt)
            set_blocks(new, [block(b) for b in blocks_of(stmt)])
            if isinstance(new, Assign) and isinstance(new.expr, Op) and new.expr.name == "numpy.copy":
                source = new.expr.operands[0]
                if isinstance(source, Var) and not aliases.written(new.var) and not aliases.written(source):
                    new.expr = source
            made.append(new)
        return made

    return replace_function(function, body=block(function.body))


# ---- linearity -----------------------------------------------------------------------------------------------------

_SHAPES = frozenset({
    "numpy.zeros_like", "numpy.ones_like", "numpy.empty_like", "numpy.shape", "numpy.ndim", "numpy.size",
    "numpy.ndarray.shape", "numpy.ndarray.ndim", "numpy.ndarray.size", "numpy.ndarray.dtype", "builtins.len",
})  # fmt: skip


#: Operations that read no more than the shape of what is constant to their rules.
_READ_SHAPES = (
    "s2sad.spread", "s2sad.unspread", "s2sad.unbroadcast", "s2sad.rebroadcast", "s2sad.returned",
    "s2sad.runtime.adjoints.", "s2sad.runtime.linalg.",
)  # fmt: skip


def _value_reads(expr: Expr) -> set[Var]:
    """The Vars of an expression whose values are read, not only their shapes."""
    if isinstance(expr, Var):
        return {expr}
    if not isinstance(expr, Op):
        return set(vars_of(expr))
    if expr.name in _SHAPES:
        return set()
    found: set[Var] = set()
    shapes = _shape_operands(expr)
    for position, e in enumerate((*expr.operands, *(v for _, v in expr.keywords))):
        if position not in shapes:
            found |= _value_reads(e)
    return found


def _shape_operands(op: Op) -> Collection[int]:
    """The positions of the operands of one of the engine's operations of which no more than the shape is read."""
    entry = registry.find(op.name) if op.name.startswith(_READ_SHAPES) else None
    if entry is None:
        return ()
    return [k for k, p in enumerate(entry.parameters) if p.name in entry.constant and k < len(op.operands)]


def _reads_value(function: Function, var: Var, kinds: Kinds) -> bool:
    """Whether what a function gives depends on the value of a Var, not only on its shape."""
    aliases = alias_classes(function, kinds)
    needed: set[Var] = set()
    size = -1
    while len(needed) > size:
        size = len(needed)
        for stmt in walk(function.body):
            if isinstance(stmt, Store):
                counts = any(aliases.may_share(v, stmt.base) for v in needed)
            else:
                counts = not isinstance(stmt, Assign) or stmt.var in needed
            if counts:
                needed.update(v for e in expressions(stmt) for v in _value_reads(e))
    return var in needed


def _is_linear(function: Function, derivatives: set[Var], kinds: Kinds) -> bool:
    """Whether nothing but differentiable operations reads what depends on the derivatives that a function is given."""
    dependent = set(derivatives)
    changed = True
    while changed:
        before = len(dependent)
        for stmt in walk(function.body):
            if any(_value_reads(e) & dependent for e in expressions(stmt)):
                dependent |= set(defs(stmt))
                base = getattr(stmt, "base", None)
                if base is not None:
                    dependent.add(base)
        changed = len(dependent) > before
    for stmt in walk(function.body):
        if isinstance(stmt, (RawStmt, If)) and any(_value_reads(e) & dependent for e in expressions(stmt)):
            return False
        if isinstance(stmt, Assign) and not _takes_derivatives(stmt.expr, dependent, kinds):
            return False
    return True


def _takes_derivatives(expr: Expr, dependent: set[Var], kinds: Kinds) -> bool:
    """Whether an operation is differentiable by all operands that depend on derivatives."""
    if isinstance(expr, Raw):
        return not (set(vars_of(expr)) & dependent)
    if not isinstance(expr, Op) or not _value_reads(expr) & dependent:
        return True
    entry = registry.find(rule_name(expr))
    if entry is None or entry.name == "operator.getitem":
        return True
    bound = bind(entry, expr)
    values = case_values(entry, bound, lambda e: kind_of_expr(e, kinds))
    for name, operand in bound.items():
        if isinstance(operand, tuple):
            continue
        if not _value_reads(operand) & dependent or (name in entry.constant and expr.name.startswith(_READ_SHAPES)):
            continue
        if name not in entry.adjoint or choose(entry.adjoint[name], values) in ("np.zeros_like(a)", "0"):
            return False
    return True
