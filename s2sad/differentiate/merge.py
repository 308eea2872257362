"""Merge into its caller each function that writes into its arguments, or returns memory that is written into.

    def fill(out, x):                  y = np.zeros(n)
        out[:] = x * x           ->    y[:] = x * x
    y = np.zeros(n)
    fill(y, x)

What such a function does to memory depends on what its arguments share with other names of the caller, so it is
differentiated where it is called. After this pass a call changes nothing that its caller can see but the names that it
binds, and those stand for memory that is written into only if it is new.
"""

from __future__ import annotations

from s2sad.analysis.aliases import Aliases, alias_classes
from s2sad.analysis.kinds import Kinds
from s2sad.analysis.memory import has_memory, refuse_global_writes, user_stores
from s2sad.analysis.sharing import Sharing
from s2sad.analysis.storage.objects import same_names
from s2sad.differentiate.needs import unreadable
from s2sad.errors import S2sadError
from s2sad.frontend.lower import Lowering
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import Assign, Block, Call, Function, Label, Program, Stmt, Var, blocks_of, replace, walk
from s2sad.ir.walk import callees, rewrite_block, set_blocks, vars_of
from s2sad.ir.webs import replace_function


def merge_writers(program: Program, kinds: Kinds, lowering: Lowering) -> tuple[Program, Kinds]:
    """The program in which no call writes into memory that its caller holds, and the kinds of its Vars.

    Raises S2sadError S205 at a call that would have to be merged into itself, or into another module.
    """
    for function in program.functions.values():
        refuse_global_writes(function, kinds)
    writes = any(user_stores(f, kinds) for f in program.functions.values())
    if not writes and all(label in program.functions for f in program.functions.values() for label in callees(f)):
        return program, kinds
    return _Merging(program, dict(kinds), lowering).run()


class _Merging:
    def __init__(self, program: Program, kinds: Kinds, lowering: Lowering) -> None:
        self.lowering = lowering
        self.program = program
        self.kinds = kinds
        self.sharing = Sharing(program, kinds)
        self.done: dict[Label, Function] = {}
        self.open: list[Label] = []

    def run(self) -> tuple[Program, Kinds]:
        functions = {label: self.function(label) for label in self.program.functions}
        reached: dict[Label, None] = {}
        work = [self.program.entry]
        while work:
            label = work.pop()
            if label not in reached and label in functions:
                reached[label] = None
                work += callees(functions[label])
        kept = {label: f for label, f in functions.items() if label in reached}
        return Program(kept, self.program.entry), self.kinds

    def function(self, label: Label) -> Function:
        """A function with what has to be merged into it; while it is under way, as it is."""
        if label in self.done:
            return self.done[label]
        function = self.program.functions[label]
        if label in self.open:
            return function
        self.open.append(label)
        changed = True
        while changed:
            aliases = alias_classes(function, self.kinds, self.sharing)
            written = {aliases.root(s.base) for s in user_stores(function, self.kinds)}
            merged: dict[Stmt, Function] = {
                s: callee
                for s in walk(function.body)
                if isinstance(s, Call) and (callee := self.to_merge(s, aliases, written)) is not None
            }
            changed = bool(merged)
            if changed:
                function = self.with_merged(function, merged)
        self.open.pop()
        self.done[label] = function
        return function

    def to_merge(self, stmt: Call, aliases: Aliases, written: set[Var]) -> Function | None:
        """The function that a call calls, if it has to be merged."""
        if stmt.callee not in self.program.functions:
            # What a function does that cannot be read is not known: it may write into what it is given.
            if any(has_memory(v, self.kinds) for a in stmt.args for v in vars_of(a)):
                raise unreadable(self.lowering, stmt)
            return None
        callee = self.function(stmt.callee)
        inner = alias_classes(callee, self.kinds, self.sharing)
        given = [p.var for p in callee.params if has_memory(p.var, self.kinds)]
        outside = [*given, *callee.free.values()]
        # What the sweeps of a derivative write into is their own.
        stores = [s for s in user_stores(callee, self.kinds) if not s.own]
        writes = any(inner.may_share(s.base, v) for s in stores for v in outside)
        returned = [v for e in callee.results.values for v in vars_of(e) if has_memory(v, self.kinds)]
        shares = any(inner.may_share(r, v) for r in returned for v in outside)
        shares = shares or len(dict.fromkeys(map(inner.root, returned))) < len(returned)
        # A reverse sweep copies what a call gives it before it adds to that.
        shares = (
            shares
            and stmt.group is None
            and any(aliases.root(v) in written for v in stmt.vars if has_memory(v, self.kinds))
        )
        if not writes and not shares:
            return None
        what = "writes into its arguments" if writes else "returns memory that is written into"
        if stmt.callee in self.open:
            raise S2sadError(
                "S205",
                f"{stmt.callee.hint} {what} and calls itself, which cannot be followed",
                stmt.origin,
                "let it return a new array",
            )
        return callee

    def with_merged(self, function: Function, merged: dict[Stmt, Function]) -> Function:
        free = dict(function.free)
        imports = list(function.annotations.imports) if function.annotations is not None else []

        def block(old: Block) -> Block:
            made: Block = []
            for stmt in old:
                if stmt in merged:
                    assert isinstance(stmt, Call)
                    made += self.body_of(merged[stmt], stmt, function, free)
                    if merged[stmt].annotations is not None:
                        imports.extend(i for i in merged[stmt].annotations.imports if i not in imports)
                    continue
                new = replace(stmt)
                set_blocks(new, [block(b) for b in blocks_of(stmt)])
                made.append(new)
            return made

        body = block(function.body)
        annotations = function.annotations and replace(function.annotations, imports=imports)
        return replace(replace_function(function, body=body), free=free, annotations=annotations)

    def body_of(self, callee: Function, call: Call, caller: Function, free: dict[str, Var]) -> Block:
        """The body of a callee with Vars of its own, from the binding of its parameters to that of its results."""
        if not same_names(caller, callee):
            raise S2sadError(
                "S205",
                f"{callee.label.hint}, of another module, writes into memory of its caller, which cannot be followed",
                call.origin,
                "let it return a new array",
            )
        own: dict[Var, Var] = {}
        for name, var in callee.free.items():
            own[var] = free.setdefault(name, var)

        def change(var: Var) -> Var:
            if var not in own:
                own[var] = Var(var.hint, var.temporary)
                self.kinds[own[var]] = self.kinds.get(var, UNKNOWN)
            return own[var]

        starts: Block = [Assign(change(p.var), a, origin=call.origin) for p, a in zip(callee.params, call.args)]
        inner = rewrite_block(callee.body[:-1], change, change)
        values = rewrite_block([callee.results], change, change)[0]
        ends: Block = [Assign(v, e, origin=call.origin) for v, e in zip(call.vars, values.values)]  # type: ignore[attr-defined]
        return [*starts, *inner, *ends]
