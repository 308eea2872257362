"""Programs with complex values: values, gradients, tangents and second derivatives against differences.

The adjoint of z = x + iy is ∂/∂x - i ∂/∂y, as in JAX and autograd.
"""

import cmath
import math

import numpy as np
import pytest
from rules.complex_harness import check_function

import s2sad
from s2sad import elementwise_grad, grad, value_and_grad
from s2sad.transforms import jvp, vjp

_random = np.random.default_rng(3)
PROGRAMS = []


def z(*shape):
    """Complex numbers; without a shape one of Python."""
    made = _random.normal(size=shape) + 1j * _random.normal(size=shape)
    return made if shape else complex(made)


def x(*shape):
    """Real numbers between 0.3 and 1.2."""
    made = _random.uniform(0.3, 1.2, shape)
    return made if shape else float(made)


def at(*args):
    """Register a program of real and complex arguments with a real result, at a point."""

    def register(f):
        PROGRAMS.append((f, args))
        return f

    return register


def helper(a, b):
    return a * b + np.conj(a)


def power(c, n):
    return 1.0 if n == 0 else c * power(c, n - 1)


def inner(c):
    return c * c.conjugate()


def rec2(a, c, n):
    if n == 0:
        return a * 1.0
    return rec2(a, c, n - 1) * c + a


@at(x(8), x(8))
def split_step(v, psi):
    k = 2 * np.pi * np.fft.fftfreq(8)
    u = psi * np.exp(1j * v)
    for _ in range(3):
        u = u * np.exp(-0.05j * v)
        u = np.fft.ifft(np.exp(-0.05j * k**2) * np.fft.fft(u))
        u = u * np.exp(-0.05j * v)
    return np.sum(np.abs(u[:4]) ** 2)


@at(x(), x(), x(), x())
def impedance(r, l, c, w):
    s = 1j * w
    zp = 1 / (1 / r + 1 / (s * l) + s * c)
    zt = zp + r / 3
    return abs(zt) + zt.imag


@at(x(8), z(5))
def dft_filter(a, h):
    A = np.fft.rfft(a) * h
    y = np.fft.irfft(A)
    return np.sum(y**2) + np.sum(np.abs(A) ** 2)


@at(0.1 + 0.2j)
def mandel(c):
    v = 0j
    for _ in range(5):
        v = v * v + c
    return abs(v) ** 2


@at(0.3 + 0.4j)
def mandel_while(c):
    v = c
    n = 0
    while abs(v) < 2.0 and n < 20:
        v = v * v + c
        n += 1
    return abs(v) + v.real


@at(x(6))
def inplace(a):
    w = np.zeros(6, dtype=complex)
    for i in range(6):
        w[i] = a[i] * 1j**i
    w[1:] += w[:-1] * (0.5 + 0.2j)
    w *= 1 + 0.5j
    return np.sum(np.abs(w) ** 2)


@at(z(4))
def real_into_complex(b):
    w = b.copy()
    w[0] = 2.0
    w[1] = b[2].real
    w[2:] = np.abs(b[:2])
    return np.sum((w * w).real) + np.sum(np.abs(w * (1 + 2j)) ** 2)


@at(z(4))
def into_real(b):
    w = np.zeros(4)
    w[0] = b[0].real * b[1].imag
    w[1:] = np.abs(b[1:])
    return np.sum(w**3)


@at(x(3), z(3))
def calls(a, b):
    return np.sum(np.abs(helper(a, b)) ** 2) + np.sum(np.abs(helper(b, b) + helper(a, a)) ** 2)


@at(z())
def branch(c):
    if c.real > 0:
        d = c * c
    else:
        d = c.conjugate()
    return abs(d) ** 2 + d.imag


@at(z(), x())
def either(c, a):
    if abs(c) > 100:
        d = a
    else:
        d = c
    return abs(d * (1 + 1j)) ** 2


@at(z(3), x(3))
def container(a, b):
    parts = (a * b, b)
    s = 0.0
    for q in parts:
        s = s + np.sum(np.abs(q) ** 2)
    return s


@at(x(), x())
def polar(r, t):
    zz = cmath.rect(r, t)
    return cmath.phase(zz * zz) + abs(zz)


@at(z())
def rec(c):
    return abs(power(c, 4))


