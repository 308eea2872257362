"""Make every `Try` all or nothing: what its body does before it fails is not seen afterwards.

    try:                               try failed1:
        x = f(x)                           x = f(x)
        y = g(x)                       if not failed1:
    except ValueError:          ->         try failed2:
        r = x                                  y = g(x)
                                       failed = failed1 or failed2
                                       if failed:
                                           r = x

A name that the handler or what follows it may read, and a write into memory, is a *trace*. A body is left whole where
only its last statement leaves one; else it is cut behind each statement that does. So a derivative knows what ran: of
each part it is told whether it succeeded. Loops that leave traces are broken where a part of their body fails.
"""

from __future__ import annotations

from collections.abc import Callable

from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Break,
    Const,
    Do,
    Enter,
    For,
    Function,
    If,
    Leave,
    Op,
    RawStmt,
    Save,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import breaks, defs, exits, set_blocks, uses
from s2sad.ir.webs import replace_function
from s2sad.rules import writers
from s2sad.rules.binding import IN_PLACE


def cut_attempts(function: Function, note: Callable[[Var, Var], None] = lambda new, like: None) -> Function:
    """The function with bodies of `Try` that are all or nothing. `note` gets each new flag and one that is like it."""
    if not any(isinstance(s, Try) for s in walk(function.body)):
        return function
    return replace_function(function, body=_Cutting(_read_after_failure(function), note).block(function.body))


def cannot_fail(stmt: Stmt) -> bool:
    """Whether a statement raises nothing: it gives a value another name, pushes on a tape, leaves a context.

    >>> cannot_fail(Assign(Var("x"), Const(1))), cannot_fail(Assign(Var("x"), Op("numpy.sqrt", (Const(-1),))))
    (True, False)
    """
    if isinstance(stmt, Assign):
        return not isinstance(stmt.expr, Op) or stmt.expr.name in DISPLAYS or stmt.expr.name in _CERTAIN
    if isinstance(stmt, If):
        return not isinstance(stmt.test, Op) and all(cannot_fail(s) for b in blocks_of(stmt) for s in b)
    return isinstance(stmt, (Save, Leave, Break))


#: Operations that give a value whatever they are given.
_CERTAIN = frozenset({"s2sad.function", "builtins.isinstance", "builtins.type", "operator.is_", "operator.is_not"})


def _writes(stmt: Stmt) -> bool:
    """Whether a statement itself writes into memory."""
    if isinstance(stmt, Assign) and isinstance(stmt.expr, Op):
        op = stmt.expr
        return op.name in IN_PLACE or writers.may_write(op.name, len(op.operands), dict(op.keywords))
    return isinstance(stmt, Store) or (isinstance(stmt, Do) and stmt.may_write)


def _read_after_failure(function: Function) -> dict[Try, set[Var]]:
    """For each `Try` the Vars whose values its handler, or what follows that, may read."""
    found: dict[Try, set[Var]] = {}

    def block(statements: Block, live: set[Var], raised: set[Var]) -> set[Var]:
        """What is live before a block, given what is live after it, and where an exception in it is caught."""
        told: tuple[object, set[Var]] = (None, set())  # what is live where the test of an `if` says that a part failed
        for stmt in reversed(statements):
            test, after_failure = told
            told = (None, set())
            if isinstance(stmt, If):
                one, other = (block(b, set(live), raised) for b in blocks_of(stmt))
                live, told = one | other, (stmt.test, one | raised)
            elif isinstance(stmt, (For, While)):
                head = set(live)
                while True:
                    again = block(stmt.body, set(head), raised) - set(defs(stmt)) | head
                    if isinstance(stmt, While):
                        again.update(uses(stmt))
                    if again == head:
                        break
                    head = again
                live = head
            elif isinstance(stmt, Try):
                failed = block(stmt.handler, after_failure if test is stmt.flag else set(live), raised)
                failed -= set(defs(stmt))
                found[stmt] = found.get(stmt, set()) | failed
                live = block(stmt.body, live, failed | raised) | failed
            elif isinstance(stmt, RawStmt) and stmt.exits:
                live = set()
            else:
                live = live - set(defs(stmt))
            live = live | set(uses(stmt)) | raised
        return live

    block(function.body, set(), set())
    return found


class _Cutting:
    def __init__(self, read: dict[Try, set[Var]], note: Callable[[Var, Var], None]) -> None:
        self.read = read
        self.note = note

    def block(self, old: Block) -> Block:
        made: Block = []
        for stmt in old:
            if isinstance(stmt, Try):
                made += self.attempt(stmt)
                continue
            new = replace(stmt)
            set_blocks(new, [self.block(b) for b in blocks_of(stmt)])
            made.append(new)
        return made

    def attempt(self, stmt: Try) -> Block:
        """A `Try` as it is, where its body is all or nothing; else in parts, and the handler under a test."""
        body, handler = self.block(stmt.body), self.block(stmt.handler)
        part = _Parts(stmt, self.read[stmt], self.note)
        if not any(map(part.leaves_trace, body[:-1])) and (not body or part.is_whole(body[-1])):
            return [replace(stmt, body=body, handler=handler)]
        made: Block = []
        failed = part.cut(body, made)
        made.append(Assign(stmt.flag, failed if failed is not None else Const(False), origin=stmt.origin))
        made.append(If(stmt.flag, handler, [], origin=stmt.origin))
        return made


