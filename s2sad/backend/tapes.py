"""Lay tapes out: Save and Restore at abstract sites become pushes and pops on Python lists.

A save that happens once needs no tape: it is another name. In an entry function each site has a list of its own; all
sites of the halves of callees share one list, which they take as a trailing parameter.
"""

from __future__ import annotations

import gast

from s2sad.analysis.effects import TAPE_OPS
from s2sad.analysis.kinds import Kinds
from s2sad.ir.attempts import cannot_fail
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import (
    Assign,
    Block,
    Call,
    Const,
    Do,
    For,
    Function,
    Label,
    Op,
    Param,
    Program,
    Restore,
    Save,
    Site,
    Stack,
    Stmt,
    Try,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, exits, set_blocks, uses
from s2sad.ir.webs import replace_function

#: The callee of a pop that binds several Vars.
POP = Label("pop")
PUSH_OP, POP_OP, _, REWIND_OP = TAPE_OPS


def name_single_saves(program: Program, kinds: Kinds) -> Program:
    """The program whose entry keeps a value that is saved outside any loop under another name."""
    main = program.main
    looped: set[Site] = set()
    for stmt in walk(main.body):
        if isinstance(stmt, (For, While)):
            looped.update(s.site for s in walk(stmt.body) if isinstance(s, (Save, Restore)))
    shared = {
        s.site
        for label, f in program.functions.items()
        if label is not program.entry
        for s in walk(f.body)
        if isinstance(s, (Save, Restore))
    }
    kept: dict[tuple[Site, int], Var] = {}

    def block(old: Block) -> Block:
        made: Block = []
        for stmt in old:
            if isinstance(stmt, (Save, Restore)) and stmt.site not in looped and stmt.site not in shared:
                for position, var in enumerate(stmt.vars):
                    key = (stmt.site, position)
                    if key not in kept:
                        kept[key] = Var(var.hint, True)
                        kinds[kept[key]] = kinds.get(var, UNKNOWN)
                    if isinstance(stmt, Save):
                        made.append(Assign(kept[key], var, origin=stmt.origin))
                    else:
                        made.append(Assign(var, kept[key], origin=stmt.origin, group=stmt.group, quote=stmt.quote))
                continue
            if blocks_of(stmt):
                stmt = replace(stmt)
                set_blocks(stmt, [block(b) for b in blocks_of(stmt)])
            made.append(stmt)
        return made

    functions = {**program.functions, program.entry: replace_function(main, body=block(main.body))}
    return Program(functions, program.entry)


def lay_out_tapes(program: Program, kinds: Kinds) -> Program:
    """The program without Save and Restore."""
    needs = _stacks_needed(program)
    counting = _counting_tapes(program)
    tapes: dict[tuple[Label, Stack], Var] = {}
    functions: dict[Label, Function] = {}
    # Tapes stand between the primal's parameters and the adjoints of the results.
    places = {label: sum(not p.seed for p in f.params) for label, f in program.functions.items()}
    for label, function in program.functions.items():
        params = list(function.params)
        prelude: Block = []
        for position, stack in enumerate(needs[label]):
            hint = stack.hint if stack.hint in ("tape", "tape_bar", "tape_dot") else f"{stack.hint}_tape"
            hint = _free(hint, params)
            tapes[(label, stack)] = Var(hint)
            kinds[tapes[(label, stack)]] = Kind("list")
            if label is program.entry:
                prelude.append(Assign(tapes[(label, stack)], Op("list")))
            else:
                annotation = gast.Name("list", gast.Load(), None, None)
                params.insert(places[label] + position, Param(tapes[(label, stack)], hint, annotation=annotation))
        body = _lay_out(function.body, label, tapes, needs, places, counting)
        functions[label] = replace_function(function, params=params, body=_late(prelude, body))
    return Program(functions, program.entry)


def _counting_tapes(program: Program) -> dict[Stmt, Stack]:
    """The loops that run as long as there is something on a tape, with that tape, in place of a count of trips.

    That is where a trip was counted the one push on the tape stands, and in the loop the one pop; and where the count
    begins and the loop stands no loop is around them, so that the tape holds nothing else.
    """
    main = program.main
    others = [f for f in program.functions.values() if f is not main]
    shared = {s.site.stack for f in others for s in walk(f.body) if isinstance(s, (Save, Restore))}
    blocks: dict[Stmt, Block] = {}
    looped: set[Stmt] = set()
    for outer in (None, *walk(main.body)):
        for block in (main.body,) if outer is None else blocks_of(outer):
            blocks.update(dict.fromkeys(block, block))
        if isinstance(outer, (For, While)):
            looped.update(walk(outer.body))
    binders: dict[Var, list[Stmt]] = {}
    readers: dict[Var, list[Stmt]] = {}
    pushes: dict[Stack, list[Save]] = {}
    pops: dict[Stack, list[Restore]] = {}
    for stmt in blocks:
        for var in defs(stmt):
            binders.setdefault(var, []).append(stmt)
        for var in dict.fromkeys(uses(stmt)):
            readers.setdefault(var, []).append(stmt)
        if isinstance(stmt, Save):
            pushes.setdefault(stmt.site.stack, []).append(stmt)
        elif isinstance(stmt, Restore):
            pops.setdefault(stmt.site.stack, []).append(stmt)
    found: dict[Stmt, Stack] = {}
    for loop in blocks:
        if not isinstance(loop, For) or loop in looped or readers.get(loop.target):
            continue
        count = loop.iter.operands[0] if isinstance(loop.iter, Op) and len(loop.iter.operands) == 1 else None
        bound = binders.get(count, []) if isinstance(count, Var) else []
        steps = [s for s in bound if s in readers.get(count, ())]  # type: ignore[arg-type]
        starts = [s for s in bound if s not in steps and isinstance(s, Assign) and s.expr == Const(0)]
        if len(bound) != 2 or len(steps) != 1 or len(starts) != 1 or starts[0] in looped:
            continue
        if not (isinstance(steps[0], Assign) and steps[0].expr == Op("operator.add", (count, Const(1)))):  # type: ignore[arg-type]
            continue
        for stack, saves in pushes.items():
            restores = pops.get(stack, [])
            if (
                len(saves) == len(restores) == 1
                and stack not in shared
                and blocks[saves[0]] is blocks[steps[0]]
                and blocks[restores[0]] is loop.body
                and set(readers[count]) == {steps[0], loop}  # type: ignore[index]
            ):
                found[loop] = stack
                break
    return found


def _free(hint: str, params: list[Param]) -> str:
    """The hint, with a number where a parameter has that name."""
    names = {p.name for p in params}
    return next(name for name in (hint, *(f"{hint}{k}" for k in range(2, len(names) + 3))) if name not in names)


def _late(prelude: Block, body: Block) -> Block:
    """New lists, made just before the first statement that could push: the first compound one or call."""
    made = {v for s in prelude for v in defs(s)}

    def may_use(stmt: Stmt) -> bool:
        return bool(blocks_of(stmt)) or isinstance(stmt, (Call, Do)) or any(v in made for v in uses(stmt))

    at = next((i for i, s in enumerate(body) if may_use(s)), len(body))
    return [*body[:at], *prelude, *body[at:]]


def _stacks_needed(program: Program) -> dict[Label, dict[Stack, None]]:
    """For each function the tapes that it, or what it calls, pushes on or pops from."""
    needs: dict[Label, dict[Stack, None]] = {}
    for label, function in program.functions.items():
        needs[label] = {s.site.stack: None for s in walk(function.body) if isinstance(s, (Save, Restore))}
    changed = True
    while changed:
        changed = False
        for label, function in program.functions.items():
            for stmt in walk(function.body):
                if isinstance(stmt, Call):
                    for stack in needs.get(stmt.callee, ()):
                        if stack not in needs[label]:
                            needs[label][stack] = None
                            changed = True
    return needs


def _lay_out(
    block: Block,
    label: Label,
    tapes: dict[tuple[Label, Stack], Var],
    needs: dict[Label, dict[Stack, None]],
    places: dict[Label, int],
    counting: dict[Stmt, Stack],
) -> Block:
    made: Block = []
    for stmt in block:
        new: Stmt = replace(stmt)
        if isinstance(stmt, Save):
            tape = tapes[(label, stmt.site.stack)]
            value = stmt.vars[0] if len(stmt.vars) == 1 else Op("tuple", stmt.vars)
            new = Do(Op(PUSH_OP, (tape, value)), origin=stmt.origin, group=stmt.group)
        elif isinstance(stmt, Restore):
            tape = tapes[(label, stmt.site.stack)]
            links = {"origin": stmt.origin, "group": stmt.group, "quote": stmt.quote}
            if len(stmt.vars) == 1:
                new = Assign(stmt.vars[0], Op(POP_OP, (tape,)), **links)  # type: ignore[arg-type]
            else:
                new = Call(stmt.vars, POP, (tape,), **links)  # type: ignore[arg-type]
        elif isinstance(stmt, Call) and needs.get(stmt.callee):
            extra = tuple(tapes[(label, s)] for s in needs[stmt.callee])
            at = places[stmt.callee]
            new = replace(stmt, args=(*stmt.args[:at], *extra, *stmt.args[at:]))
        elif stmt in counting:
            links = {"origin": stmt.origin, "group": stmt.group, "quote": stmt.quote}
            new = While(tapes[(label, counting[stmt])], [], **links)  # type: ignore[arg-type]
        if blocks_of(stmt):
            set_blocks(new, [_lay_out(b, label, tapes, needs, places, counting) for b in blocks_of(stmt)])
        if isinstance(stmt, Try) and isinstance(new, Try):
            for stack in _pushed_before_failure(stmt, needs):
                length = Var("length", True)
                made.append(Assign(length, Op("builtins.len", (tapes[(label, stack)],)), origin=stmt.origin))
                new.handler.insert(0, Do(Op(REWIND_OP, (tapes[(label, stack)], length)), origin=stmt.origin))
        made.append(new)
    return made


def _pushed_before_failure(stmt: Try, needs: dict[Label, dict[Stack, None]]) -> dict[Stack, None]:
    """The tapes that the body of a `try` may have pushed on when it fails: these are cut back to what they held."""
    if exits(stmt.handler):
        return {}
    last = max((k for k, s in enumerate(stmt.body) if not cannot_fail(s)), default=-1)
    found: dict[Stack, None] = {}
    for inner in walk(stmt.body[: last + 1]):
        if isinstance(inner, Save):
            found[inner.site.stack] = None
        elif isinstance(inner, Call):
            found.update(needs.get(inner.callee, {}))
    return found