@at(z(3, 3), z(3))
def lin(a, b):
    y = np.linalg.solve(a + 4 * np.eye(3), b)
    return np.vdot(y, y).real + np.linalg.norm(y)


@at(z(3, 3))
def herm(a):
    h = a + a.conj().T
    w, v = np.linalg.eigh(h)
    return np.sum(w**2 * np.arange(3)) + np.abs(v[0, 0]) ** 2


@at(z(3, 3))
def chol(a):
    L = np.linalg.cholesky(a @ a.conj().T + np.eye(3))
    return np.sum(np.log(np.diag(L).real)) + np.sum(np.abs(L) ** 2)


@at(z(3))
def itemloop(a):
    s = 0
    for i in range(3):
        s = s + a[i] * a[i - 1]
    return abs(s)


@at(z(3))
def listcomp(a):
    return abs(sum([a[i] ** 2 for i in range(3)]))


@at(z(3, 2))
def realview(a):
    return np.sum(a.real**2) + np.sum(a.imag * a.real)


@at(x(4))
def viewas(a):
    return np.sum(np.abs(np.exp(1j * a) - 1) ** 2)


@at(z(2))
def mixed_rebind(a):
    s = 0.0
    for i in range(2):
        s = s + abs(a[i])
        s = s * 1.0
    t = 1.0
    for i in range(2):
        t = t * a[i]
    return s * t.real


@at(z(3))
def shadow(a):
    b = a * 1
    c = b[1:]
    c[0] = c[1] * b[0]
    b[2] += 1j * c[0]
    return np.sum(np.abs(b) ** 3)


@at(z(3))
def out_arg(a):
    b = np.empty(3, complex)
    np.multiply(a, a, out=b)
    return np.sum(np.abs(b))


@at(x(3))
def ufunc_at(a):
    b = np.zeros(3, complex)
    np.add.at(b, [0, 0, 1], a * 1j)
    return np.sum(np.abs(b) ** 2)


@at(x())
def negroot(a):
    return abs((-a + 0j) ** 0.5)


@at(z())
def nested(c):
    return (inner(inner(c)) + c).real


@at(z(4))
def cumul(a):
    return np.sum(np.abs(np.cumsum(a) * np.cumprod(a)))


@at(x(3, 3), z(3))
def realmat(A, b):
    return np.sum(np.abs(A @ b) ** 2) + abs(b @ A @ b) + abs(np.dot(A[0], b)) ** 2


@at(x(3, 3), z(3))
def realsolve(A, b):
    return np.sum(np.abs(np.linalg.solve(A + 3 * np.eye(3), b)) ** 2)


@at(z(3))
def conj_out(a):
    b = a * 2
    np.conjugate(b, out=b)
    b[0] *= a[1]
    return np.sum((b * b).imag)


@at(z())
def parts(c):
    v = np.array([c.real, c.imag])
    return math.sin(c.real) * v[0] + v @ v * c.imag


@at(z(3))
def masked(a):
    b = np.zeros(3)
    b[a.real > 0] = np.abs(a[a.real > 0])
    w = np.where(a.imag > 0, a, a.real)
    return np.sum(b**2) + np.sum(np.abs(w * (2 + 1j)))


@at(x(), z())
def recmix(a, c):
    return abs(rec2(a, c, 3)) ** 2


@at(z())
def whilebreak(c):
    v = c
    for i in range(10):
        v = v * v * 0.5 + c
        if abs(v) > 4:
            break
    return abs(v) ** 2


@at(z())
def early(c):
    if c.imag > 0.2:
        return abs(c * c)
    d = c * 1j
    return d.real


@at(z(2), z(2))
def closure(a, b):
    def mul(q):
        return q * b

    return np.sum(np.abs(mul(a) + mul(mul(a))) ** 2)


@at(z(4))
def alias_write(a):
    b = a.copy()
    c = b
    c[1] = c[0] * c[2]
    d = b[::2]
    d += 1j * b[1::2]
    return np.sum(np.abs(b) ** 2)


@at(z(2, 3))
def rows(a):
    out = np.empty((2, 3), dtype=np.complex128)
    for i in range(2):
        out[i] = a[i] * np.conj(a[1 - i])
    out[:, 0] = out[:, 1].real
    return np.sum(np.abs(out) ** 2)


