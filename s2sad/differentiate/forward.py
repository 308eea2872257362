"""Forward mode: beside each statement its tangent. A tangent Var that is zero is not bound.

y = np.sin(x)      ->    y_dot = x_dot * np.cos(x)
                         y = np.sin(x)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from s2sad.analysis.activity import ActivityAnalysis
from s2sad.analysis.aliases import alias_classes, is_fresh
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.analysis.sharing import Sharing
from s2sad.differentiate.adjoints import (
    OTHER_ARGUMENTS,
    Path,
    StatementAdjoints,
    argument_of,
    check_fit,
    is_component,
    is_of_class,
    kind_at,
    leaf_paths,
    like_object,
    own,
    position_in,
    refused_component,
    refused_list,
    refused_operation,
    refused_parameter,
    results_of,
    same_leaves,
    steps_along,
    suffix,
    total_of,
)
from s2sad.differentiate.complexes import holds_complex, in_field, zeros_like
from s2sad.differentiate.instantiate import atom, flatten, instantiate
from s2sad.differentiate.needs import adjoint_kind, unreadable
from s2sad.differentiate.normalise import normalise
from s2sad.differentiate.ownership import with_own_arguments
from s2sad.differentiate.sweeps import out_emitter
from s2sad.differentiate.templates import Templates
from s2sad.errors import S2sadError
from s2sad.frontend.lower import Lowering
from s2sad.ir.kinds import UNKNOWN, Kind, is_named_tuple, same_shape
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Call,
    Const,
    DerivedResult,
    Do,
    Enter,
    Expr,
    For,
    Function,
    If,
    Label,
    Leave,
    Op,
    Param,
    Program,
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
    blocks_of,
    dict_display,
    in_one_piece,
    replace,
    walk,
)
from s2sad.ir.walk import defs, exits, set_blocks, surely_bound, uses, vars_of
from s2sad.rules import registry
from s2sad.rules.binding import bind, case_values, rule_name
from s2sad.rules.registry import TEMPLATE, choose

Key = tuple[Var, Path]
State = dict[Key, None]


class ForwardMode:
    """Makes the tangent of a program's entry, and of the functions that it calls."""

    def __init__(self, program: Program, kinds: Kinds, lowering: Lowering) -> None:
        self.lowering = lowering
        self.kinds: Kinds = dict(kinds)
        self.sharing = Sharing(program, self.kinds)
        functions = {}
        for label, function in program.functions.items():
            if label is program.entry:
                function = with_own_arguments(function, self.kinds, self.sharing)
            functions[label] = normalise(function, self.kinds)[0]
        self.primals = program.functions
        self.program = Program(functions, program.entry)
        self.is_complex = holds_complex(program, self.kinds)
        self.activity = ActivityAnalysis(self.program, self.kinds, self.sharing)
        self.made: dict[Label, Function | None] = {}
        self.callees: dict[tuple[Label, frozenset[int]], Label] = {}
        self.sites: dict[Site, Site] = {}
        self.stacks: dict[Stack, Stack] = {}
        self.leaves: dict[tuple[Site, int], list[Path]] = {}

    def tangent(self, wrt: Sequence[int], name: str = "") -> tuple[Program, Kinds]:
        """The program that takes a tangent for each parameter at `wrt`, last, and returns the value and its tangent."""
        main = self.program.main
        results = frozenset(range(len(main.results.values)))
        self.activity.settle(main.label, frozenset(wrt), results, callees=True)
        build = _Tangent(self, main, frozenset(wrt))
        function = build.function(Label(name or f"jvp_{main.label.hint}"), wrt)
        functions = {label: f for label, f in self.primals.items()}
        functions.update({label: f for label, f in self.made.items() if f is not None})
        functions[function.label] = function
        return Program(functions, function.label), self.kinds

    def callee(self, label: Label, params: frozenset[int]) -> Label:
        key = (label, params)
        if key not in self.callees:
            made = Label(f"jvp_{label.hint}")
            self.callees[key] = made
            self.made[made] = None
            build = _Tangent(self, self.program.functions[label], params)
            self.made[made] = build.function(made, sorted(params))
        return self.callees[key]

    def site(self, site: Site) -> Site:
        if site not in self.sites:
            stack = self.stacks.setdefault(
                site.stack, Stack(f"{site.stack.hint}_dot" if site.stack.hint != "tape" else "tape_dot")
            )
            self.sites[site] = Site(f"{site.hint}_dot", stack)
        return self.sites[site]


