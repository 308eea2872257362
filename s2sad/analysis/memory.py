"""Arrays that the user's code writes into: which names stand for the same memory, and how an adjoint follows them.

In a class of names that may share memory and of which one is written,
- a *snapshot* is a view or second name that nothing writes into and whose memory nothing writes while it is in use: it
  is a value like any other;
- a *root* is where the memory is made; all other names are views of it, or the same object under another name. Their
  adjoints are the same views of the root's adjoint buffer: aliases alias, with nothing left to do in reverse.

A class whose names cannot be led back to one root is refused (S205).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from s2sad.analysis.aliases import Aliases, alias_classes, is_fresh, shared_operands
from s2sad.analysis.kinds import Kinds
from s2sad.analysis.places import Places
from s2sad.errors import S2sadError
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import Assign, Call, Function, Op, Restore, Store, Var, walk
from s2sad.ir.walk import defs, vars_of

#: Operations whose result is always a view, cell for cell, of their first operand.
VIEWS = frozenset({
    "operator.getitem", "numpy.ndarray.T", "numpy.ndarray.mT", "numpy.ndarray.transpose", "numpy.transpose", "numpy.swapaxes",
    "numpy.ndarray.swapaxes", "numpy.moveaxis", "numpy.expand_dims", "numpy.squeeze", "numpy.ndarray.squeeze", "numpy.flip",
})  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """The written memory of a function.

    routes: buffer name -> the root, and the assignments that lead from the root to it. Names without one are values.
    """

    aliases: Aliases
    routes: dict[Var, tuple[Var, tuple[Assign, ...]]]
    stored: frozenset[Var]

    def is_written(self, var: Var) -> bool:
        """Whether the user's code writes into memory that a Var may reach."""
        return self.aliases.root(var) in self.stored

    def is_alias(self, var: Var) -> bool:
        """Whether a Var is a second name or a view of a buffer, so that its adjoint is a view of the root's."""
        return var in self.routes and self.routes[var][0] is not var


def user_stores(function: Function) -> list[Store]:
    """The writes whose memory may have other names: those of the user's own code, and those through a view.

    All other writes of a derivative go to buffers of its own, which have one name.
    """
    views = {
        s.var for s in walk(function.body)
        if isinstance(s, Assign) and (isinstance(s.expr, Var) or (isinstance(s.expr, Op) and bool(shared_operands(s.expr))))
    }  # fmt: skip
    return [s for s in walk(function.body) if isinstance(s, Store) and (s.group is None or s.base in views)]


def written_memory(function: Function, kinds: Kinds, active: Container[Var]) -> Memory:
    """The memory facts of a function. Raises S2sadError S205 where aliases of active memory cannot be followed."""
    aliases = alias_classes(function, kinds)
    stores = user_stores(function)
    stored = frozenset(aliases.root(s.base) for s in stores)
    if not stores:
        return Memory(aliases, {}, stored)
    places = Places(function)
    binders: dict[Var, list[object]] = {p.var: [p] for p in function.params}
    for v in function.free.values():
        binders[v] = [function]
    for stmt in walk(function.body):
        for v in defs(stmt):
            binders.setdefault(v, []).append(stmt)
    routes: dict[Var, tuple[Var, tuple[Assign, ...]]] = {}
    for root in dict.fromkeys(aliases.root(s.base) for s in stores):
        members = [v for v in binders if aliases.root(v) is root and has_memory(v, kinds)]
        if not any(v in active for v in members):
            continue
        mine = [s for s in stores if aliases.root(s.base) is root]
        _follow(function, members, mine, binders, places, routes, kinds)
    return Memory(aliases, routes, stored)


def has_memory(var: Var, kinds: Kinds) -> bool:
    kind = kinds.get(var, UNKNOWN)
    return kind.shape != () and kind.sort in ("array", "unknown", "list", "tuple", "dict", "object")