@at(x(4))
def complex_item(a):
    w = np.zeros(2, complex)
    w[0] = complex(a[0], a[1])
    w[1] = complex(a[2])
    return np.sum(np.abs(w * (1 + 1j)) ** 2) + (w[0] * w[1]).imag


@at(z(3))
def powers(a):
    s = 0j
    for n in range(4):
        s += np.sum(a**n) * n
    return abs(s) ** 0.5


@at(x(6), x(6))
def fftconv(a, b):
    return np.sum(np.fft.irfft(np.fft.rfft(a) * np.fft.rfft(b), 6) ** 2)


@at(x(6))
def fftconj(a):
    A = np.fft.fft(a)
    ps = (A * np.conj(A)).real
    return np.sum(np.log(1 + ps)) + np.angle(A[1])


@at(x(4, 4))
def fft2d(a):
    A = np.fft.fftshift(np.fft.fft2(a, norm="ortho"))
    return np.sum(np.abs(A * np.arange(4)) ** 2)


@at(z())
def divs(c):
    return ((c + 1) / (c - 2)).real / abs(c) + (1 / c).imag


@at(z(2, 2))
def bell(m):
    rho = m @ m.conj().T
    rho = rho / np.trace(rho)
    return np.trace(rho @ rho).real


@at(x())
def qubit(t):
    psi = np.array([1, 0], dtype=complex)
    c, s = np.cos(t), np.sin(t)
    U = np.array([[c, -1j * s], [-1j * s, c]])
    for _ in range(3):
        psi = U @ psi
    return abs(psi[1]) ** 2


@at(z(3))
def cube(a):
    return np.einsum("i,i,j->", a, np.conj(a), a).real


@at(z(3))
def starred(a):
    lo, *hi = [a[0], a[1] * 2, a[2]]
    return abs(lo * hi[0] + hi[1])


@at(x(3))
def astyped(a):
    w = a.astype(complex)
    w[0] *= 1j
    return np.sum(np.abs(w + 1) ** 2)


@at(z(3))
def real_astype(a):
    return np.sum(a.real.copy() ** 2 * np.real(a) + np.imag(a)[::-1])


@at(z(3))
def augreal(a):
    s = np.zeros(3)
    s += a.real
    s *= a.imag
    s -= np.abs(a)
    return np.sum(s**2)


@at(z(2))
def sumgen(a):
    return abs(sum(q * q for q in a))


@at(z())
def maxabs(c):
    return max(abs(c), abs(c * 2 - 1)) + min(c.real, 0.3)


@at(z(3))
def sorted_abs(a):
    return np.sum(np.sort(np.abs(a)) * np.arange(3))


@at(z())
def swap(c):
    u, v = c, c.conjugate()
    for _ in range(3):
        u, v = v * 0.5 + u, u * 1j
    return abs(u) + v.real


@at(z(2))
def tanhs(a):
    h = np.zeros(2, complex)
    for t in range(3):
        h = np.tanh(h * (0.5 + 0.1j) + a * t)
    return np.linalg.norm(h)


@at(z())
def zero_trips(c):
    s = 0.0
    for k in range(int(abs(c) * 0)):
        s = s + abs(c)
    return s + c.real


@at(z(3))
def items(a):
    return a.item(0).real + abs(a[1].item()) * a.sum().imag


@at(z(3))
def methods(a):
    return abs(a.mean()) + a.prod().real + a.cumsum()[1].imag + abs(a.dot(a)) + a.var() + a.std() + abs(a.ravel()[2])


@at(z(3, 3))
def singular_vectors(a):
    u, s, vh = np.linalg.svd(a)
    turned = u[:, 0] * vh[0, 1]
    return np.sum(s * np.arange(3)) + np.sum(np.abs(turned - 0.5) ** 2) + np.abs(u[0, 1]) ** 2


@at(z(4, 2))
def thin_singular_vectors(a):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.sum(np.abs(u @ np.diag(s**2) @ vh) ** 2)


@at(x(3, 3) + np.diag([1.0, 4.0, 9.0]))
def real_eigenvalues(a):
    w, v = np.linalg.eig(a)
    return np.sum(w.real**3) + np.sum(np.abs(v) ** 3) + np.linalg.eigvals(a * 2)[0].real


