"""Every public function of NumPy, `math`, `cmath` and the builtins is covered, constant, or refused with a reason."""

from pathlib import Path

import numpy as np
import pytest

from s2sad import grad
from s2sad.cli import main
from s2sad.errors import S2sadError
from s2sad.rules import coverage, registry
from s2sad.rules.coverage import MODULES, public_functions, registered, status

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_is_classified(module):
    assert [name for name in public_functions(module) if status(name) is None] == []


def test_methods_and_attributes_of_arrays_are_classified():
    names = [f"numpy.ndarray.{n}" for n in dir(np.ndarray) if not n.startswith("_")]
    assert [name for name in names if status(name) is None] == []


def test_a_function_that_is_not_classified_is_noticed(monkeypatch):
    monkeypatch.setattr(np, "a_new_function", lambda a: a, raising=False)
    assert [n for n in public_functions("numpy") if status(n) is None] == ["numpy.a_new_function"]


@pytest.mark.parametrize("module", [*coverage.ROWS.values()])
def test_a_name_has_one_status(module):
    refused = {n for n in registry.refused_names() if n.rpartition(".")[0] == module}
    assert not refused & {*registry.names(), *coverage.CONSTRUCTS}


def test_refusals_have_a_reason_and_a_help():
    for name in registry.refused_names():
        said = registry.refusal(name)
        assert said is not None and said.reason and said.help, name
        assert not said.reason.endswith(".") and not said.help.endswith("."), name


def test_names_of_the_table_exist():
    """But for those of other versions of Python and NumPy."""
    elsewhere = {
        "numpy.row_stack", "numpy.trapz", "numpy.matvec", "numpy.vecmat", "numpy.float128", "numpy.complex256",
        "numpy.in1d", "math.exp2", "math.cbrt", "math.fma", "numpy.ndarray.ptp", "math.sumprod", "numpy.fix",
    }  # fmt: skip
    for module in MODULES:
        absent = {n for n in registered(module) if n not in public_functions(module)} - elsewhere
        assert not {n for n in absent if n.count(".") == module.count(".") + 1 and "__" not in n}, module


def test_the_table_in_the_readme_is_made_from_the_registry():
    assert coverage.table() in README.read_text()


def test_refused_functions_say_why():
    with pytest.raises(S2sadError, match="numpy.matrix has no derivative rule: it means another product") as refusal:
        grad(lambda x: np.sum(np.matrix(x)))(np.ones((2, 2)))
    assert refusal.value.code == "S301" and refusal.value.help == "use arrays, and `@` for products"
    with pytest.raises(S2sadError, match="the method 'tolist' of an array makes a list") as refusal:
        grad(lambda x: sum(x.tolist()))(np.ones(2))
    assert refusal.value.code == "S203"


@pytest.mark.parametrize("f", [lambda x: max([x, x], default=0.0), lambda x: max([x, 2.0], key=abs)])
def test_lists_beside_other_arguments_are_refused(f):
    with pytest.raises(S2sadError, match="of a list that holds what is differentiated"):
        grad(f)(1.0)


# The command
def shown(capsys, *arguments):
    assert main(["rules", *arguments]) == 0
    return capsys.readouterr().out


def test_command_counts(capsys):
    text = shown(capsys)
    assert coverage.table() in text
    for module in MODULES:
        count = len(public_functions(module))
        assert f"{module}: {count} public functions, {count} classified" in text
    assert shown(capsys, "--missing") == ""


def test_command_shows_formulas_sources_and_singular_points(capsys):
    assert shown(capsys, "np.absolute") == (
        "numpy.absolute(x)\n    x_bar = g * (np.conj(x) / np.where(y, y, 1))    # where x.is_complex\n"
        "    x_bar = g * (np.sign(x))\n    At zero the derivative is zero.\n\n1 covered\n"
    )
    text = shown(capsys, "cholesky")
    assert "a_bar = cholesky_adjoint(g, y)    # where upper == False" in text and "Murray (2016)" in text
    assert "numpy.argmax: constant\n" in shown(capsys, "numpy.arg*")
    assert "numpy.matrix: refused, for it means another product" in shown(capsys, "numpy.matrix")
    assert "), which is numpy.max\n" in shown(capsys, "numpy.amax")


def test_command_refuses_what_it_does_not_know(capsys):
    assert main(["rules", "numpy.cosinus"]) == 2
    assert "did you mean numpy.c" in capsys.readouterr().err