class _Parts:
    """Cuts the body of one `Try`."""

    def __init__(self, attempt: Try, read: set[Var], note: Callable[[Var, Var], None]) -> None:
        self.attempt = attempt
        self.read = read
        self.note = note

    def flag(self) -> Var:
        var = Var(self.attempt.flag.hint, True)
        self.note(var, self.attempt.flag)
        return var

    def leaves_trace(self, stmt: Stmt) -> bool:
        """Whether something that a statement does is seen after a failure; a jump out of the body is, too."""
        return breaks([stmt]) or any(_writes(s) or any(v in self.read for v in defs(s)) for s in walk([stmt]))

    def is_whole(self, stmt: Stmt) -> bool:
        """Whether a statement is done or not, as a whole: one that holds no others, or an attempt in this one."""
        if isinstance(stmt, Try):
            return not any(map(self.leaves_trace, stmt.handler))
        return not isinstance(stmt, (If, For, While)) or not self.leaves_trace(stmt)

    def cut(self, block: Block, out: Block) -> Var | None:
        """Append a block in parts; give the flag that tells whether one failed, None where none can."""
        for position, stmt in enumerate(block):
            rest = block[position + 1 :]
            if isinstance(stmt, Enter):
                end = _leave(rest)
                if any(map(self.leaves_trace, rest[:end])):
                    return self.before(block[:position], out, lambda o, s=stmt, r=rest, e=end: self.within(s, r, e, o))  # type: ignore[misc]
            if not self.leaves_trace(stmt):
                continue
            if isinstance(stmt, Try) and any(map(self.leaves_trace, stmt.handler)):
                parts = [replace(stmt, handler=[]), If(stmt.flag, stmt.handler, [], origin=stmt.origin)]
                return self.cut([*block[:position], *parts, *rest], out)
            if not self.is_whole(stmt):
                return self.before(block[:position], out, lambda o, s=stmt, r=rest: self.compound(s, r, o))  # type: ignore[misc]
            return self.before(block[: position + 1], out, lambda o, r=rest: self.cut(r, o))  # type: ignore[misc]
        return self.before(block, out, lambda o: None)

    def before(self, part: Block, out: Block, more: Callable[[Block], Var | None]) -> Var | None:
        """Append one part as an attempt, and where it succeeds what `more` appends."""
        if all(map(cannot_fail, part)):
            out += part
            return more(out)
        failed = self.flag()
        out.append(replace(self.attempt, flag=failed, body=part, handler=[]))
        return self.unless(failed, out, more)

    def unless(self, failed: Var, out: Block, more: Callable[[Block], Var | None]) -> Var:
        """Append what runs unless a part failed; give the flag of both."""
        rest: Block = []
        later = more(rest)
        if not rest:
            return failed
        branch = If(failed, [], rest, origin=self.attempt.origin)
        out.append(branch)
        if later is None:
            return failed
        both = self.flag()
        branch.body.append(Assign(both, failed))
        rest.append(Assign(both, later))
        return both

    def within(self, enter: Enter, rest: Block, end: int, out: Block) -> Var | None:
        """A context, which is left whether its body fails or not, and what follows it."""
        out.append(enter)
        failed = self.cut(rest[:end], out)
        out.append(rest[end])
        if failed is None:
            return self.cut(rest[end + 1 :], out)
        return self.unless(failed, out, lambda o: self.cut(rest[end + 1 :], o))

    def compound(self, stmt: Stmt, rest: Block, out: Block) -> Var | None:
        """A branch or loop that leaves traces, and what follows it."""
        failed = self.flag()
        new = replace(stmt)
        if isinstance(new, If):
            blocks: list[Block] = []
            for inner in blocks_of(stmt):
                made: Block = []
                later = self.cut(inner, made)
                blocks.append(made if exits(made) else [*made, Assign(failed, later or Const(False))])
            set_blocks(new, blocks)
        else:
            assert isinstance(new, (For, While))
            out.append(Assign(failed, Const(False)))
            new.body = self.trip(new, failed)
        out.append(new)
        return self.unless(failed, out, lambda o: self.cut(rest, o))

    def trip(self, loop: For | While, failed: Var) -> Block:
        """The body of a loop that is over where a part of it fails; so it is where the test of a `while` does."""
        made: Block = []
        if isinstance(loop, While) and not isinstance(loop.test, Const):
            test, over = Var("t", True), Var("t", True)
            self.note(test, self.attempt.flag)
            self.note(over, self.attempt.flag)
            asked: Block = [Assign(test, loop.test, origin=loop.origin), Assign(over, Op("operator.not_", (test,)))]
            branch = If(over, [Break(origin=loop.origin)], loop.body, origin=loop.origin)
            loop.test = Const(True)
            later = self.before(asked, made, lambda o: self.cut([branch], o))
        else:
            later = self.cut(loop.body, made)
        if later is not None:
            made.append(If(later, [Assign(failed, later), Break(origin=loop.origin)], []))
        return made


def _leave(block: Block) -> int:
    """The position at which the context is left that was entered before a block."""
    depth = 1
    for position, stmt in enumerate(block):
        depth += isinstance(stmt, Enter) - isinstance(stmt, Leave)
        if not depth:
            return position
    raise AssertionError("a context that is not left")