@at(z(3, 3))
def orthogonal_factors(a):
    q, r = np.linalg.qr(a)
    return np.sum(np.abs(q) ** 3) + np.sum((r * r).real)


@pytest.mark.parametrize("f, args", [pytest.param(f, a, id=f.__name__) for f, a in PROGRAMS])
def test_program(f, args):
    arrays = [a for a in args if isinstance(a, np.ndarray)]
    for a in arrays:
        a.flags.writeable = False
    before = [a.copy() for a in arrays]
    check_function(f, list(args), 1e-6, f.__name__)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before))


def test_there_are_many_programs():
    assert len(PROGRAMS) >= 40


# The convention, by examples of the documentation of JAX
def test_real_functions_of_complex_numbers():
    """The conjugate of the direction of steepest ascent: minus its conjugate times a step goes down."""
    assert grad(lambda c: c.real**2 + c.imag**2)(3 + 4j) == 6 - 8j
    assert grad(lambda c: abs(c) ** 2)(3 + 4j) == 6 - 8j
    c = 1 + 2j
    for _ in range(50):
        c = c - 0.1 * grad(lambda c: abs(c - (2 - 1j)) ** 2)(c).conjugate()
    assert abs(c - (2 - 1j)) < 1e-4


def test_holomorphic_functions():
    assert grad(lambda c: c**3, holomorphic=True)(1 + 2j) == 3 * (1 + 2j) ** 2
    value, slope = value_and_grad(lambda c: cmath.sin(c), holomorphic=True)(1 + 2j)
    assert value == cmath.sin(1 + 2j) and slope == cmath.cos(1 + 2j)
    v = np.array([1 + 1j, 2.0])
    np.testing.assert_allclose(elementwise_grad(lambda c: np.exp(c * 1j), holomorphic=True)(v), 1j * np.exp(1j * v))
    twice = grad(grad(lambda c: c**3, holomorphic=True), holomorphic=True)
    assert twice(1 + 2j) == 6 * (1 + 2j)
    identity = grad(lambda c: c, holomorphic=True)(2j)
    assert identity == 1 and type(identity) is complex


@pytest.mark.parametrize(
    "f, at, options, code, help",
    [
        (lambda c: c * c, 1j, {}, "S409", "holomorphic=True"),
        (lambda a: a * 1j, 1.0, {}, "S409", "holomorphic=True"),
        (lambda c: abs(c), 1j, {"holomorphic": True}, "S409", "leave"),
        (lambda c: c.conjugate() * c, 1j, {"holomorphic": True}, "S207", "holomorphic=True"),
        (lambda c: abs(c) * c, 1j, {"holomorphic": True}, "S207", "holomorphic=True"),
        (lambda c: c.real + 1j * c.imag, 1j, {"holomorphic": True}, "S207", "holomorphic=True"),
    ],
)
def test_what_is_not_holomorphic_is_refused(f, at, options, code, help):
    with pytest.raises(s2sad.S2sadError) as caught:
        grad(f, **options)(at)
    assert caught.value.code == code and caught.value.place is not None and help in str(caught.value)


def test_adjoints_and_tangents_of_any_function():
    """Of what has no complex derivative too: the real parts of products agree."""

    def f(c):
        return c.conjugate() * c.real + abs(c) * 1j

    c, c_dot, seed = 1 + 2j, 0.5 - 0.3j, 2 - 1j
    value, tangent = jvp(f)(c, c_dot)
    h = 1e-6
    assert value == f(c) and abs(tangent - (f(c + h * c_dot) - f(c - h * c_dot)) / (2 * h)) < 1e-8
    assert abs((seed * tangent).real - (vjp(f)(c, seed) * c_dot).real) < 1e-12


def test_seeds_and_tangents_are_real_where_values_are():
    for made, args in ((vjp(lambda c: c * c), (1j, 1.0)), (vjp(lambda c: abs(c)), (1j, 1j))):
        with pytest.raises(s2sad.S2sadError, match="S402"):
            made(*args)
    for made, args in ((jvp(lambda c: c * c), (1j, 1.0)), (jvp(lambda a: a * a), (1.0, 1j))):
        with pytest.raises(s2sad.S2sadError, match="S402"):
            made(*args)


