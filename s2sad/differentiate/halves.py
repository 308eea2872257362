"""What a caller knows of the halves of its callee."""

from __future__ import annotations

from dataclasses import dataclass

from s2sad.ir.nodes import Label


@dataclass
class Halves:
    """The forward and reverse half of a callee, for some active arguments and results.

    reads: positions of the parameters that the reverse half takes; adjoints: positions of those whose adjoint it gives.
    keeps, keeps_results: positions of the parameters and results whose memory the forward half leaves on its tape. It
    has to be as it was when the reverse half pops it.
    """

    forward: Label
    reverse: Label
    adjoints: tuple[int, ...]
    results: tuple[int, ...]
    reads: tuple[int, ...] = ()
    keeps: tuple[int, ...] = ()
    keeps_results: tuple[int, ...] = ()
    saves: bool = False
    busy: bool = True
    primal: Label | None = None

    @property
    def facts(self) -> tuple[object, ...]:
        """What grows in rounds where functions call each other in circles."""
        return self.reads, self.keeps, self.keeps_results, self.saves
