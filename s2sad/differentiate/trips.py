"""Which trips of a loop the reverse sweep goes through: those that come to what has an adjoint.

    while True:                       while True:
        r = x * x - a                     r = x * x - a
        if abs(r) < tol:                  if abs(r) < tol:
            break                             break
        x = x - r / (2 * x)      ->       k += 1
                                          x = x - r / (2 * x)

A trip that leaves at such a test has nothing to reverse, where nothing before the test has an adjoint that anything
after the loop, or a later trip, adds to. It is the last one, so the loop counts only the others; and for these the
test is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2sad.ir.nodes import Block, Break, Call, For, If, Restore, Save, Stmt, Store, While, blocks_of, walk
from s2sad.ir.walk import defs, exposed_reads, uses

if TYPE_CHECKING:
    from s2sad.analysis.recovery import Plan
    from s2sad.differentiate.needs import AdjointNeeds


@dataclass(frozen=True)
class WayOut:
    """A test, last in its block, that leaves the loop in one branch; `rest` is the other.

    before: what runs in a trip that leaves here and not in what follows, in the trip and in the branch.
    """

    test: If
    rest: Block
    before: Block

    def keeps(self, plan: Plan) -> bool:
        """Whether a trip that leaves here would save values."""
        blocks = [b for s in walk(self.before) for b in blocks_of(s)]
        leaving = self.test.orelse if self.rest is self.test.body else self.test.body
        return (
            any(s in plan.overwritten or s in plan.undone for s in walk(self.before))
            or id(leaving) in plan.frames
            or any(id(b) in plan.frames for b in blocks)
        )


def complete_trips(needs: AdjointNeeds) -> dict[Stmt, list[WayOut]]:
    """For each loop that counts its trips, the ways out that leave nothing to reverse, each inside the one before."""
    found: dict[Stmt, list[WayOut]] = {}
    for loop in walk(needs.function.body):
        if isinstance(loop, (For, While)) and loop in needs.counters and loop in needs.active_blocks:
            found[loop] = _ways_out(loop, needs)
    return found


def _ways_out(loop: For | While, needs: AdjointNeeds) -> list[WayOut]:
    inside = set(walk(loop.body))
    lasting = {v for s in walk(needs.function.body) if s not in inside and s is not loop for v in uses(s)}
    exposed_reads(loop.body, {loop.target} if isinstance(loop, For) else set(), lasting)

    def is_idle(stmt: Stmt) -> bool:
        if isinstance(stmt, (Store, Save, Restore)):
            return False
        if isinstance(stmt, Call) and stmt in needs.calls:
            halves = needs.calls[stmt].halves
            if halves.saves or halves.busy:
                return False
        return not any(v in needs.activity and v in lasting for v in defs(stmt))

    found: list[WayOut] = []
    block, before = loop.body, list[Stmt]()
    while block and isinstance(block[-1], If) and block[-1] in needs.active_blocks:
        last = block[-1]
        leaving = [b for b in blocks_of(last) if any(isinstance(s, Break) for s in b)]
        if len(leaving) != 1:
            break
        rest = last.orelse if leaving[0] is last.body else last.body
        before = [*before, *block[:-1]]
        if not all(map(is_idle, walk([*before, *leaving[0]]))):
            break
        found.append(WayOut(last, rest, [*before, *leaving[0]]))
        block = rest
    return found
