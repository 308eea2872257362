"""What emitted derivatives call: plain cases by hand, types of arguments, and that each function stands alone."""

import ast
import importlib
import inspect

import numpy as np
import pytest

from s2sad.runtime import adjoints, linalg
from s2sad.runtime.adjoints import (
    cast_back,
    inverse_permutation,
    item_adjoint,
    part,
    rebroadcast,
    repeat_adjoint,
    sort_adjoint,
    sort_tangent,
    spread,
    take_adjoint,
    tile_adjoint,
    unbroadcast,
    unpad,
    unspread,
)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (1, 1, 1), (4, 1, 3), (1, 2, 1)])
def test_unbroadcast_is_the_adjoint_of_broadcasting(shape):
    a = np.random.default_rng(0).normal(size=shape)
    g = np.random.default_rng(1).normal(size=np.broadcast_shapes(shape, (4, 2, 3)))
    found = unbroadcast(g, a)
    assert np.shape(found) == shape
    assert np.isclose(np.sum(found * a), np.sum(g * (a + np.zeros_like(g))))


@pytest.mark.parametrize("a", [1.5, 2, True, 1j, np.float64(1.5), np.array(1.5)], ids=lambda a: type(a).__name__)
def test_unbroadcast_to_a_number(a):
    for g in (1.0, np.float64(1.0), np.array(1.0)):
        assert unbroadcast(g, a) == 1.0
    found = unbroadcast(np.ones((2, 3)), a)
    assert found == 6.0
    assert np.shape(found) == ()


def test_unbroadcast_keeps_what_fits():
    g = np.ones((2, 3))
    assert unbroadcast(g, np.zeros((2, 3))) is g
    assert unbroadcast(1.5, 2.5) == 1.5
    assert unbroadcast(np.ones((2, 3)), [0.0, 0.0, 0.0]).tolist() == [2.0, 2.0, 2.0]


def test_unbroadcast_of_empty_arrays():
    assert unbroadcast(np.ones((0, 3)), np.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    assert unbroadcast(np.ones((0,)), np.zeros(1)).tolist() == [0.0]
    assert unbroadcast(np.ones((0,)), np.zeros(0)).shape == (0,)


def test_unbroadcast_keeps_single_precision():
    g = np.ones((2, 3), "float32")
    assert unbroadcast(g, np.zeros(3, "float32")).dtype == np.float32
    assert unbroadcast(g, 1.5).dtype == np.float32


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (0, -1), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_spread_and_unspread_are_transposes(axis, keepdims):
    a = np.random.default_rng(2).normal(size=(2, 3))
    g = np.random.default_rng(3).normal(size=np.shape(np.sum(a, axis=axis, keepdims=keepdims)))
    found = spread(g, a, axis, keepdims)
    assert found.shape == a.shape
    assert np.isclose(np.sum(found * a), np.sum(g * np.sum(a, axis=axis, keepdims=keepdims)))
    assert np.array_equal(unspread(a, a, axis, keepdims), np.sum(a, axis=axis, keepdims=keepdims))


def test_spread_over_a_number():
    assert spread(1.5, 2.5) == 1.5
    assert spread(1.5, np.float64(2.5), 0) == 1.5


def test_rebroadcast():
    assert rebroadcast(1.5, 2.5) == 1.5
    assert rebroadcast(np.ones((3, 1)), np.zeros((3, 2))).shape == (3, 2)


@pytest.mark.parametrize("axes", [(0,), (1, 0), (2, 0, 1), (-1, 0, 1), [1, 2, 0], (0, -2, -1)])
def test_inverse_permutation(axes):
    a = np.arange(float(2 * 3 * 4)).reshape(
        (2, 3, 4)[: len(axes)] if len(axes) == 3 else (24,) if len(axes) == 1 else (4, 6)
    )
    assert np.array_equal(np.transpose(np.transpose(a, axes), inverse_permutation(axes)), a)
    assert inverse_permutation((tuple(axes),)) == inverse_permutation(axes)


def test_inverse_permutation_of_the_reversal():
    for axes in (None, (), (None,)):
        assert inverse_permutation(axes) is None


def test_sort_adjoint_and_tangent_with_ties():
    a = np.array([2.0, 1.0, 2.0, 1.0])
    assert sort_tangent(np.arange(4.0), a).tolist() == [1.0, 3.0, 0.0, 2.0]
    assert sort_adjoint(np.arange(4.0), a).tolist() == [2.0, 0.0, 3.0, 1.0]


def test_repeats_of_zero_times():
    assert repeat_adjoint(np.array([1.0, 2.0]), np.zeros(3), [1, 0, 1]).tolist() == [1.0, 0.0, 2.0]
    assert tile_adjoint(np.zeros(0), np.zeros(3), 0).tolist() == [0.0, 0.0, 0.0]


def test_take_adjoint_adds_what_was_taken_twice():
    assert take_adjoint(np.array([1.0, 2.0, 3.0]), np.zeros(3), [0, 0, -1]).tolist() == [3.0, 0.0, 3.0]


def test_parts_are_those_of_a_concatenation():
    arrays = [np.ones((2, n)) for n in (1, 0, 3)]
    whole = np.concatenate([k * a for k, a in enumerate(arrays)], axis=1)
    for k, a in enumerate(arrays):
        assert np.array_equal(part(whole, arrays, k, 1), k * a)
        assert np.array_equal(part(whole, arrays, k, -1), k * a)


def test_unpad_takes_every_form_of_width():
    a = np.arange(6.0).reshape(2, 3)
    for width in (1, (1, 2), ((1, 2), (0, 3)), np.array([[1, 0], [2, 2]]), {0: 1}, {-1: (1, 2)}):
        assert np.array_equal(unpad(np.pad(a, width), a, width), a)


def test_item_adjoint():
    a = np.zeros((2, 3))
    assert (
        item_adjoint(1.5, a, (1, 2))[1, 2]
        == item_adjoint(1.5, a, ((1, 2),))[1, 2]
        == item_adjoint(1.5, a, (5,))[1, 2]
        == 1.5
    )
    assert item_adjoint(1.5, np.zeros((1, 1))).tolist() == [[1.5]]


def test_cast_back():
    assert cast_back(np.ones(2), np.zeros(2, "float32")).dtype == np.float32
    assert cast_back(np.ones(2), np.zeros(2), int).tolist() == [0.0, 0.0]
    assert isinstance(cast_back(1.5, 2.5), float)


# Emitted files carry the source of these functions
@pytest.mark.parametrize("module", [adjoints, linalg], ids=lambda m: m.__name__)
def test_functions_stand_alone(module):
    """A function's source names numpy, builtins and functions of its own file, and documents itself."""
    functions = {n: f for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__}
    assert not any(name.startswith("_") for name in functions)
    builtins = set(dir(importlib.import_module("builtins")))
    for function in functions.values():
        assert function.__doc__
        tree = ast.parse(inspect.getsource(function))
        own = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        own |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - own - builtins
        assert used <= {"np", "math", "Any"} | set(functions), function


def test_names_are_unique():
    names = [
        n
        for m in (adjoints, linalg)
        for n, f in vars(m).items()
        if inspect.isfunction(f) and f.__module__ == m.__name__
    ]
    assert len(names) == len(set(names))
