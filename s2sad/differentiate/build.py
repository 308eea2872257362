"""Whole functions of reverse mode: the gradient of an entry, the forward and reverse half of a callee."""

from __future__ import annotations

from typing import Any

import gast

from s2sad.analysis.kinds import kind_of_expr
from s2sad.analysis.structure import part_of
from s2sad.differentiate.adjoints import Path, kind_at, leaf_paths, like_object, steps_along, total_of
from s2sad.differentiate.halves import Halves
from s2sad.differentiate.instantiate import atom, flatten
from s2sad.differentiate.needs import adjoint_kind
from s2sad.differentiate.sweeps import OWNED, SHARED, State, Sweeps, out_emitter
from s2sad.ir.kinds import UNKNOWN, Kind, is_named_tuple
from s2sad.ir.nodes import (
    Assign,
    Block,
    Const,
    DerivedResult,
    Expr,
    Function,
    Label,
    Op,
    Param,
    Return,
    Save,
    Store,
    Var,
    dict_display,
    in_one_piece,
    walk,
)
from s2sad.ir.walk import defs, uses_within, vars_of
from s2sad.optimise.dead import eliminate_dead


class Build(Sweeps):
    """One function, differentiated once."""

    def _prelude(self) -> Block:
        """Vars that may be saved before they are bound."""
        return [Assign(v, Const(None)) for v in self.plan.undefined]

    def gradient(self, wrt: list[int], *, value: bool, tuple_result: bool, seed: str, name: str) -> Function:
        function = self.function
        body = [*self._prelude(), *self.forward(function.body)]
        results = function.results
        kept: list[Expr] = []
        for result in results.values if value else ():
            copy = Var("value", True)
            kind = self.kinds[copy] = kind_of_expr(result, self.kinds)
            written = any(self.aliases.written(v) for v in vars_of(result))
            is_memory = kind.is_array or kind.shape != ()
            body.append(Assign(copy, Op("numpy.copy", (result,)) if written and is_memory else result))
            kept.append(copy)
        state: State = {}
        params = list(function.params)
        mark = object()
        whole = Var("seed")  # of several results, or of one that no adjoint is needed of
        if seed == "given":
            params.append(Param(whole, "seed", seed=True))
            kinds = tuple(_adjoint_structure(kind_of_expr(r, self.kinds)) for r in results.values)
            self.kinds[whole] = Kind("tuple", items=kinds) if results.packed else kinds[0]
        for position, result in enumerate(results.values):
            if not isinstance(result, Var) or result not in self.activity:
                continue
            for path in leaf_paths(self.kinds.get(result, UNKNOWN)):
                shadowed = result in self.memory.shadowed
                bar = self.bar(result, path)
                if shadowed:
                    bar = Var("seed", True)
                    self.kinds[bar] = adjoint_kind(kind_at(self.kinds.get(result, UNKNOWN), path))
                kind = kind_at(self.kinds.get(result, UNKNOWN), path)
                origin: dict[str, Any] = {"origin": results.origin, "group": mark, "quote": None}
                if seed == "given":
                    steps = (position, *path) if results.packed else path
                    if not steps:
                        params[-1] = Param(bar, "seed", seed=True)
                    item: Expr = whole
                    at = self.kinds[whole]
                    for k in steps:
                        item = atom(part_of(item, at, k), out_emitter(body, origin, self.kinds))
                        at = kind_at(at, (k,))
                    if steps:
                        body.append(Assign(bar, item, **origin))
                    if self.mode.is_complex and not (kind.is_real or kind.is_complex):
                        body.append(Assign(bar, Op("s2sad.runtime.complexes.in_field_of", (bar, result)), **origin))
                elif seed == "ones":
                    ones = (
                        Op("s2sad.spread", (Const(1.0), result))
                        if kind.is_array and kind.dtype == "float64"
                        else Op("numpy.ones_like", (result,))
                    )
                    body.append(Assign(bar, Const(1.0) if kind.shape == () else ones, **origin))
                elif kind.shape == () or isinstance(kind.shape, frozenset):
                    body.append(Assign(bar, Const(1.0), **origin))
                else:
                    body.append(Assign(bar, Op("s2sad.runtime.checks.scalar_seed", (result,)), **origin))
                if shadowed:
                    self._seed_shadow(result, path, bar, origin)
                else:
                    state[(result, path)] = SHARED
        body += self.reverse(function.body, state)
        asked = [function.params[i] for i in wrt]
        gradients = [self._atom(self._gradient_of(p, state, body), body, {"group": p}) for p in asked]
        gradient: Expr = Op("tuple", tuple(gradients)) if tuple_result else gradients[0]
        if value:
            values: tuple[Expr, ...] = (*([Op("tuple", tuple(kept))] if results.packed else kept), gradient)
            body.append(Return(values, True, group=DerivedResult(1)))
        else:
            body.append(Return(tuple(gradients), tuple_result, group=DerivedResult(0)))
        return Function(
            Label(name or f"grad_{function.label.hint}"),
            params,
            body,
            function.free,
            origin=function.origin,
            primal=function.primal,
            annotations=function.annotations,
        )

    def _seed_adjoint(
        self, result: Var, path: Path, seed: Expr, state: State, body: Block, links: dict[str, Any]
    ) -> None:
        """Have what seeds a result added to its adjoint: several results may be one Var."""
        bar, twice = self.bar(result, path), (result, path) in state
        body.append(Assign(bar, total_of(self.kinds[bar], bar, seed) if twice else seed, **links))
        state[(result, path)] = OWNED if twice else SHARED

    def _seed_shadow(self, result: Var, path: Path, seed: Var, links: dict[str, Any]) -> None:
        """Have what seeds a result added to its shadow, when the reverse sweep has got that back."""
        shadow = self._shadow(result, path, self.seeds, links)
        self.seeds.append(Store(shadow, None, seed, "operator.add", True, **links))

    def _gradient_of(self, param: Param, state: State, body: Block) -> Expr:
        """The gradient of a parameter, in its structure: fresh memory, zeros where nothing reaches it."""
        kind = self.kinds.get(param.var, UNKNOWN)

        def build(kind: Kind, path: Path) -> Expr:
            if kind.parts is not None:
                parts = [build(k, (*path, i)) for i, k in enumerate(kind.parts)]
                return self._in_structure(param.var, kind, path, parts, body)
            if kind.sort == "object" or not kind.carries_derivative:
                return Const(None)
            key = (param.var, path)
            bar = self._bound_adjoint(*key, state, body, {"group": param})
            if bar is None:
                if not path:
                    self.mode.notes.append(
                        f"{self.function.origin}: the result of {self.function.label.hint} does not depend on "
                        f"{param.name!r}; its gradient is zero"
                    )
                bar = self._zeros(*key, body, {"group": param})
                state[key] = OWNED
            return self._returned(bar, param.var, path, kind, body)

        return build(kind, ())

    def _bound_adjoint(self, param: Var, path: Path, state: State, body: Block, links: dict[str, Any]) -> Var | None:
        """The adjoint of a parameter at the end of the reverse sweep; None where nothing was added to it.

        A shadow is not in the state: it holds what was added to it.
        """
        if (param, path) in state:
            return self.bar(param, path)
        if param in self.memory.shadowed:
            return self._shadow(param, path, body, links)
        return None

    def _zeros(self, param: Var, path: Path, body: Block, links: dict[str, Any]) -> Var:
        body.append(self._zero(param, path, links))
        return self.bar(param, path)

    def _in_structure(self, param: Var, kind: Kind, path: Path, parts: list[Expr], body: Block) -> Expr:
        """The gradient of a container or object from those of what it holds."""
        if kind.sort in ("tuple", "list") and not is_named_tuple(kind.cls):
            return Op(kind.sort, tuple(parts))
        if kind.sort == "dict":
            return dict_display(dict(zip(kind.keys or (), parts)))
        if kind.sort == "function":
            return Const(None)
        emit = out_emitter(body, {"group": param}, self.kinds)
        like = atom(steps_along(param, self.kinds.get(param, UNKNOWN), path), emit)
        return like_object(kind, like, parts)

    def _returned(self, bar: Var, param: Var, path: Path, kind: Kind, body: Block) -> Expr:
        """An adjoint as the caller gets it: of the argument's dtype, and sharing memory with nothing."""
        copy = Var(bar.hint, bar.temporary)
        self.kinds[copy] = kind if kind.carries_derivative else self.kinds.get(bar, UNKNOWN)
        emit = out_emitter(body, {"group": param}, self.kinds)
        item: Expr = flatten(steps_along(param, self.kinds.get(param, UNKNOWN), path), emit)
        source = self._atom(item, body, {"group": param})
        body.append(Assign(copy, Op("s2sad.returned", (bar, source)), group=param))
        return copy

    def halves(self, halves: Halves) -> tuple[Function, Function]:
        function = self.function
        forward = [*self._prelude(), *self.forward(function.body)]
        self.note_kept(halves, forward)
        forward += self.results_apart()
        state: State = {}
        seeds: list[Param] = []
        body: Block = []
        results = function.results.values
        for position in halves.results:
            result = results[position]
            kind = kind_of_expr(result, self.kinds)
            for path in leaf_paths(kind):
                hint = (
                    f"{function.label.hint}_bar"
                    if len(halves.results) == 1 and not path
                    else f"{function.label.hint}_{position}_bar"
                )
                seed = Var(hint)
                self.kinds[seed] = adjoint_kind(kind_at(kind, path))
                seeds.append(Param(seed, hint, annotation=_annotation(self.kinds[seed]), seed=True))
                if isinstance(result, Var) and result in self.memory.shadowed:
                    self._seed_shadow(result, path, seed, {})
                elif isinstance(result, Var) and result in self.activity:
                    self._seed_adjoint(result, path, seed, state, body, {})
        body += self.reverse(function.body, state)
        outputs: list[Expr] = []
        for position in halves.adjoints:
            param = function.params[position].var
            for path in leaf_paths(self.kinds.get(param, UNKNOWN)):
                outputs.append(self._bound_adjoint(param, path, state, body, {}) or self._zeros(param, path, body, {}))
        body.append(Return(tuple(outputs), len(outputs) > 1, group=DerivedResult(0)))
        halves.saves = any(isinstance(s, Save) for s in walk(forward)) or any(
            s in self.calls and self.calls[s].halves.saves for s in self.calls
        )
        reverse = Function(
            halves.reverse,
            [*map(in_one_piece, function.params), *seeds],
            body,
            function.free,
            origin=function.origin,
            primal=function.primal,
            annotations=function.annotations,
        )
        reverse = eliminate_dead(reverse, self.kinds, restored={})
        read = uses_within(reverse.body)
        halves.reads = tuple(i for i, p in enumerate(function.params) if p.var in read and not self._rebound(p.var))
        reverse.params = [*(in_one_piece(function.params[i]) for i in halves.reads), *seeds]
        return Function(
            halves.forward,
            [*map(in_one_piece, function.params)],
            forward,
            function.free,
            origin=function.origin,
            primal=function.primal,
            annotations=function.annotations,
        ), reverse

    def _rebound(self, var: Var) -> bool:
        return any(var in defs(s) for s in walk(self.function.body))


def _annotation(kind: Kind) -> Any:
    return gast.Name("float", gast.Load(), None, None) if kind.sort == "float" else None


def _adjoint_structure(kind: Kind) -> Kind:
    """The kind of an adjoint of a value, in the value's structure."""
    if kind.parts is not None:
        return kind.with_parts(tuple(map(_adjoint_structure, kind.parts)))
    return adjoint_kind(kind)
