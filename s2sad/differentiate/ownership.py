"""Own copies of the arguments that a function writes into, so that the caller's arrays stay as they are.

    def kernel(p):                          w = p.w
        w = p.w                       ->    w = np.copy(w)
        w[0] = 2.0                          w[0] = 2.0
"""

from __future__ import annotations

from s2sad.analysis.aliases import Aliases, alias_classes
from s2sad.analysis.kinds import Kinds
from s2sad.analysis.memory import VIEWS_OR_COPIES
from s2sad.analysis.sharing import Sharing
from s2sad.differentiate.adjoints import is_component
from s2sad.errors import S2sadError
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import Assign, Block, Const, Do, Expr, Function, Op, Param, Raw, Stmt, Store, Var, replace, walk
from s2sad.ir.walk import rewrite_block, uses
from s2sad.ir.webs import replace_function

_DISTINCT = "s2sad.runtime.checks.require_distinct"
_HOLDERS = ("object", "list", "tuple", "dict")


def with_own_arguments(function: Function, kinds: Kinds, sharing: Sharing) -> Function:
    """The function with copies of the parameters that it writes into, and of the arrays that these hold.

    Raises S2sadError S205 at a write into what an argument holds that is read in several places.
    """
    stores = [s for s in walk(function.body) if isinstance(s, Store) and not s.own]
    if not stores:
        return function
    aliases = alias_classes(function, kinds, sharing)
    written = {aliases.root(s.base) for s in stores}
    copies: dict[Var, Var] = {}
    reads: dict[Stmt, None] = {}
    for p in function.params:
        kind = kinds.get(p.var, UNKNOWN)
        if aliases.root(p.var) in written and kind.shape != ():
            if kind.sort in _HOLDERS:
                reads.update(dict.fromkeys(_reads_of_parts(function, kinds, p, stores, aliases)))
                continue
            copies[p.var] = Var(p.name)
            kinds[copies[p.var]] = kinds.get(p.var, UNKNOWN)
    if reads:
        aliases = alias_classes(_with_parts_apart(function, reads, kinds), kinds, sharing)
        written = {aliases.root(s.base) for s in stores}
        copies = {old: new for old, new in copies.items() if aliases.root(old) in written}
    parts = [r.var for r in reads if isinstance(r, Assign)]
    copied_parts = {v: Var(v.hint) for v in parts if aliases.root(v) in written}
    if not copies and not copied_parts:
        return function
    read_by_parts = {p.var for p in function.params if any(p.var in uses(r) for r in reads)}
    apart = {*copies, *copied_parts, *read_by_parts}
    outside = (*(p.var for p in function.params), *parts, *function.free.values())
    others = [v for v in outside if v not in apart and _may_hold_arrays(kinds.get(v, UNKNOWN))]
    # What is a view of an array with gaps between its cells has to be one of its copy.
    gaps = any(isinstance(s, Assign) and isinstance(s.expr, Op) and s.expr.name in VIEWS_OR_COPIES
               and aliases.root(s.var) in written for s in walk(function.body))  # fmt: skip

    def copied(v: Var) -> Op:
        return Op("s2sad.runtime.adjoints.copy_with_strides", (v, v)) if gaps else Op("numpy.copy", (v,))

    given = {**{old: old for old in copies}, **{new: old for old, new in copied_parts.items()}}
    for new, old in given.items():
        kinds[new] = kinds.get(old, UNKNOWN)
    check: Block = []
    if len(given) > 1 or others:
        given_apart = (Op("tuple", tuple(given)), Op("tuple", tuple(others)))
        check.append(Do(Op("s2sad.runtime.checks.require_apart", given_apart)))
    body = rewrite_block(function.body, lambda v: copies.get(v, v), lambda v: copies.get(v, v))
    prelude: Block = [Assign(new, copied(old)) for old, new in copies.items()]
    if not copied_parts:
        return replace_function(function, body=[*check, *prelude, *body])
    last = max(k for k, stmt in enumerate(function.body) if stmt in reads)
    made: Block = prelude
    for k, stmt in enumerate(body):
        if isinstance(stmt, Assign) and stmt.var in copied_parts:
            held = copied_parts[stmt.var]
            made += [replace(stmt, var=held), replace(stmt, expr=copied(held))]
        else:
            made.append(stmt)
        if k == last:
            made += check
    return replace_function(function, body=made)


def _reads_of_parts(
    function: Function, kinds: Kinds, param: Param, stores: list[Store], aliases: Aliases
) -> list[Assign]:
    """The statements that read the arrays that an argument holds, each in one place that every call passes once."""
    held = {param.var}
    found: list[Assign] = []
    seen: set[tuple[Var, Expr]] = set()
    outermost = set(function.body)
    for stmt in walk(function.body):
        if not any(v in held for v in uses(stmt)):
            continue
        if isinstance(stmt, Do) and isinstance(stmt.expr, Op) and stmt.expr.name == _DISTINCT:
            continue
        expr = stmt.expr if isinstance(stmt, Assign) else None
        base = expr.operands[0] if isinstance(expr, Op) and expr.operands else None
        is_read = isinstance(stmt, Assign) and stmt in outermost and base in held and isinstance(expr, Op)
        if is_read and isinstance(expr, Op) and expr.name == "builtins.len":
            continue
        is_read = is_read and isinstance(expr, Op) and is_component(expr, kinds.get(base, UNKNOWN))  # type: ignore[arg-type]
        is_read = is_read and all(isinstance(o, Const) for o in expr.operands[1:])  # type: ignore[union-attr]
        if not is_read or (base, expr) in seen:
            at = next(s for s in stores if aliases.may_share(s.base, param.var))
            reason = f"a write into what the argument {param.name!r} holds is not supported"
            raise S2sadError("S205", reason, at.origin, "pass the array itself, or write into a copy")
        assert isinstance(stmt, Assign) and isinstance(base, Var) and expr is not None
        seen.add((base, expr))
        kind = kinds.get(stmt.var, UNKNOWN)
        if kind.sort in _HOLDERS:
            held.add(stmt.var)
        elif kind.sort in ("array", "unknown") and kind.shape != ():
            found.append(stmt)
    return found


def _may_hold_arrays(kind: Kind) -> bool:
    """Whether a value is an array, or holds some."""
    if kind.sort in _HOLDERS:
        return kind.parts is None or any(map(_may_hold_arrays, kind.parts))
    return kind.sort in ("array", "unknown") and kind.shape != ()


def _with_parts_apart(function: Function, reads: dict[Stmt, None], kinds: Kinds) -> Function:
    """The function as if what an argument holds came from elsewhere."""
    body: Block = []
    for stmt in function.body:
        if stmt in reads and isinstance(stmt, Assign):
            stmt = replace(stmt, expr=Raw(None, (), True, kinds.get(stmt.var, UNKNOWN)))
        body.append(stmt)
    return replace_function(function, body=body)
