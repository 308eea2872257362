"""Arrays that are written into: which names stand for the same memory, and how an adjoint follows them.

Of the names that may share memory, one of which is written,
- a *snapshot* is a view or second name that nothing writes into, and whose memory nothing writes while it is in use: it
  is a value like any other;
- the others are *buffers*: aliases alias, so their adjoints are the same views of the adjoint of the memory, with
  nothing left to do in reverse. Where all lead back to one place at which the memory is made, the *root*, that place's
  adjoint is a buffer of the reverse sweep, and the others are views of it, made again where they are read. Otherwise
  (names that swap their arrays, branches that choose one) they are *shadowed*: the forward sweep binds the adjoint of
  each name as it binds the name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Container
from dataclasses import dataclass

from s2sad.analysis.aliases import Aliases, alias_classes, shared_operands
from s2sad.analysis.indices import makes_view
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.analysis.places import Places
from s2sad.analysis.sharing import Sharing
from s2sad.errors import S2sadError
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import DISPLAYS, Assign, Call, Expr, Function, Op, Param, Restore, Save, Site, Store, Var, walk
from s2sad.ir.walk import defs, vars_of

#: Operations whose result is always a view, cell for cell, of their first operand.
VIEWS = frozenset({
    "numpy.ndarray.T", "numpy.ndarray.mT", "numpy.ndarray.transpose", "numpy.transpose", "numpy.swapaxes",
    "numpy.ndarray.swapaxes", "numpy.moveaxis", "numpy.expand_dims", "numpy.squeeze", "numpy.ndarray.squeeze",
    "numpy.flip", "numpy.flipud", "numpy.fliplr", "numpy.rollaxis",
})  # fmt: skip
#: Operations whose result is a view where the layout of their first operand allows it, and else a copy.
VIEWS_OR_COPIES = frozenset({
    "numpy.reshape", "numpy.ndarray.reshape", "numpy.ravel", "numpy.ndarray.ravel", "numpy.asarray",
    "numpy.asanyarray", "numpy.ascontiguousarray", "numpy.atleast_1d", "numpy.atleast_2d",
})  # fmt: skip
_MAKERS = ("numpy.zeros", "numpy.ones", "numpy.empty", "numpy.full")


@dataclass(frozen=True)
class Memory:
    """The written memory of a function.

    routes: buffer name -> the root, and the assignments that lead from the root to it.
    shadowed: the names whose adjoints the forward sweep binds. All other names are values.
    """

    aliases: Aliases
    routes: dict[Var, tuple[Var, tuple[Assign, ...]]]
    shadowed: dict[Var, None]

    def is_alias(self, var: Var) -> bool:
        """Whether a Var is a second name or a view of a buffer, so that its adjoint is a view of the root's."""
        return var in self.routes and self.routes[var][0] is not var


def user_stores(function: Function, kinds: Kinds) -> list[Store]:
    """The writes whose memory may have other names: those of the user's own code, and those through a view.

    All other writes of a derivative go to buffers of its own, which have one name.
    """
    views = {s.var for s in walk(function.body) if isinstance(s, Assign) and held_by(s.expr, kinds)}
    return [s for s in walk(function.body) if isinstance(s, Store) and (not s.own or s.base in views)]


def written_memory(
    function: Function,
    kinds: Kinds,
    active: Container[Var],
    sharing: Sharing | None = None,
    taped: Collection[Var] = (),
) -> Memory:
    """The memory facts of a function. Raises S2sadError S205 where aliases of active memory cannot be followed.

    taped: names that are shadowed in any case, for their shadows are passed on a tape.
    """
    aliases = alias_classes(function, kinds, sharing)
    stores = [s for s in walk(function.body) if isinstance(s, Store)]
    memory = Memory(aliases, {}, {})
    if not stores and not taped:
        return memory
    places = Places(function)
    binders: dict[Var, list[object]] = {p.var: [p] for p in function.params}
    for v in function.free.values():
        binders[v] = [function]
    for stmt in walk(function.body):
        for v in defs(stmt):
            binders.setdefault(v, []).append(stmt)
    saved = {s.site for s in walk(function.body) if isinstance(s, Save)}
    popped = {v for s in walk(function.body) if isinstance(s, Restore) and s.site not in saved for v in s.vars}
    for root in dict.fromkeys(aliases.root(v) for v in (*(s.base for s in stores), *taped)):
        members = [v for v in binders if aliases.root(v) is root and has_memory(v, kinds)]
        outside = next((v for v in function.free.values() if v in members), None)
        at = next((s for s in stores if not s.own and aliases.root(s.base) is root), None)
        if outside is not None and at is not None:
            raise S2sadError(
                "S205",
                f"this may write into the global or enclosing variable {outside.hint!r}",
                at.origin,
                "write into a copy, and return it",
            )
        passed = [v for v in members if v in taped]
        if passed or any(v in active for v in members):
            mine = [s for s in stores if aliases.root(s.base) is root]
            found = _Class(members, mine, binders, places, kinds, passed)
            if passed or any(v in popped for v in members) or any(not s.own for s in mine):
                found.follow(memory)
            elif len(found.buffers()) > 1:
                # A derivative writes into buffers of its own, which have one name but where they are shadows; and the
                # other names of shadows can be followed.
                with contextlib.suppress(S2sadError):
                    found.follow(memory)
    return memory


