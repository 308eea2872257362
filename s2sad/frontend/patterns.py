"""Rewrite `match` to `if` and `elif`: gast block in, gast block out.

    match n, x:                         subject0 = n; subject1 = x
        case 0 | 1, _:                  if subject0 == 0 or subject0 == 1:
            y = 1.0                         y = 1.0
        case k, v if v > k:     ->      else:
            y = k * v                       k = subject0; v = subject1
        case _:                             if v > k: ...
            y = x

A pattern that looks into its subject is taken apart step by step, and binds names only when all of it fits:

    match p:                            matched = False
        case (1, a) | (2, a):           if is_sequence(p, 2, False):
            y = a               ->          item = p[0]; item2 = p[1]
        case _:                             ...
            y = 0.0                     if matched: y = a
                                        else: y = 0.0

What a subject is made of is known by its kind, so that most of these tests are settled before the text is made; the
operations `s2sad.is_sequence`, `has_keys`, `positional` and `rest_of` stand for what only kinds can tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gast

from s2sad.errors import S2sadError
from s2sad.frontend.source import Source


def without_match(body: list[Any], source: Source) -> list[Any]:
    """The block with every `match` in it, those of nested functions apart, as branches."""
    return _Patterns(source).block(body)


@dataclass
class _Test:
    """What a pattern asks for, all of it, in order; and the names that it then binds."""

    conditions: list[Any] = field(default_factory=list)
    bindings: list[Any] = field(default_factory=list)

    def take(self, other: _Test) -> None:
        self.conditions += other.conditions
        self.bindings += other.bindings


class _Patterns:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = 0

    def block(self, block: list[Any]) -> list[Any]:
        made: list[Any] = []
        for node in block:
            if isinstance(node, gast.Match):
                made += self.match(node)
                continue
            if isinstance(node, (gast.If, gast.For, gast.While, gast.With, gast.Try, gast.ExceptHandler)):
                node = _copy(node)
                for name in ("body", "handlers", "orelse", "finalbody"):
                    if hasattr(node, name):
                        setattr(node, name, self.block(getattr(node, name)))
            made.append(node)
        return made

    def match(self, node: Any) -> list[Any]:
        self.count += 1
        name = "." * self.count + "subject"
        start: list[Any] = []

        def named(value: Any, name: str) -> Any:
            """A name for a value, a tuple of names for a tuple that is written out."""
            if isinstance(value, gast.Tuple) and not any(isinstance(e, gast.Starred) for e in value.elts):
                return gast.Tuple([named(e, f"{name}{k}") for k, e in enumerate(value.elts)], gast.Load())
            start.append(_assign(value, name, value))
            return _name(name)

        subject = named(node.subject, name)
        return [*start, *self.cases(node.cases, subject)]

    def cases(self, cases: list[Any], subject: Any) -> list[Any]:
        if not cases:
            return []
        case, *others = cases
        if _looks_inside(case.pattern, subject):
            return self.taken_apart(case, others, subject)
        test = self.test(case.pattern, subject)
        body = self.block(case.body)
        conditions = list(test.conditions)
        if case.guard is not None and not test.bindings:
            conditions.append(case.guard)
        if case.guard is not None and test.bindings:
            # What a pattern binds is bound for the guard, and stays bound where the guard fails.
            matched = "." * self.count + "matched"
            bound = [*test.bindings, _assign(case.guard, matched, case.guard)]
            start = bound
            if conditions:
                start = [
                    _assign(case.pattern, matched, _all(conditions)),
                    gast.copy_location(gast.If(_name(matched), bound, []), case.pattern),
                ]
            return [*start, gast.copy_location(gast.If(_name(matched), body, self.cases(others, subject)), case.guard)]
        if not conditions:
            return [*test.bindings, *body]
        made = gast.If(_all(conditions), [*test.bindings, *body], self.cases(others, subject))
        return [gast.copy_location(made, case.pattern)]

    def taken_apart(self, case: Any, others: list[Any], subject: Any) -> list[Any]:
        """The statements for a case whose pattern looks into its subject, and for the cases after it."""
        matched = self.hidden("matched")
        captures: dict[str, Any] = {}
        inside: list[Any] = []
        fits = self.steps(case.pattern, subject, inside, captures)
        fits += [_assign(case.pattern, name, value) for name, value in captures.items()]
        fits.append(_assign(case.pattern, matched, case.guard or gast.Constant(True, None)))
        body = gast.If(_name(matched), self.block(case.body), self.cases(others, subject))
        start = _assign(case.pattern, matched, gast.Constant(False, None))
        return [start, *inside, gast.copy_location(body, case.pattern)]

    def hidden(self, hint: str) -> str:
        self.count += 1
        return "." * self.count + hint

    def steps(self, pattern: Any, subject: Any, out: list[Any], captures: dict[str, Any]) -> list[Any]:
        """Append what tests a pattern to a block; give the block of the statements that run where it fits."""

        def branch(condition: Any, block: list[Any]) -> list[Any]:
            made = gast.copy_location(gast.If(gast.copy_location(condition, pattern), [], []), pattern)
            block.append(made)
            return made.body  # type: ignore[no-any-return]

        def held(value: Any, block: list[Any]) -> Any:
            name = self.hidden("item")
            block.append(_assign(pattern, name, gast.copy_location(value, pattern)))
            return _name(name)

        if isinstance(pattern, gast.MatchAs):
            if pattern.pattern is not None:
                out = self.steps(pattern.pattern, subject, out, captures)
            if pattern.name is not None:
                captures[pattern.name] = subject
            return out
        if isinstance(pattern, gast.MatchSequence):
            stars = [k for k, p in enumerate(pattern.patterns) if isinstance(p, gast.MatchStar)]
            count = len(pattern.patterns) - len(stars)
            out = branch(_hidden_call("is_sequence", subject, _constant(count), _constant(bool(stars))), out)
            for k, part in enumerate(pattern.patterns):
                at = k if not stars or k < stars[0] else k - len(pattern.patterns)
                if isinstance(part, gast.MatchStar):
                    end = _constant(at + 1) if at + 1 else None
                    cut = gast.Subscript(subject, gast.Slice(_constant(k), end, None), gast.Load())
                    if part.name is not None:
                        captures[part.name] = held(_hidden_call("list", cut), out)
                elif not _is_wildcard(part):
                    item = held(gast.Subscript(subject, _constant(at), gast.Load()), out)
                    out = self.steps(part, item, out, captures)
            return out
        if isinstance(pattern, gast.MatchMapping):
            keys = [self.literal_key(k) for k in pattern.keys]
            out = branch(_hidden_call("has_keys", subject, _constant(tuple(keys))), out)
            for key, part in zip(keys, pattern.patterns):
                item = held(gast.Subscript(subject, _constant(key), gast.Load()), out)
                out = self.steps(part, item, out, captures)
            if pattern.rest is not None:
                captures[pattern.rest] = held(_hidden_call("rest_of", subject, _constant(tuple(keys))), out)
            return out
        if isinstance(pattern, gast.MatchClass):
            out = branch(_hidden_call("is_instance", subject, pattern.cls), out)
            if getattr(pattern.cls, "id", None) in _WHOLE and len(pattern.patterns) == 1 and not pattern.kwd_attrs:
                return self.steps(pattern.patterns[0], subject, out, captures)
            for k, part in enumerate(pattern.patterns):
                item = held(_hidden_call("positional", subject, _constant(k)), out)
                out = self.steps(part, item, out, captures)
            for name, part in zip(pattern.kwd_attrs, pattern.kwd_patterns):
                out = self.steps(part, held(gast.Attribute(subject, name, gast.Load()), out), out, captures)
            return out
        if isinstance(pattern, gast.MatchOr):
            found = self.hidden("found")
            out.append(_assign(pattern, found, gast.Constant(False, None)))
            names: dict[str, str] = {}
            for part in pattern.patterns:
                first = gast.copy_location(gast.If(_name(found), [gast.Pass()], []), pattern)
                mine: dict[str, Any] = {}
                fits = self.steps(part, subject, first.orelse, mine)
                for name, value in mine.items():
                    fits.append(_assign(part, names.setdefault(name, self.hidden(name)), value))
                fits.append(_assign(part, found, gast.Constant(True, None)))
                out.append(first)
            captures.update({name: _name(hidden) for name, hidden in names.items()})
            return branch(_name(found), out)
        conditions = self.test(pattern, subject).conditions
        return branch(_all(conditions), out) if conditions else out

    def literal_key(self, node: Any) -> Any:
        try:
            return gast.literal_eval(node)
        except (ValueError, TypeError):
            raise self.refuse("a key of a pattern has to be a literal", node, "test with `if`") from None

    def test(self, pattern: Any, subject: Any) -> _Test:
        """What a pattern asks of a subject, a name or a tuple of names."""
        if isinstance(pattern, gast.MatchAs):
            found = _Test() if pattern.pattern is None else self.test(pattern.pattern, subject)
            if pattern.name is not None:
                found.bindings.append(_assign(pattern, pattern.name, subject))
            return found
        if isinstance(pattern, gast.MatchValue):
            return _Test([self.compare(pattern, subject, gast.Eq(), pattern.value)])
        if isinstance(pattern, gast.MatchSingleton):
            return _Test([self.compare(pattern, subject, gast.Is(), gast.Constant(pattern.value, None))])
        if isinstance(pattern, gast.MatchOr):
            tests = [self.test(p, subject) for p in pattern.patterns]
            if not all(t.conditions for t in tests):
                return _Test()
            return _Test([gast.copy_location(gast.BoolOp(gast.Or(), [_all(t.conditions) for t in tests]), pattern)])
        if isinstance(pattern, gast.MatchSequence):
            return self.sequence(pattern, subject)
        if isinstance(pattern, gast.MatchClass) and not (pattern.patterns or pattern.kwd_attrs):
            asked = gast.Call(_name("isinstance"), [subject, pattern.cls], [])
            return _Test([gast.copy_location(asked, pattern)])
        raise self.refuse("this pattern is not supported", pattern, "test with `if` and `isinstance`")

    def sequence(self, pattern: Any, subject: Any) -> _Test:
        """A sequence of patterns for a tuple that is written out, item by item."""
        items, parts = list(subject.elts), list(pattern.patterns)
        stars = [k for k, p in enumerate(parts) if isinstance(p, gast.MatchStar)]
        found = _Test()
        if len(items) != len(parts) if not stars else len(items) < len(parts) - 1:
            return _Test([gast.copy_location(gast.Constant(False, None), pattern)])
        if stars:
            at, more = stars[0], len(items) - len(parts) + 1
            star, middle = parts[at], items[at : at + more]
            parts[at : at + 1] = items[at : at + more] = []
            if star.name is not None:
                found.bindings.append(_assign(star, star.name, gast.List(middle, gast.Load())))
        for part, item in zip(parts, items):
            found.take(self.test(part, item))
        return found

    def compare(self, pattern: Any, subject: Any, op: Any, value: Any) -> Any:
        return gast.copy_location(gast.Compare(subject, [op], [value]), pattern)

    def refuse(self, reason: str, node: Any, help: str) -> S2sadError:
        return S2sadError("S201", reason, self.source.place(node), help)


#: Classes of which the one positional pattern is for the object itself.
_WHOLE = frozenset({"bool", "bytes", "bytearray", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"})


def _is_wildcard(pattern: Any) -> bool:
    return isinstance(pattern, gast.MatchAs) and pattern.pattern is None and pattern.name is None


def _looks_inside(pattern: Any, subject: Any) -> bool:
    """Whether a pattern asks for what its subject, a name or a tuple of names, is made of, or binds in alternatives."""
    if isinstance(pattern, gast.MatchSequence) and isinstance(subject, gast.Tuple):
        stars = [k for k, p in enumerate(pattern.patterns) if isinstance(p, gast.MatchStar)]
        parts = pattern.patterns
        if stars:
            at, more = stars[0], len(subject.elts) - len(parts) + 1
            return any(map(_looks_inside, parts[:at], subject.elts)) or any(
                map(_looks_inside, parts[at + 1 :], subject.elts[at + more :])
            )
        return any(map(_looks_inside, parts, subject.elts))
    if isinstance(pattern, gast.MatchOr):
        binds = any(isinstance(n, gast.MatchAs) and n.name is not None for n in gast.walk(pattern))
        return binds or any(_looks_inside(p, subject) for p in pattern.patterns)
    if isinstance(pattern, gast.MatchAs):
        return pattern.pattern is not None and _looks_inside(pattern.pattern, subject)
    if isinstance(pattern, gast.MatchClass):
        return bool(pattern.patterns or pattern.kwd_attrs)
    return isinstance(pattern, (gast.MatchSequence, gast.MatchMapping))


def _hidden_call(name: str, *args: Any) -> Any:
    return gast.Call(_name(f".{name}"), list(args), [])


def _constant(value: Any) -> Any:
    return gast.Constant(value, None)


def _all(conditions: list[Any]) -> Any:
    if len(conditions) == 1:
        return conditions[0]
    return gast.copy_location(gast.BoolOp(gast.And(), conditions), conditions[0])


def _copy(node: Any) -> Any:
    made = type(node)(**{name: getattr(node, name) for name in node._fields if hasattr(node, name)})
    return gast.copy_location(made, node)


def _name(name: str) -> Any:
    return gast.Name(name, gast.Load(), None, None)


def _assign(node: Any, name: str, value: Any) -> Any:
    return gast.copy_location(gast.Assign([gast.Name(name, gast.Store(), None, None)], value, None), node)