class _Tangent:
    def __init__(self, mode: ForwardMode, function: Function, params: frozenset[int]) -> None:
        self.mode = mode
        self.kinds = mode.kinds
        self.f = function
        self.params = params
        self.results = mode.activity.varied(function.label, params)[1]
        everything = frozenset(range(len(function.results.values)))
        self.activity = mode.activity.of(function.label, params, everything)
        self.dots: dict[Key, Var] = {}
        self.surely_bound = surely_bound(function)
        #: Buffers that are added to in place: so are their tangents, which need memory of their own.
        self.stored = _made_and_stored(function, self.kinds, mode.sharing)
        self.aliases = alias_classes(function, self.kinds, mode.sharing)
        #: Arrays in memory with gaps, whose views may be copies: so are those of their tangents.
        self.gaps = {
            s.var
            for s in walk(function.body)
            if isinstance(s, Assign) and isinstance(s.expr, Op) and s.expr.name.endswith("_with_strides")
        }
        templates = Templates(mode.lowering, self.kinds, mode.primals, self.f)
        self.adjoints = StatementAdjoints(self.kinds, self.activity, self.dot, {}, templates)

    def dot(self, var: Var, path: Path = ()) -> Var:
        key = (var, path)
        if key not in self.dots:
            whole = self.kinds.get(var, UNKNOWN)
            self.dots[key] = Var(f"{var.hint}{suffix(whole, path)}_dot", var.temporary)
            self.kinds[self.dots[key]] = adjoint_kind(kind_at(self.kinds.get(var, UNKNOWN), path))
        return self.dots[key]

    def paths(self, var: Var) -> list[Path]:
        return list(leaf_paths(self.kinds.get(var, UNKNOWN)))

    def function(self, label: Label, wrt: Sequence[int]) -> Function:
        params = [p if label not in self.mode.made else in_one_piece(p) for p in self.f.params]
        state: State = {}
        prelude: Block = []
        for position in wrt:
            param = self.f.params[position]
            paths = self.paths(param.var)
            if paths == [()]:
                params.append(Param(self.dot(param.var), f"{param.name}_dot", seed=True))
            else:
                whole = Var(f"{param.name}_dot")
                params.append(Param(whole, f"{param.name}_dot", seed=True))
                structure = self.kinds.get(param.var, UNKNOWN)
                paths = [p for p in paths if kind_at(structure, p).carries_derivative]
                self.kinds[whole] = structure
                emit = out_emitter(prelude, {}, self.kinds)
                for path in paths:
                    item = flatten(steps_along(whole, structure, path), emit)
                    prelude.append(Assign(self.dot(param.var, path), item))
            for path in paths:
                state[(param.var, path)] = None
        body = [*prelude, *self.block(self.f.body, state)]
        returned = self.f.results
        tangents: list[Expr] = []
        for position, value in enumerate(returned.values):
            if label in self.mode.made and position not in self.results:
                continue
            tangents.append(self.tangent_of(value, state, body))
        value = Op("tuple", returned.values) if returned.packed else returned.values[0]
        tangent = Op("tuple", tuple(tangents)) if returned.packed else (tangents[0] if tangents else Const(0.0))
        if label in self.mode.made:
            values = (*returned.values, *tangents)
            is_packed = returned.packed or len(values) > 1
            body.append(Return(values, is_packed, group=DerivedResult(len(returned.values))))
        else:
            body.append(Return((value, tangent), True, group=DerivedResult(1)))
        return Function(
            label, params, body, self.f.free, origin=self.f.origin, primal=self.f.primal, annotations=self.f.annotations
        )

    def tangent_of(self, value: Expr, state: State, body: Block) -> Expr:
        """The tangent of a returned value, in its structure."""
        if isinstance(value, Op) and value.name in DISPLAYS:
            return Op(value.name, tuple(self.tangent_of(o, state, body) for o in value.operands), value.keywords)
        if not isinstance(value, Var):
            return value if value == Const(None) else Const(0.0)
        return self.in_structure(value, self.kinds.get(value, UNKNOWN), (), state, body)

    def in_structure(self, var: Var, kind: Kind, path: Path, state: State, body: Block) -> Expr:
        """The tangent of what a Var holds at a path, in its structure."""
        if kind.parts is None:
            return self.leaf(var, path, state, body) if kind.carries_derivative or not path else Const(None)
        parts = [self.in_structure(var, k, (*path, i), state, body) for i, k in enumerate(kind.parts)]
        if kind.sort == "dict":
            return dict_display(dict(zip(kind.keys or (), parts)))
        if kind.sort != "object" and not is_named_tuple(kind.cls):
            return Op("list" if kind.sort == "list" else "tuple", tuple(parts))
        like = atom(steps_along(var, self.kinds.get(var, UNKNOWN), path), out_emitter(body, {}, self.kinds))
        return like_object(kind, like, parts)

    def leaf(self, var: Var, path: Path, state: State, body: Block) -> Expr:
        if (var, path) not in state:
            body.append(self.zero(var, path))
        return self.dot(var, path)

    def zero(self, var: Var, path: Path) -> Assign:
        kind = kind_at(self.kinds.get(var, UNKNOWN), path)
        if kind.shape == () and not (kind.is_array and var in self.stored):
            return Assign(self.dot(var, path), Const(0j if kind.is_complex else 0.0))
        source = steps_along(var, self.kinds.get(var, UNKNOWN), path)
        if kind.sort == "list":
            return Assign(self.dot(var, path), Op("s2sad.runtime.containers.zeros_of", (source,)))
        if var in self.gaps:
            return Assign(self.dot(var, path), Op("s2sad.runtime.adjoints.zeros_with_strides", (source,)))
        return Assign(self.dot(var, path), zeros_like(source, kind))

    # ---- statements --------------------------------------------------------------------------------------------

    def block(self, block: Block, state: State) -> Block:
        out: Block = []
        for stmt in block:
            if not isinstance(stmt, Return):
                self.statement(stmt, state, out)
        return out

    def statement(self, stmt: Stmt, state: State, out: Block) -> None:
        if isinstance(stmt, (If, Try)):
            new = replace(stmt)
            ends = [dict(state), dict(state)]
            blocks = [self.block(b, end) for b, end in zip(blocks_of(stmt), ends)]
            body, after = blocks[0], list[Stmt]()
            if isinstance(stmt, Try):
                body, after = self.apart(stmt.body, blocks[0])
                blocks[0] = after
            for key in dict.fromkeys([*ends[0], *ends[1]]):
                for end, block, old in zip(ends, blocks, blocks_of(stmt)):
                    if key not in end and not exits(old):
                        is_bound = key[0] in self.surely_bound[id(old)]
                        block.append(self.zero(*key) if is_bound else Assign(self.dot(*key), Const(0.0)))
                        end[key] = None
            set_blocks(new, [body, blocks[1]])
            state.clear()
            state.update({**ends[0], **ends[1]})
            out.append(new)
            if isinstance(stmt, Try) and after:
                out += after if exits(stmt.handler) else [If(stmt.flag, [], after, origin=stmt.origin)]
        elif isinstance(stmt, (For, While)):
            entry = dict(state)
            while True:
                end = dict(entry)
                body = self.block(stmt.body, end)
                more = [k for k in end if k not in entry]
                if not more:
                    break
                entry.update(dict.fromkeys(more))
            inside = {
                v
                for s in walk(stmt.body)
                if isinstance(s, (Assign, Call, Restore))
                for v in ([s.var] if isinstance(s, Assign) else s.vars)
            }
            for key in entry:
                if key not in state:
                    if key[0] in inside and key[0] not in self.surely_bound[stmt]:
                        out.append(Assign(self.dot(*key), Const(0.0)))
                    else:
                        out.append(self.zero(*key))
                if key not in end:
                    body.append(self.zero(*key))
            loop = replace(stmt)
            set_blocks(loop, [body])
            state.clear()
            state.update(entry)
            out.append(loop)
        elif isinstance(stmt, Assign):
            self.assign(stmt, state, out)
        elif isinstance(stmt, Call):
            self.call(stmt, state, out)
        elif isinstance(stmt, Store):
            self.store(stmt, state, out)
        elif isinstance(stmt, Save):
            out.append(replace(stmt))
            dots = []
            for position in self.mode.activity.positions(stmt.site):
                var = stmt.vars[position]
                for path in same_leaves(self.mode.leaves, stmt, position, self.kinds.get(var, UNKNOWN)):
                    if (var, path) not in state:
                        out.append(self.zero(var, path))
                        state[(var, path)] = None
                    dots.append(self.dot(var, path))
            if dots:
                out.append(Save(self.mode.site(stmt.site), tuple(dots)))
        elif isinstance(stmt, Restore):
            popped: State = {}
            for position in self.mode.activity.positions(stmt.site):
                var = stmt.vars[position]
                kind = self.kinds.get(var, UNKNOWN)
                popped.update({(var, p): None for p in same_leaves(self.mode.leaves, stmt, position, kind)})
            if popped:
                out.append(Restore(self.mode.site(stmt.site), tuple(self.dot(*key) for key in popped)))
            out.append(replace(stmt))
            for key in [k for k in state if k[0] in stmt.vars]:
                del state[key]
            state.update(popped)
        else:
            out.append(replace(stmt))

    def apart(self, primal: Block, body: Block) -> tuple[Block, Block]:
        """The body of a `try` with its tangents, and what of them can follow it, so that no error of theirs is caught.

        Only what the primal binds once, and does not write into, is there for its tangents afterwards.
        """
        straight = all(isinstance(s, (Assign, Do, RawStmt, Enter, Leave)) for s in primal)
        bound = [v for s in primal for v in defs(s)]
        read_before = {v for k, s in enumerate(primal) for v in uses(s) if v in bound[k:]}
        if not straight or len(set(bound)) < len(bound) or read_before:
            return body, []
        return [s for s in body if s.group is None], [s for s in body if s.group is not None]

    def assign(self, stmt: Assign, state: State, out: Block) -> None:
        links = own(stmt)
        made: Block = []
        values = self.tangents(stmt, state, made, links)
        after = any(v is stmt.var for s in made if isinstance(s, Assign) for v in vars_of(s.expr)) or any(
            v is stmt.var for e in values.values() if e is not None for v in vars_of(e)
        )
        after = after and not any(v is stmt.var for v in vars_of(stmt.expr))
        if after:
            out.append(replace(stmt))
        out += made
        for path in self.paths(stmt.var):
            value = values.get(path)
            if value is None:
                state.pop((stmt.var, path), None)
            else:
                # What is new is apart from what it was made of, of which one or the other may be written into.
                if (
                    (stmt.var in self.stored or any(map(self.aliases.written, vars_of(stmt.expr))))
                    and is_fresh(stmt.expr, self.kinds)
                    and not is_fresh(value, self.kinds)
                    and self.kinds.get(stmt.var, UNKNOWN).shape != ()
                ):
                    value = Op("numpy.copy", (atom(value, out_emitter(out, links, self.kinds)),))
                out.append(Assign(self.dot(stmt.var, path), value, **links))
                state[(stmt.var, path)] = None
        if not after:
            out.append(replace(stmt))
        if stmt.var in self.stored and values.get(()) is None and stmt.var in self.activity.varied:
            # Views that are made of it must see what is written into its tangent later.
            out.append(self.zero(stmt.var, ()))
            state[(stmt.var, ())] = None

    def tangents(self, stmt: Assign, state: State, made: Block, links: dict[str, Any]) -> dict[Path, Expr | None]:
        """The tangents of an assignment's result by path; None where zero."""
        expr = stmt.expr
        if isinstance(expr, Var):
            return {p: self.dot(expr, p) if (expr, p) in state else None for p in self.paths(stmt.var)}
        if not isinstance(expr, Op) or stmt.var not in self.activity.varied:
            return {}
        if expr.name == "list" and self.kinds.get(stmt.var, UNKNOWN).element is not None:
            return {(): Op("list", tuple(self.dot_of_item(v, state, made) for v in expr.operands))}
        if expr.name in DISPLAYS:
            return self.display(expr, state)
        if expr.name in ("s2sad.append", "s2sad.shorter"):
            return {(): self.longer(expr, state, made)}
        base = expr.operands[0] if expr.operands else None
        if base is not None and is_component(expr, kind_of_expr(base, self.kinds)):
            kind = kind_of_expr(base, self.kinds)
            k = position_in(expr, kind)
            if is_of_class(expr, kind):
                return {}
            flat = isinstance(base, Var) and all(len(p) == 1 for p in self.paths(base)) and self.paths(stmt.var) == [()]
            if k is None and kind.items is not None and kind.keys is None and isinstance(base, Var) and flat:
                return {(): Op("operator.getitem", (self.items(base, len(kind.items), state, made), expr.operands[1]))}
            if k is None or not isinstance(base, Var):
                raise refused_component(stmt, expr, kind)
            return {p: self.dot(base, (k, *p)) if (base, (k, *p)) in state else None for p in self.paths(stmt.var)}
        entry = registry.find(rule_name(expr))
        if entry is None:
            raise refused_operation(stmt, expr)
        if entry.name == "operator.getitem":
            base, index = expr.operands
            if not isinstance(base, Var) or (base, ()) not in state:
                return {(): None}
            return {(): Op(expr.name, (self.dot(base), index))}
        return self.by_rule(stmt, expr, entry, state, made, links)

    def items(self, base: Var, count: int, state: State, made: Block) -> Var:
        """A tuple of the tangents of what a list or tuple holds."""
        for k in range(count):
            if (base, (k,)) not in state:
                made.append(self.zero(base, (k,)))
                state[(base, (k,))] = None
        held = Var(self.dot(base).hint, True)
        value = Op("tuple", tuple(self.dot(base, (k,)) for k in range(count)))
        self.kinds[held] = kind_of_expr(value, self.kinds)
        made.append(Assign(held, value))
        return held

    def longer(self, expr: Op, state: State, made: Block) -> Expr | None:
        """The tangent of a list with one more item, or one less."""
        found: list[Expr] = []
        for operand in expr.operands:
            if isinstance(operand, Var) and (operand, ()) in state:
                found.append(self.dot(operand))
                continue
            is_number = kind_of_expr(operand, self.kinds).shape == ()
            if isinstance(operand, Var) and not is_number:
                made.append(self.zero(operand, ()))
                found.append(self.dot(operand))
            elif isinstance(operand, Op) and not operand.operands:
                found.append(operand)
            else:
                found.append(Const(0.0) if is_number else Op("s2sad.runtime.containers.zeros_of", (operand,)))
        emit = out_emitter(made, {}, self.kinds)
        return Op(expr.name, tuple(atom(e, emit) for e in found))

    def dot_of_item(self, item: Expr, state: State, made: Block) -> Expr:
        """The tangent of an item of a list of unknown length, zero where it stands still."""
        if isinstance(item, Var) and (item, ()) not in state and kind_of_expr(item, self.kinds).shape != ():
            made.append(self.zero(item, ()))
        elif not isinstance(item, Var) or (item, ()) not in state:
            return Const(0.0)
        return self.dot(item)

    def display(self, expr: Op, state: State) -> dict[Path, Expr | None]:
        found: dict[Path, Expr | None] = {}
        for k, item in enumerate(expr.operands):
            if isinstance(item, Var):
                for path in self.paths(item):
                    found[(k, *path)] = self.dot(item, path) if (item, path) in state else None
            elif isinstance(item, Op):
                found.update({(k, *p): v for p, v in self.display(item, state).items()})
        return found

    def by_rule(
        self, stmt: Assign, op: Op, entry: registry.Rule, state: State, made: Block, links: dict[str, Any]
    ) -> dict[Path, Expr | None]:
        bound = bind(entry, op)
        values = case_values(entry, bound, lambda e: kind_of_expr(e, self.kinds))
        env = self.adjoints.environment(stmt, entry, bound)
        emit = out_emitter(made, links, self.kinds)
        count = max(entry.results, 1)
        totals: list[Expr | None] = [None] * count

        def add(term: Expr) -> None:
            terms = [flatten(term, emit)]
            if entry.results:
                whole = terms[0]
                if not (isinstance(whole, Op) and whole.name == "tuple"):
                    whole = atom(whole, emit)
                terms = [
                    whole.operands[k] if isinstance(whole, Op) else Op("operator.getitem", (whole, Const(k)))
                    for k in range(count)
                ]
            for k, more in enumerate(terms):
                total = totals[k]
                whole_kind = self.kinds.get(stmt.var, UNKNOWN)
                totals[k] = more if total is None else total_of(whole_kind, atom(total, emit), atom(more, emit))

        by_template: dict[str, Var] = {}
        for name, cases in entry.tangent.items():
            operand = bound.get(name)
            if isinstance(operand, tuple) or name == entry.sequence:
                term = self.sequence_tangent(stmt, entry, op, name, operand, values, env, state, made, links)
                if term is not None:
                    add(term)
                continue
            if self.is_list(operand, state):
                raise refused_list(stmt, entry)
            if not (isinstance(operand, Var) and (operand, ()) in state):
                if operand is not None and any((v, path) in state for v in vars_of(operand) for path in self.paths(v)):
                    reason = f"{entry.name} of a tuple or list cannot be differentiated"
                    raise S2sadError("S303", reason, stmt.origin, "use an array, as np.array([...])")
                continue
            text = choose(cases, values)
            if text is None:
                reason = f"{entry.name} has no tangent with respect to {name!r} for these arguments"
                raise S2sadError("S303", reason, stmt.origin, OTHER_ARGUMENTS)
            if text.startswith(TEMPLATE):
                by_template[name] = operand
                continue
            if text == "@same":
                term = with_argument(entry, op, name, self.dot(operand))
            else:
                term = instantiate(text, {**env, f"{name}_dot": self.dot(operand)})
            if (
                entry.elementwise
                and not same_shape(self.kinds.get(operand, UNKNOWN).shape, self.kinds.get(stmt.var, UNKNOWN).shape)
                and sum(isinstance(bound.get(n), Var) and (bound[n], ()) in state for n in entry.tangent) == 1
            ):
                term = Op("s2sad.rebroadcast", (term, stmt.var))
            add(term)
        for name in bound if entry.adjoint else ():
            operand = None if name in (*entry.tangent, *entry.constant) else bound[name]
            if not isinstance(operand, Var) or not self.kinds.get(operand, UNKNOWN).carries_derivative:
                continue
            if any((operand, path) in state for path in self.paths(operand)):
                if name not in entry.adjoint:
                    raise refused_parameter(stmt, entry, name)
                reason = f"{entry.name} has no tangent with respect to {name!r}"
                raise S2sadError("S303", reason, stmt.origin, "register it, or use reverse mode")
        if by_template:
            found = self.by_template(stmt, entry, by_template, self.adjoints.arguments(entry, bound), made, links)
            whole = self.kinds.get(stmt.var, UNKNOWN)
            for k, more in enumerate(found):
                first = totals[k]
                if more is not None:
                    totals[k] = more if first is None else total_of(whole, atom(first, emit), more)
        summed = {(k,): total for k, total in enumerate(totals)} if entry.results else {(): totals[0]}
        return {p: None if t is None else self.in_field(t, stmt.var, p, emit) for p, t in summed.items()}

    def in_field(self, tangent: Expr, var: Var, path: Path, emit: Any) -> Expr:
        """The tangent of what a Var holds as a real number where that is one, as a complex number where that is.

        Where that is not known, the tangent is what the value is: its formula is not one of a part of a number.
        """
        if not self.mode.is_complex:
            return tangent
        wanted = kind_at(self.kinds.get(var, UNKNOWN), path)
        return flatten(in_field(tangent, wanted, None, self.kinds), emit)

    def by_template(
        self,
        stmt: Assign,
        entry: registry.Rule,
        operands: dict[str, Var],
        arguments: dict[str, Expr],
        made: Block,
        links: dict[str, Any],
    ) -> list[Expr | None]:
        """The tangents of the results that a user's template gives for those of its arguments, zeros among them."""

        def value(role: tuple[str, Any]) -> Expr:
            what, which = role
            if what in ("result", "adjoint"):  # of an adjoint only the shape is read
                return results_of(stmt, entry, which)
            if what == "tangent" and which in operands:
                return self.dot(operands[which])
            given = argument_of(stmt, entry, arguments, which)
            if what == "argument":
                return given
            kind = kind_of_expr(given, self.kinds)
            return Const(0.0) if kind.shape == () else Op("numpy.zeros_like", (given,))

        several = range(entry.results) if entry.results else range(1)
        found: list[Expr | None]
        block, found = self.adjoints.templates.apply(entry, "tangent", several, value, links, operands)
        made += block
        for k, given in enumerate(found):
            if given is not None:
                whole = self.kinds.get(stmt.var, UNKNOWN)
                wanted = kind_at(whole, (k,)) if entry.results else whole
                check_fit(kind_of_expr(given, self.kinds), wanted, stmt, f"the tangent of {entry.name}")
        return found

    def is_list(self, operand: Any, state: State) -> bool:
        """Whether an operand is a list, or holds one, with a tangent that is not zero."""
        if isinstance(operand, Op):
            return operand.name in DISPLAYS and any(self.is_list(o, state) for o in operand.operands)
        kind = self.kinds.get(operand, UNKNOWN) if isinstance(operand, Var) else UNKNOWN
        several = kind.sort in ("list", "tuple") and kind.element is None
        return several and any((operand, path) in state for path in self.paths(operand))

    def sequence_tangent(
        self,
        stmt: Assign,
        entry: registry.Rule,
        op: Op,
        name: str,
        operand: Any,
        values: dict[str, Any],
        env: dict[str, Expr],
        state: State,
        made: Block,
        links: dict[str, Any],
    ) -> Expr | None:
        """The tangent through the items of a sequence: the operation on their tangents, or one term an item."""
        if isinstance(operand, Op) and operand.name in DISPLAYS:
            items: list[Expr] = list(operand.operands)
        elif isinstance(operand, tuple):
            items = list(operand)
        elif isinstance(operand, Var) and self.kinds.get(operand, UNKNOWN).items is not None:
            items = [Op("operator.getitem", (operand, Const(k))) for k in range(len(self.kinds[operand].items or ()))]
        else:
            if isinstance(operand, Var) and (operand, ()) in state:
                return with_argument(entry, op, name, self.dot(operand))
            return None
        dots: list[Expr | None] = []
        for k, item in enumerate(items):
            key = (operand, (k,)) if isinstance(operand, Var) else (item, ())
            if kind_of_expr(item, self.kinds).sort in ("list", "tuple") and self.is_list(item, state):
                raise refused_list(stmt, entry)
            dots.append(self.dot(*key) if key in state else None)
        if not any(dots):
            return None
        case = {**values, "count": len(items)}
        first = choose(entry.tangent[name], {**case, "item": kind_of_expr(items[0], self.kinds), "k": 0})
        if first == "@same" and name == entry.sequence:
            zeros = [d if d is not None else Op("numpy.zeros_like", (i,)) for d, i in zip(dots, items)]
            return with_argument(entry, op, name, Op("tuple", tuple(zeros)))
        total: Expr | None = None
        for k, (item, dot) in enumerate(zip(items, dots)):
            if dot is None:
                continue
            text = choose(entry.tangent[name], {**case, "item": kind_of_expr(item, self.kinds), "k": k})
            if text is None:
                raise S2sadError(
                    "S303", f"{entry.name} has no tangent for these arguments", stmt.origin, OTHER_ARGUMENTS
                )
            if text == "@same":
                # One item alone, by its position: the others may be the same Var.
                at = len(op.operands) - len(items) + k
                term: Expr = Op(op.name, (*op.operands[:at], dot, *op.operands[at + 1 :]), op.keywords, op.spelled)
            else:
                term = instantiate(
                    text,
                    {
                        **env,
                        "item": item,
                        "k": Const(k),
                        "count": Const(len(items)),
                        f"{name}_dot": dot,
                        "item_dot": dot,
                    },
                )
            total = term if total is None else total_of(self.kinds.get(stmt.var, UNKNOWN), total, term)
        return total

    def call(self, stmt: Call, state: State, out: Block) -> None:
        given = frozenset(
            i for i, a in enumerate(stmt.args) if any((v, p) in state for v in vars_of(a) for p in self.paths(v))
        )
        taped = self.mode.activity.touches_tape(stmt.callee)
        results = self.mode.activity.varied(stmt.callee, given)[1] if given or taped else frozenset()
        if stmt.callee not in self.mode.program.functions:
            if results and any(v in self.activity for v in stmt.vars):
                raise unreadable(self.mode.lowering, stmt)
            results, taped = frozenset(), False
        if not (results or taped):
            for v in stmt.vars:
                for p in self.paths(v):
                    state.pop((v, p), None)
            out.append(replace(stmt))
            return
        label = self.mode.callee(stmt.callee, given)
        extra = [self.tangent_of(stmt.args[i], state, out) for i in sorted(given)]
        if not stmt.vars:
            # Called for what it pushes on the tape.
            out.append(replace(stmt, callee=label, args=(*stmt.args, *extra), primal=len(stmt.args), group=stmt))
            return
        dots: list[Var] = []
        unpack: Block = []
        given_is_written = any(self.aliases.written(v) for a in stmt.args for v in vars_of(a))
        for position in sorted(results):
            var = stmt.vars[position]
            if self.paths(var) == [()]:
                if (var in self.stored or given_is_written) and self.kinds.get(var, UNKNOWN).shape != ():
                    # What is new memory in the callee may have a tangent that is not: `p + 1.0` has that of p.
                    given_dot = Var(self.dot(var).hint, True)
                    self.kinds[given_dot] = self.kinds[self.dot(var)]
                    unpack.append(Assign(self.dot(var), Op("numpy.copy", (given_dot,)), **own(stmt)))
                    dots.append(given_dot)
                else:
                    dots.append(self.dot(var))
                continue
            whole = Var(f"{var.hint}_dot", True)
            dots.append(whole)
            structure = self.kinds.get(var, UNKNOWN)
            self.kinds[whole] = structure
            for path in self.paths(var):
                item = flatten(steps_along(whole, structure, path), out_emitter(unpack, {}, self.kinds))
                unpack.append(Assign(self.dot(var, path), item))
        for v in stmt.vars:
            for p in self.paths(v):
                state.pop((v, p), None)
        args, vars = (*stmt.args, *extra), (*stmt.vars, *dots)
        out.append(replace(stmt, vars=vars, callee=label, args=args, primal=len(stmt.args), group=stmt))
        out += unpack
        for position in results:
            for p in self.paths(stmt.vars[position]):
                state[(stmt.vars[position], p)] = None

    def store(self, stmt: Store, state: State, out: Block) -> None:
        key = (stmt.base, ())
        carries = self.kinds.get(stmt.base, UNKNOWN).carries_derivative
        active = carries and isinstance(stmt.expr, Var) and (stmt.expr, ()) in state
        if active or stmt.base in self.activity.varied:
            if key not in state:
                out.append(self.zero(stmt.base, ()))
                state[key] = None
            value: Expr = self.dot(stmt.expr) if active else Const(0.0)  # type: ignore[arg-type]
            if active or stmt.how is None:
                out.append(Store(self.dot(stmt.base), stmt.index, value, stmt.how, stmt.own, **own(stmt)))
        out.append(replace(stmt))


def _made_and_stored(function: Function, kinds: Kinds, sharing: Sharing) -> set[Var]:
    """Names under which memory is made that is written later, by that name or another."""
    stores = [s for s in walk(function.body) if isinstance(s, Store)]
    aliases = alias_classes(function, kinds, sharing)
    made = {
        s.var
        for s in walk(function.body)
        if isinstance(s, Assign) and is_fresh(s.expr, kinds) and aliases.written(s.var)
    }
    given = {v for s in walk(function.body) if isinstance(s, Call) for v in s.vars if aliases.written(v)}
    return made | given | {s.base for s in stores}


def bound_at(entry: registry.Rule, position: int) -> str:
    """The name of the parameter that a positional operand binds."""
    positional = [p for p in entry.parameters if not p.keyword_only and not p.variadic]
    return positional[position].name if position < len(positional) else ""


def with_argument(entry: registry.Rule, op: Op, name: str, value: Expr) -> Op:
    """The operation with another value for one parameter, given by position or by name."""
    operands = tuple(value if bound_at(entry, i) == name else o for i, o in enumerate(op.operands))
    return Op(op.name, operands, tuple((k, value if k == name else v) for k, v in op.keywords), op.spelled)