def refuse_global_writes(function: Function, kinds: Kinds) -> None:
    """Refuse (S201) a write of the user's into memory that a global or enclosing variable holds."""
    stores = [s for s in walk(function.body) if isinstance(s, Store) and not s.own]
    if not stores or not function.free:
        return
    holders: dict[Var, list[Var]] = {}
    for stmt in walk(function.body):
        if isinstance(stmt, Assign):
            holders.setdefault(stmt.var, []).extend(held_by(stmt.expr, kinds))
    free = set(function.free.values())
    for store in stores:
        seen, waiting = {store.base}, [store.base]
        while waiting:
            var = waiting.pop()
            if var in free:
                reason = f"a write into the global or enclosing variable {var.hint!r} is not supported"
                raise S2sadError("S201", reason, store.origin, "pass it as an argument, and return it")
            more = [v for v in holders.get(var, ()) if v not in seen]
            seen.update(more)
            waiting += more


def held_by(expr: Expr, kinds: Kinds) -> list[Var]:
    """The Vars whose memory a value shares so that a write into one is seen in the other.

    What the engine repeats or sums is never written under that name, nor are its operands while it is in use.
    """
    if isinstance(expr, Op) and expr.name.startswith("s2sad.") and expr.name != "s2sad.select":
        return []
    return [v for v in shared_operands(expr, kinds) if has_memory(v, kinds)]


def has_memory(var: Var, kinds: Kinds) -> bool:
    """Whether a Var may stand for an array, or hold one."""
    kind = kinds.get(var, UNKNOWN)
    return kind.shape != () and kind.sort in ("array", "unknown", "list", "tuple", "dict", "object")