@pytest.mark.parametrize(
    "f, want",
    [
        (lambda c: np.sum(c.imag), [-1j, -1j]),
        (lambda c: np.sum(c.real), [1, 1]),
        (lambda c: np.sum(np.imag(c * 1j) * 2), [2, 2]),
        (lambda c: np.sum(np.imag(c)) + np.sum(c.real), [1 - 1j, 1 - 1j]),
        (lambda c: np.mean(c.imag), [-0.5j, -0.5j]),
    ],
)
def test_constant_adjoints_are_complex(f, want):
    found = grad(f)(np.array([1j, 2.0]))
    np.testing.assert_array_equal(found, want)
    assert found.dtype == complex and found.flags.writeable


def test_gradients_mirror_containers():
    parameters = {"w": np.array([1 + 1j, 2j]), "b": np.array([1.0, 2.0]), "n": 3, "c": 2j}

    def loss(p):
        return np.sum(np.abs(p["w"] * p["b"] + p["c"]) ** 2)

    found = grad(loss)(parameters)
    assert found["w"].dtype == complex and found["b"].dtype == float and found["n"] is None
    assert isinstance(found["c"], complex)

    def alone(w, b, c):
        return np.sum(np.abs(w * b + c) ** 2)

    wants = grad(alone, wrt=(0, 1, 2))(parameters["w"], parameters["b"], parameters["c"])
    for name, want in zip("wbc", wants):
        np.testing.assert_array_equal(found[name], want)


@pytest.mark.parametrize(
    "real, single", [("float32", "complex64"), ("float64", "complex128"), ("longdouble", "clongdouble")]
)
def test_precision_stays(real, single):
    def f(a, c):
        return np.sum(np.abs(np.exp(1j * a) * c + np.fft.ifft(np.fft.fft(c) * a)) ** 2)

    a, c = np.array([0.5, 1.0], real), np.array([1 + 1j, 2j], single)
    value, (by_a, by_c) = value_and_grad(f, wrt=(0, 1))(a, c)
    assert by_a.dtype == real and by_c.dtype == single and value == f(a, c)
    wants = grad(f, wrt=(0, 1))(a.astype(float), c.astype(complex))
    np.testing.assert_allclose(by_a.astype(float), wants[0], 2e-5)
    np.testing.assert_allclose(by_c.astype(complex), wants[1], 2e-5)


def loop_of_two_fields(a, n):
    """A value that is real in the first trip and complex from the second on."""
    s = a
    for k in range(n):
        s = s * (1 + 0.5j * k) if k else s * a
    return abs(s) ** 2


def test_values_that_become_complex():
    for n in (0, 1, 2, 4):
        h = 1e-6
        want = (loop_of_two_fields(1.3 + h, n) - loop_of_two_fields(1.3 - h, n)) / (2 * h)
        found = grad(loop_of_two_fields)(1.3, n)
        assert type(found) is float and abs(found - want) < 1e-7 * (1 + abs(want))


@pytest.mark.parametrize(
    "body",
    ["b.real[0] = a[1].real", "b.imag = a.real", "c = b.real\n    c[:] = c * 2", "c = b.imag\n    c[0] = a[0].real"],
)
def test_writes_into_parts_are_refused(body, tmp_path):
    import importlib.util

    file = tmp_path / "parts.py"
    file.write_text(
        f"import numpy as np\n\n\ndef f(a):\n    b = a * 1\n    {body}\n    return np.sum(np.abs(b) ** 2)\n"
    )
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("parts", file))
    module.__spec__.loader.exec_module(module)
    with pytest.raises(s2sad.S2sadError) as caught:
        grad(module.f)(np.array([1 + 2j, 3j]))
    assert caught.value.place.line in (6, 7)


def test_phases_of_eigenvectors_do_not_matter_or_are_refused():
    h = np.array([[2.0, 1j], [-1j, 5.0]])

    def free(h):
        return np.abs(np.linalg.eigh(h)[1][0, 0]) ** 2

    def bound(h):
        return np.linalg.eigh(h)[1][0, 0].imag + np.linalg.eigh(h)[1][1, 0].real

    assert np.all(np.isfinite(grad(free)(h)))
    with pytest.raises(ValueError, match="phases"):
        grad(bound)(h * (1 + 0j))
    with pytest.raises(ValueError, match="phases"):
        grad(lambda a: np.linalg.svd(a)[0][0, 0].imag)(h + 1)
