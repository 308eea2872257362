"""Kernels as scientific codes have them: loops, slices and functions that write in place.

Each is checked along directions, by `oracle.check_along`: gradient and tangent against dual numbers and differences,
the value bit for bit, the caller's arrays untouched.
"""

import numpy as np
import pytest
from kernels import bodies, dynamics, factorisations, flows, sequences, stencils
from programs.oracle import Unsuitable, check_along, point_of, random_like, slopes

import s2sad

rng = np.random.default_rng(7)


def normal(*shape):
    return rng.normal(size=shape)


def dominant(n):
    """A matrix whose systems are well conditioned."""
    return normal(n, n) + n * np.eye(n)


def covariance(n):
    m = normal(n, n)
    return m @ m.T + n * np.eye(n)


def waves(*shape):
    """A smooth field with a little noise."""
    axes = np.meshgrid(*(np.linspace(0.0, 1.0, n) for n in shape), indexing="ij")
    return sum(np.sin(2 * a + k) for k, a in enumerate(axes)) + 0.1 * normal(*shape)


MOTION = np.array([[1.0, 0.3], [-0.1, 0.9]])
CASES = [
    (stencils.jacobi_1d, (waves(9), 0.1 * normal(9), 4)),
    (stencils.jacobi_1d_swapped, (waves(10), 1 + 0.1 * normal(10), 5)),
    (stencils.jacobi_2d, (waves(6, 5), 0.1 * normal(6, 5), normal(6), 0.7, 3)),
    (stencils.seidel, (waves(5, 6), normal(5, 6), 0.3, 3)),
    (stencils.red_black, (waves(9), 0.2 * normal(9), 3)),
    (stencils.heat_3d, (waves(4, 5, 4), 0.12, 4)),
    (stencils.adi, (waves(6, 6), 1.9, -0.4, 2)),
    (factorisations.lu_solve, (dominant(5), normal(5))),
    (factorisations.lu_pivoted, (normal(5, 5), normal(5))),
    (factorisations.log_likelihood, (normal(4, 4), normal(4))),
    (factorisations.cholesky_by_columns, (normal(5, 5),)),
    (factorisations.triangular, (dominant(5), normal(5))),
    (factorisations.gram_schmidt, (normal(6, 4), normal(6, 4))),
    (factorisations.gram_schmidt_rows, (normal(4, 6),)),
    (factorisations.durbin, (0.3 * normal(7),)),
    (factorisations.durbin_by_slices, (0.3 * normal(7),)),
    (factorisations.implicit_diffusion, (waves(7), 0.4 + 0.1 * normal(7) ** 2, 3)),
    (flows.fdtd_2d, (normal(4, 5), normal(4, 5), normal(4, 5), normal(5), 0.7)),
    (flows.fdtd_1d, (normal(7), 0.9 + 0.05 * normal(7), 0.5, 5)),
    (flows.cavity_flow, (0.1 * waves(6, 5), 0.1 * waves(6, 5), 0.1 * waves(6, 5), 1.0, 1.1, 0.1, 3)),
    (flows.vertical_advection, (normal(3, 2, 5), normal(4, 2, 5), 3.0)),
    (bodies.n_body, (normal(4, 3), 0.1 * normal(4, 3), 1 + normal(4) ** 2, 0.3, 0.05, 3)),
    (bodies.n_body_pairs, (normal(4, 2), 0.1 * normal(4, 2), 1 + normal(4, 1) ** 2, 0.3, 0.05, 3)),
    (bodies.particles, (np.array([0.5, 0.9, 0.3]), np.array([-0.4, 1.2, -0.9]), 0.2, 1.0, 0.8, 20)),
    (bodies.particles, (np.array([0.5, 0.9, 0.3]), np.array([-0.1, 0.5, 0.2]), 0.2, 1.0, 0.8, 6)),
    (bodies.shower, (np.array([0.5, 0.9, 3.0]), np.array([0.4, 0.2, 0.1]), 9.0, 0.0, 9)),
    (dynamics.rk4, (np.array([1.2, 0.8]), np.array([0.9, 0.7, 0.6, 0.8]), 1 + 0.3 * normal(5, 2), 0.2)),
    (dynamics.lorenz, (np.array([1.0, 0.5, 1.5]), 10.0, 28.0, 8.0 / 3.0, 0.01, 12)),
    (dynamics.lorenz_96, (normal(6), 8.0, 0.02, 4)),
    (
        dynamics.kalman,
        (normal(2), covariance(2), MOTION, 0.1 * covariance(2), normal(2, 2), covariance(2), normal(4, 2)),
    ),
    (sequences.lstm, (normal(4, 3), normal(4), normal(8, 3), normal(8, 2), normal(8), normal(2))),
    (sequences.lstm_gates_in_one_array, (normal(3, 2, 3), normal(5, 8), normal(2, 2))),
]  # fmt: skip

#: What is refused still. A kernel that works fails its test until it is taken out; a wrong value always fails.
KNOWN: frozenset[str] = frozenset()


def named():
    """Parameters for tests: a kernel and its arguments."""
    seen, found = {}, []
    for function, args in CASES:
        k = seen[function] = seen.get(function, 0) + 1
        id = function.__name__ + (f"-{k}" if k > 1 else "")
        found.append(pytest.param(function, args, id=id))
    return found


@pytest.mark.parametrize(("function", "args"), named())
def test_oracles_agree(function, args):
    point = point_of(function, args)
    slopes(point, [random_like(np.random.default_rng(3), args[i]) for i in point.wrt])


@pytest.mark.parametrize(("function", "args"), named())
def test_kernel(function, args):
    known = function.__name__ in KNOWN
    try:
        check_along(function, *args)
    except Unsuitable as error:
        pytest.fail(f"the oracles disagree: {error}")
    except s2sad.S2sadError as error:
        assert error.place is not None and error.help
        if not known:
            raise
        return
    assert not known, f"{function.__name__} works: take it out of KNOWN"


def test_early_exits_are_taken():
    """The particles of one case leave early, those of the other do not."""
    early, late = (args for function, args in CASES if function is bodies.particles)
    for args, steps_matter in ((early, False), (late, True)):
        values = [bodies.particles(*(a.copy() for a in args[:2]), *args[2:-1], args[-1] + more) for more in (0, 1)]
        assert (values[0] != values[1]) == steps_matter
