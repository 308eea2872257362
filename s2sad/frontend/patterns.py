"""Rewrite `match` to `if` and `elif`: gast block in, gast block out.

    match n, x:                         subject0 = n; subject1 = x
        case 0 | 1, _:                  if subject0 == 0 or subject0 == 1:
            y = 1.0                         y = 1.0
        case k, v if v > k:     ->      else:
            y = k * v                       k = subject0; v = subject1
        case _:                             if v > k: ...
            y = x

Patterns of values, of None, True and False, of classes without arguments, of sequences where the subject is a tuple
that is written out, alternatives, guards and captures. Mappings, attributes of classes and other sequences are refused.
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
            if any(t.bindings for t in tests):
                raise self.refuse("an alternative that binds names is not supported", pattern, "write a case for each")
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
        if not isinstance(subject, gast.Tuple):
            help = "match a tuple that is written out, as in `match (p[0], p[1]):`"
            raise self.refuse("a pattern of the items of this subject is not supported", pattern, help)
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