def _follow(
    function: Function, members: list[Var], stores: list[Store], binders: dict[Var, list[object]], places: Places,
    routes: dict[Var, tuple[Var, tuple[Assign, ...]]], kinds: Kinds,
) -> None:  # fmt: skip
    bases = {s.base for s in stores}
    buffers = [v for v in members if not _is_snapshot(v, bases, stores, binders, places)]
    roots = [v for v in buffers if len(binders[v]) == 1 and _is_root(binders[v][0])]
    if len(roots) != 1:
        names = ", ".join(dict.fromkeys(repr(v.hint) for v in buffers if not v.temporary))
        raise S2sadError(
            "S205", f"which memory the names {names or 'here'} share cannot be followed", stores[0].origin,
            "write into an array that has one name, made in one place; copy it where another name is needed",
        )
    root = roots[0]
    routes[root] = (root, ())
    waiting = [v for v in buffers if v is not root]
    while waiting:
        rest = []
        for v in waiting:
            definition = binders[v][0]
            if len(binders[v]) == 1 and isinstance(definition, Assign):
                parents = [w for w in shared_operands(definition.expr) if w in routes]
                if len(set(parents)) == 1 and _is_view(definition, routes[parents[0]][0], binders):
                    routes[v] = (root, (*routes[parents[0]][1], definition))
                    _check_steady(v, definition, parents[0], places)
                    continue
            rest.append(v)
        if len(rest) == len(waiting):
            at = next((b for v in rest for b in binders[v] if isinstance(b, Assign)), stores[0])
            raise S2sadError(
                "S205", f"whether {rest[0].hint!r} shares the memory of {root.hint!r} cannot be proved", at.origin,
                f"make {rest[0].hint!r} a copy, or write {root.hint!r} by its own name",
            )
        waiting = rest


def _is_root(binder: object) -> bool:
    return isinstance(binder, Assign) and is_fresh(binder.expr)


def _is_view(definition: Assign, root: Var, binders: dict[Var, list[object]]) -> bool:
    """Whether an assignment gives the same object, or a view of it cell for cell."""
    expr = definition.expr
    if isinstance(expr, Var):
        return True
    if not isinstance(expr, Op):
        return False
    if expr.name in VIEWS:
        return True
    made = binders[root][0]
    contiguous = isinstance(made, Assign) and isinstance(made.expr, Op) and made.expr.name in ("numpy.zeros", "numpy.ones", "numpy.empty", "numpy.full")
    direct = expr.operands[:1] == (root,)
    return contiguous and direct and expr.name in ("numpy.reshape", "numpy.ndarray.reshape", "numpy.ravel", "numpy.ndarray.ravel")


def _check_steady(var: Var, definition: Assign, parent: Var, places: Places) -> None:
    """What a view's index was made of must still hold while the view is in use."""
    position, loops = places.at[definition]
    last = places.last_use(var, loops)
    for operand in vars_of(definition.expr):
        if operand is not parent and not places.steady(operand, position, last):
            raise S2sadError(
                "S205", f"the view {var.hint!r} is written while {operand.hint!r}, which made it, has changed", definition.origin,
                "index the array again instead of keeping the view",
            )


def _is_snapshot(var: Var, bases: set[Var], stores: list[Store], binders: dict[Var, list[object]], places: Places) -> bool:
    """Whether nothing writes into the memory of a view or second name while it is in use."""
    if var in bases or len(binders[var]) != 1:
        return False
    definition = binders[var][0]
    if isinstance(definition, (Call, Restore)):
        return False
    if not isinstance(definition, Assign):
        return False
    if is_fresh(definition.expr):
        # A root that is not written by its own name: it matters if another name of it is.
        return not any(True for _ in stores)
    position, loops = places.at[definition]
    if not places.read_after_binding(var, position, loops):
        return False
    last = places.last_use(var, loops)
    return not any(position < places.at[s][0] <= last for s in stores)