class _Class:
    """The names that may share one memory, and the writes into it."""

    def __init__(
        self,
        members: list[Var],
        stores: list[Store],
        binders: dict[Var, list[object]],
        places: Places,
        kinds: Kinds,
        taped: list[Var],
    ) -> None:
        self.members = members
        self.taped = taped
        self.stores = stores
        self.binders = binders
        self.places = places
        self.kinds = kinds
        self.bases = {s.base for s in stores}
        #: What is pushed at each tape site.
        self.saves: dict[Site, list[tuple[Var, ...]]] = {}
        for stmt in places.at:
            if isinstance(stmt, Save):
                self.saves.setdefault(stmt.site, []).append(stmt.vars)

    def follow(self, memory: Memory) -> None:
        """Add the class to the memory facts: by routes from one root, or else shadowed."""
        buffers = self.buffers()
        routes = None if self.taped else self.routes(buffers)
        if routes is not None:
            memory.routes.update(routes)
            return
        for v in buffers:
            for binder in self.binders[v]:
                self.check(v, binder)
        memory.shadowed.update(dict.fromkeys(buffers))

    def buffers(self) -> list[Var]:
        """The names that are no snapshots, nor what such a name is made of."""
        found = {v: None for v in self.members if v in self.taped or not self.is_snapshot(v)}
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            for binder in self.binders[name]:
                made_of = held_by(binder.expr, self.kinds) if isinstance(binder, Assign) else []
                if isinstance(binder, Restore):
                    made_of = [
                        saved[k] for saved in self.saves.get(binder.site, ()) for k in _places(name, binder.vars)
                    ]
                for v in made_of:
                    if v not in found and v in self.members:
                        found[v] = None
                        waiting.append(v)
        return [v for v in self.members if v in found]

    def routes(self, buffers: list[Var]) -> dict[Var, tuple[Var, tuple[Assign, ...]]] | None:
        """The way from the one root to each buffer; None where there is none, or where it changes meanwhile."""
        roots = [v for v in buffers if len(self.binders[v]) == 1 and self.is_root(self.binders[v][0])]
        if len(roots) != 1:
            return None
        root = roots[0]
        found: dict[Var, tuple[Var, tuple[Assign, ...]]] = {root: (root, ())}
        waiting = [v for v in buffers if v is not root]
        while waiting:
            rest = []
            for v in waiting:
                definition = self.binders[v][0]
                if len(self.binders[v]) == 1 and isinstance(definition, Assign):
                    parents = [w for w in held_by(definition.expr, self.kinds) if w in found]
                    if (
                        len(set(parents)) == 1
                        and self.is_view(definition.expr, root)
                        and self.is_steady(v, definition, parents[0])
                    ):
                        found[v] = (root, (*found[parents[0]][1], definition))
                        continue
                rest.append(v)
            if len(rest) == len(waiting):
                return None
            waiting = rest
        return found

    def is_root(self, binder: object) -> bool:
        return isinstance(binder, Assign) and not held_by(binder.expr, self.kinds)

    def is_view(self, expr: Expr, root: Var) -> bool:
        """Whether an expression is the same object as a buffer, or a view of it cell for cell."""
        if isinstance(expr, Var):
            return True
        if not isinstance(expr, Op):
            return False
        if is_view(expr, self.kinds):
            return kind_of_expr(expr.operands[0], self.kinds).is_array
        made = self.binders[root][0]
        contiguous = isinstance(made, Assign) and isinstance(made.expr, Op) and made.expr.name in _MAKERS
        return contiguous and expr.operands[:1] == (root,) and expr.name.endswith((".reshape", ".ravel"))

    def is_steady(self, var: Var, definition: Assign, parent: Var) -> bool:
        """Whether what a view's index was made of still holds while the view is in use."""
        _, loops = self.places.at[definition]
        position = self.places.at[definition][0]
        last = self.places.last_use(var, loops)
        return all(o is parent or self.places.steady(o, position, last) for o in vars_of(definition.expr))

    def is_snapshot(self, var: Var) -> bool:
        """Whether nothing writes into the memory of a view or second name while it is in use."""
        if var in self.bases or len(self.binders[var]) != 1:
            return False
        definition = self.binders[var][0]
        if not isinstance(definition, Assign) or not held_by(definition.expr, self.kinds):
            return False
        if _is_item(definition.expr, self.kinds):
            return False  # which item it is may be known only when it runs
        position, loops = self.places.at[definition]
        if not self.places.read_after_binding(var, position, loops):
            return False
        last = self.places.last_use(var, loops)
        return not any(position < self.places.at[s][0] <= last for s in self.stores)

    def check(self, var: Var, binder: object) -> None:
        """Refuse a name whose adjoint cannot be bound beside it."""
        if isinstance(binder, (Param, Call, Restore)):
            return
        if isinstance(binder, Assign):
            expr = binder.expr
            if isinstance(expr, Var):
                return
            several = self.kinds.get(var, UNKNOWN).sort in ("list", "tuple", "dict")
            if not held_by(expr, self.kinds) and not several:
                return
            if isinstance(expr, Op) and (is_view(expr, self.kinds) or may_be_copy(expr)):
                return
        origin = binder.origin if isinstance(binder, (Assign, Function)) else self.stores[0].origin
        raise S2sadError(
            "S205",
            f"whether {var.hint!r} shares memory that is written into cannot be proved",
            origin,
            f"make {var.hint!r} a copy, or write by one name",
        )


def _is_item(expr: Expr, kinds: Kinds) -> bool:
    """Whether an expression is an item of a list, a tuple or a dict."""
    if not isinstance(expr, Op) or expr.name != "operator.getitem":
        return False
    return kind_of_expr(expr.operands[0], kinds).sort in ("list", "tuple", "dict")


def _places(var: Var, vars: tuple[Var, ...]) -> list[int]:
    return [k for k, v in enumerate(vars) if v is var]


def is_view(expr: Op, kinds: Kinds) -> bool:
    """Whether an operation surely gives an object that its first operand holds, or a view of it cell for cell."""
    if expr.name in DISPLAYS or expr.name == "s2sad.select" or expr.name in VIEWS:
        return True
    if expr.name != "operator.getitem":
        return False
    base = kind_of_expr(expr.operands[0], kinds)
    return base.sort in ("list", "tuple", "dict") or (base.is_array and makes_view(expr.operands[1], kinds))


def may_be_copy(expr: Expr) -> bool:
    """Whether an operation gives a view or a copy of its first operand, in the order of its cells."""
    return (
        isinstance(expr, Op)
        and expr.name in VIEWS_OR_COPIES
        and all(name not in ("order", "dtype") for name, _ in expr.keywords)
        and (expr.name.endswith((".reshape", "_1d", "_2d")) or len(expr.operands) == 1)
    )
