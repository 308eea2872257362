"""Faults planted in the transformer, on the IR of each derivative as it is made: the programs catch every one."""

import pytest
from programs import test_constructs, test_in_place
from programs.oracle import Unsuitable, check

import s2sad
from s2sad import pipeline
from s2sad.ir.nodes import Assign, Const, For, If, Op, Program, Restore, Save, Store, blocks_of, replace, walk
from s2sad.ir.walk import set_blocks


def each_block(change):
    """A pass that changes each block of statements, the inner ones first."""

    def rebuilt(block):
        new = []
        for stmt in block:
            inner = blocks_of(stmt)
            if inner:
                stmt = replace(stmt)
                set_blocks(stmt, [rebuilt(b) for b in inner])
            new.append(stmt)
        return change(new)

    def run(program, kinds):
        functions = {label: replace(f, body=rebuilt(f.body)) for label, f in program.functions.items()}
        return Program(functions, program.entry)

    return run


def each_statement(change):
    """A pass that changes each statement, or drops it where the change gives None."""
    return each_block(lambda block: [new for stmt in block if (new := change(stmt)) is not None])


def no_restore(stmt):
    """Overwritten values are not put back."""
    return None if isinstance(stmt, (Save, Restore)) else stmt


def restored_after_the_adjoint(block):
    """What an adjoint reads is put back after it was read."""
    late = [stmt for stmt in block if isinstance(stmt, Restore)]
    rest = [stmt for stmt in block if not isinstance(stmt, Restore)]
    at = len(rest) - 1 if rest and type(rest[-1]).__name__ == "Return" else len(rest)
    return rest[:at] + late + rest[at:]


def wrong_direction(stmt):
    """Loops run forwards again in the reverse sweep."""
    return replace(stmt, mirror=False) if isinstance(stmt, For) else stmt


def repeats_overwritten(stmt):
    """Of several contributions to one cell the last one counts."""
    return replace(stmt, how="operator.add") if isinstance(stmt, Store) and stmt.how == "add.at" else stmt


def contributions_overwritten(stmt):
    """A contribution to a buffer takes the place of the earlier ones."""
    return replace(stmt, how=None) if isinstance(stmt, Store) and stmt.how == "operator.add" else stmt


def contributions_lost(stmt):
    """A contribution to a buffer is not made: as if what it is of were another's memory."""
    return None if isinstance(stmt, Store) and stmt.how is not None else stmt


def sums_lost(stmt):
    """Of two adjoints of one value the first alone counts."""
    if isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name == "operator.add":
        if stmt.var.hint.endswith("_bar"):
            return Assign(stmt.var, stmt.expr.operands[0], origin=stmt.origin)
    return stmt


def other_branch(stmt):
    """The adjoints of one branch run for the other."""
    if isinstance(stmt, If) and any(isinstance(s, Assign) and s.var.hint.endswith("_bar") for s in walk(stmt.body)):
        return replace(stmt, body=stmt.orelse, orelse=stmt.body)
    return stmt


def not_cleared(stmt):
    """The adjoint of an overwritten cell is passed on to what was there before."""
    zero = isinstance(stmt, Store) and stmt.how is None and isinstance(stmt.expr, Const) and stmt.expr.value == 0
    return None if zero and stmt.base.hint.endswith("_bar") else stmt


FAULTS = {
    "none": each_statement(lambda stmt: stmt),
    "no restore": each_statement(no_restore),
    "restored after the adjoint": each_block(restored_after_the_adjoint),
    "wrong direction": each_statement(wrong_direction),
    "repeats overwritten": each_statement(repeats_overwritten),
    "contributions overwritten": each_statement(contributions_overwritten),
    "contributions lost": each_statement(contributions_lost),
    "sums lost": each_statement(sums_lost),
    "other branch": each_statement(other_branch),
    "not cleared": each_statement(not_cleared),
}
#: Programs in which the faults can show.
SHOWN_BY = {
    test_constructs: (
        "swap_in_loop", "saved_in_branches", "tanh_of_itself", "horner", "neighbours", "names_used_twice",
        "repeated_indices", "alternating_definitions", "while_with_conditional", "branch_ladder",
        "elements_by_nested_loops",
    ),
    test_in_place: (
        "item_overwritten_after_it_was_read", "item_from_itself", "shifted_onto_itself", "running_product",
        "one_cell_all_the_time", "ping_pong", "repeated_index_of_an_argument", "alias_augmented", "view_sees_a_write",
        "write_in_both_branches", "item_written_twice", "scratch_array_reused", "callee_sweeps_its_argument",
    ),
}  # fmt: skip


def results():
    """What becomes of each program that is not refused: whether its derivatives are right."""
    found = {}
    for module, names in SHOWN_BY.items():
        for name in names:
            if name in getattr(module, "WRONG", ()):
                continue
            function, points = module.PROGRAMS[name]
            try:
                for args in points:
                    check(function, *args, second=False)
                found[name] = True
            except Unsuitable:
                raise
            except s2sad.S2sadError:
                assert name in module.KNOWN
            except Exception:
                found[name] = False
    return found


#: Whether some program that writes in place is differentiated: without one a fault of writes cannot show.
WRITES = bool(set(SHOWN_BY[test_in_place]) - test_in_place.KNOWN - test_in_place.WRONG)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if WRITES or fault != "not cleared"])
def test_planted_faults_are_caught(monkeypatch, fault):
    planted = []

    def plant(program, kinds):
        planted.append(False)
        new = FAULTS[fault](program, kinds)
        planted[-1] = True
        return new

    monkeypatch.setattr(pipeline, "PASSES", (("fault", plant), *pipeline.PASSES))
    found = results()
    assert len(found) >= 8 and planted and all(planted), "the fault could not be planted"
    if fault == "none":
        assert all(found.values()), [name for name, right in found.items() if not right]
    else:
        assert not all(found.values()), f"no program shows the fault {fault!r}"
