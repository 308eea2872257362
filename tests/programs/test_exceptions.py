"""Exceptions that a program catches: `try`, `except`, `else`, `finally`, `raise`, in loops, callees and each other.

Each program is checked by `oracle.check` where nothing is raised and where something is, early and late. What ran
before an exception stays: names that were bound, cells that were written.
"""

import math

import numpy as np
import pytest
from programs.oracle import check, refusal

import s2sad
from s2sad.backend import tapes
from s2sad.ir import attempts

rng = np.random.default_rng(23)
A = np.array
VECTOR = rng.normal(size=4)
POSITIVE = A([0.7, 1.9, 1.2, 2.4])
MIXED = A([0.7, 1.9, -1.2, 2.4])
M = rng.normal(size=(3, 3)) * 0.3 + 2 * np.eye(3)
TABLE = {"a": 2.0, "b": 3.0}

PROGRAMS = {}


class TooLarge(ValueError):
    """A value is beyond its bound."""


class NotFound(Exception):
    """Nothing was found."""


def at(*points):
    """Register a program with the argument tuples that it is checked at."""

    def register(function):
        assert function.__name__ not in PROGRAMS, function.__name__
        PROGRAMS[function.__name__] = (function, points)
        return function

    return register


def bounded(x, top):
    if x > top:
        raise TooLarge(f"{x} > {top}")
    return x * math.sin(x)


def root(x):
    return math.sqrt(x) * x


def weight(x, k):
    for i in range(3):
        x = x * 1.5
        if i == k:
            raise NotFound
    return math.sin(x)


# ---- one handler ----------------------------------------------------------------------------------------------------


@at((M, 3.0), (M - 3 * np.eye(3), 9.0))
def cholesky_with_jitter(B, eps):
    S = (B + B.T) / 2 + 1.5 * np.eye(3)
    try:
        L = np.linalg.cholesky(S)
    except np.linalg.LinAlgError:
        L = np.linalg.cholesky(S + eps * np.eye(3))
    return np.sum(L**3)


@at((0.7, 2.0), (0.7, -2.0))
def root_or_line(x, y):
    try:
        r = math.sqrt(y) * x
    except ValueError:
        r = y * x * x
    return r * y


@at((0.7, "a"), (0.7, "c"))
def lookup(x, key):
    try:
        w = TABLE[key]
    except KeyError:
        w = 1.5
    return math.sin(w * x)


@at((0.7, 2), (0.7, 0))
def division(x, n):
    try:
        y = x / n
    except ZeroDivisionError:
        y = x * x
    return y * x


@at((VECTOR, 2), (VECTOR, 9))
def index_out_of_range(x, k):
    try:
        y = x[k]
    except IndexError:
        y = x[0] * x[1]
    return y * y


@at((0.7, 2.0), (1.4, 1.0))
def raised_here(x, top):
    try:
        if x > top:
            raise TooLarge("x")
        y = x * top
    except TooLarge:
        y = top * top
    return y * x


@at((0.7, 2.0), (1.4, 1.0))
def raised_in_a_callee(x, top):
    try:
        y = bounded(x, top)
    except ValueError:
        y = top * top * x
    return y * x


@at((0.7, 0), (0.7, 5))
def raised_behind_a_loop_of_a_callee(x, k):
    try:
        y = weight(x, k)
    except NotFound:
        y = x * x
    return y * x


@at((0.7, 2.0), (1.4, -1.0))
def any_exception(x, y):
    try:
        z = math.log(y)
    except:  # noqa: E722
        z = x * y
    return z * x


@at((0.7, 2.0), (0.7, -1.0))
def nothing_is_done_about_it(x, y):
    z = x * y
    try:
        z = math.log(y) * z
    except ValueError:
        pass
    return z * x


@at((0.7, 2.0), (0.7, -1.0))
def two_types_at_once(x, y):
    try:
        z = math.log(y) / x
    except (ValueError, ZeroDivisionError):
        z = x * x
    return z + y * x


@at((0.7, 2.0, 1), (0.7, -1.0, 1), (0.7, 2.0, 0))
def two_handlers(x, y, n):
    try:
        z = math.log(y) * x / n
    except ValueError:
        z = x * y
    except ZeroDivisionError:
        z = y * y + x
    return z * y


@at((0.7, 2.0, "a"), (0.7, -1.0, "b"), (0.7, 2.0, "c"), (0.7, 1200.0, "a"))
def three_handlers(x, y, key):
    try:
        w = TABLE[key]
        z = math.log(y) * math.exp(y) * w
    except KeyError:
        z = x * y
    except ValueError as error:
        z = x * y * len(str(error))
    except OverflowError:
        z = x
    return z * y * x


@at((0.7, 2.0), (0.7, -1.0))
def nothing_is_active_in_it(x, y):
    try:
        n = int(math.sqrt(y) * 3)
    except ValueError:
        n = 5
    return x**n * y


# ---- else, finally --------------------------------------------------------------------------------------------------


@at((0.7, 2.0), (0.7, -1.0))
def otherwise(x, y):
    try:
        z = math.log(y)
    except ValueError:
        r = x * y
    else:
        r = z * x * x
    return r * y


@at((0.7, 2.0), (0.7, -1.0))
def an_error_in_else_is_not_caught_here(x, y):
    try:
        try:
            z = x * 2
        except ValueError:
            r = x
        else:
            r = math.log(y) * z
    except ValueError:
        r = x * x * y
    return r


@at((0.7, 2.0))
def final(x, y):
    n = 1
    try:
        z = math.log(y) * x
    finally:
        n += 1
    return z * n


@at((0.7, 2.0), (0.7, -2.0))
def final_after_a_handler(x, y):
    n = 1
    try:
        z = math.log(y) * x
    except ValueError:
        z = x * x
        n = 3
    finally:
        x = x * n
    return z * x


@at((0.7, 2.0), (0.7, -2.0))
def final_before_an_outer_handler(x, y):
    w = x
    try:
        try:
            z = math.log(y) * x
        finally:
            w = w * y
    except ValueError:
        z = w * 2
    return z * w


@at((0.7, 2.0), (0.7, -2.0))
def final_and_return(x, y):
    try:
        return math.log(y) * x
    except ValueError:
        return x * y * y
    finally:
        x = x * 2


@at((0.7, 3), (0.7, 0))
def final_in_a_loop(x, n):
    total = 0.0
    for i in range(4):
        try:
            if i == n:
                break
            total = total + x**i
        finally:
            total = total * x
    return total


# ---- what ran before ------------------------------------------------------------------------------------------------


@at((0.7, 2.0), (0.7, -2.0))
def bound_before(x, y):
    z = y
    try:
        z = x * x
        z = z * math.log(y)
        z = z + x
    except ValueError:
        z = z * 3.0
    return z * x


@at((0.7, 2.0), (0.7, -2.0), (-0.7, 2.0))
def bound_twice_before(x, y):
    a = b = 1.0
    try:
        a = math.sqrt(x) * y
        b = math.log(y) * a
        a = b * b
    except ValueError:
        pass
    return a * x + b * y


@at((POSITIVE, 0), (MIXED, 0), (-POSITIVE, 0))
def cells_written_before(x, n):
    y = np.zeros(4)
    try:
        for i in range(4):
            y[i] = math.sqrt(x[i]) * x[i]
    except ValueError:
        y[3] = x[0] * x[1]
    return np.sum(y * y)


@at((POSITIVE,), (MIXED,), (-POSITIVE,))
def summed_before(x):
    total = 1.0
    try:
        for i in range(4):
            total = total * (1 + math.sqrt(x[i]))
            total += x[i]
    except ValueError:
        total = total * 2.0
    return total


@at((0.7, 5.0), (0.7, 1.0), (0.7, 0.5))
def while_before(x, top):
    n = 0
    try:
        while n < 6:
            x = x * 1.4
            if x > top:
                raise TooLarge
            n += 1
    except TooLarge:
        x = x * top
    return x * n


@at((VECTOR, 1), (VECTOR, 3), (VECTOR, 9))
def written_in_place_before(x, k):
    y = x * 2
    try:
        y *= x
        y[k] = y[0] * x[1]
        y += x
    except IndexError:
        y[0] = 3.0 * x[2]
    return np.sum(y * y)


def spread(out, x, n):
    for i in range(n):
        out[i] = x[i] * x[i]
    if n < 3:
        raise NotFound


@at((VECTOR, 4), (VECTOR, 2), (VECTOR, 0), (VECTOR, 7))
def written_by_a_callee_before(x, n):
    y = np.ones(4)
    try:
        spread(y, x, n)
        y = y * x
    except (NotFound, IndexError):
        y = y * 2
    return np.sum(y * x)


@at((0.7, 2.0), (0.7, -2.0))
def branches_before(x, y):
    z = x
    try:
        if x > 0:
            z = z * y
            z = z * math.log(y)
        else:
            z = 2.0 * y
        z = z + y
    except ValueError:
        z = z * y
    return z


@at((0.7, 2.0), (0.7, -2.0))
def context_before(x, y):
    z = x
    try:
        with np.errstate(all="ignore"):
            z = z * y
            z = z * math.log(y)
        z = z * z
    except ValueError:
        z = z * y
    return z


@at((A([0.7, 2.0]),), (A([0.7, -2.0]),))
def errors_of_numpy(x):
    y = x * 2
    try:
        with np.errstate(all="raise"):
            y = np.sqrt(x) / x
    except FloatingPointError:
        y = y * x
    return np.sum(y * y)


@at((A([0.7, 2.0, 3.0]),), (A([0.7, -2.0, 3.0]),))
def whole_arrays_written_before(x):
    out = np.ones(3)
    for i in range(3):
        try:
            out *= x
            out[i] = out[i] * math.sqrt(x[i])
            out += 0.1
        except ValueError:
            out[0] = out[1] * x[i]
    return np.sum(out * out)


@at((A([0.7, -0.2, 3.0]), 0.1))
def retried_with_a_larger_shift(x, s):
    n = 0
    while True:
        n += 1
        try:
            y = root(x[1] + s) * np.sum(x)
            break
        except ValueError:
            s = s * 1.7
            if n > 6:
                raise
    return y * s


# ---- loops ----------------------------------------------------------------------------------------------------------


@at((POSITIVE, 1.1), (MIXED, 1.1), (-POSITIVE, 1.1))
def in_each_trip(x, y):
    total = 0.0
    for v in x:
        try:
            total = total + math.sqrt(v) * y
        except ValueError:
            total = total * y + v
        y = y * v
    return total * y


@at((MIXED, 1.1),)
def calls_in_each_trip(x, y):
    total = 1.0
    for v in x:
        try:
            total = total * root(v)
        except ValueError:
            total = total * y + v
        y = y * v
    return total * y


@at((0.7, 0), (0.7, 2), (0.7, 9))
def loops_of_callees_in_each_trip(x, k):
    for i in range(3):
        try:
            x = x + weight(x, k - i)
        except NotFound:
            x = x * 1.2
    return x


@at((MIXED,), (POSITIVE,))
def passed_over(x):
    total = 1.0
    for v in x:
        try:
            r = math.sqrt(v)
        except ValueError:
            continue
        total = total * r + v
    return total


@at((MIXED,), (POSITIVE,))
def left(x):
    total = 1.0
    for v in x:
        try:
            total = total * math.sqrt(v)
            total = total + v
        except ValueError:
            break
        total = total * v
    return total


@at((MIXED,), (POSITIVE,))
def returned_from_a_loop(x):
    total = 1.0
    for v in x:
        try:
            total = total * math.sqrt(v)
        except ValueError:
            return total * v
        total = total * v
    return total * total


@at((0.7, 0.2), (0.7, 1.2), (0.7, 40.0))
def tried_until_it_succeeds(x, top):
    for k in range(8):
        try:
            return bounded(x, top) * k
        except TooLarge:
            x = x * 0.5
    return x


@at((0.7, 0.2), (0.7, 1.2))
def while_it_fails(x, top):
    step = x
    while True:
        try:
            y = bounded(step, top)
            break
        except TooLarge:
            step = step * 0.6
    return y * step


@at((0.7, 3), (0.7, 5))
def jumps_of_three_kinds(x, n):
    total = x
    for i in range(6):
        try:
            if i == 1:
                continue
            if i == n:
                break
            if total > 50:
                return total
            total = total * (x + i)
        except ValueError:
            total = 0.0
        total = total + x
    return total * x


@at((0.7, 2.0))
def certain(x, y):
    """Products of floats raise nothing."""
    try:
        z = x * y
        z = z * x + 1.0
        if z > y:
            z = z - y
    except (ValueError, OverflowError):
        z = 0.0
    return z


# ---- raised again, carried, nested ----------------------------------------------------------------------------------


@at((0.7, 2.0), (0.7, -2.0))
def raised_again(x, y):
    try:
        try:
            z = math.log(y) * x
        except ValueError:
            x = x * 3
            raise
    except ValueError:
        z = x * y
    return z * x


@at((0.7, 2.0), (0.7, -2.0))
def raised_as_another(x, y):
    try:
        try:
            z = math.log(y) * x
        except ValueError as error:
            raise NotFound(str(error)) from error
    except NotFound:
        z = x * y
    return z * x


@at((0.7, 2.0))
def translated(x, y):
    try:
        z = math.log(y) * x
    except ValueError as error:
        raise TooLarge(f"no logarithm of {y}: {error}") from error
    return z * x


@at((0.7, 2.0), (-0.7, 2.0), (0.7, -2.0), (-0.7, -2.0))
def nested(x, y):
    try:
        try:
            z = math.sqrt(x) * y
        except ValueError:
            z = math.log(y) * x
        w = z * math.sqrt(y)
    except ValueError:
        w = x * x * y
    return w * x


@at((0.7, 2.0), (-0.7, 2.0), (0.7, -2.0), (-0.7, -2.0))
def nested_in_a_handler(x, y):
    z = 1.0
    try:
        z = math.sqrt(x) * z * y
    except ValueError:
        try:
            z = math.sqrt(y) * z * x
        except ValueError:
            z = x * y * z
    return z * x


@at((0.7, 2.0), (-0.7, 2.0), (0.7, -2.0))
def the_wrong_handler(x, y):
    try:
        try:
            z = math.sqrt(x) * y
            z = z * math.sqrt(y)
        except KeyError:
            z = 0.0
    except ValueError:
        z = x * y
    return z


@at((MIXED,), (POSITIVE,))
def last_error(x):
    found = None
    total = 1.0
    for v in x:
        try:
            total = total * math.sqrt(v)
        except ValueError as error:
            found = error
    if found is not None:
        total = total * 2.0
    return total


@at((0.7, 2.0), (-0.7, 2.0))
def names_that_stay_unbound(x, y):
    try:
        r = math.sqrt(x)
        ok = True
    except ValueError:
        ok = False
    return r * y if ok else x * y


@at((0.7, 2.0), (-0.7, 2.0))
def recursive_attempts(x, y):
    return descend(x, y, 3)


def descend(x, y, n):
    if n == 0:
        return x * y
    try:
        r = math.sqrt(x) * y
    except ValueError:
        r = x
    return descend(r, y, n - 1) * x


@at((0.7, 2.0), (-0.7, 2.0))
def matched_in_it(x, y):
    try:
        match y > 1:
            case True:
                z = math.sqrt(x) * y
            case _:
                z = x
    except ValueError:
        z = y
    return z * x


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    function, points = PROGRAMS[name]
    for args in points:
        check(function, *args)


def test_there_are_enough():
    assert len(PROGRAMS) >= 50


def test_the_caller_s_exception_comes_out():
    """What no handler takes is raised by each derivative as by the primal."""
    for derivative in (s2sad.grad(translated), s2sad.value_and_grad(translated)):
        with pytest.raises(TooLarge, match=r"no logarithm of -2.0: (math domain error|expected a positive input)"):
            derivative(0.7, -2.0)
    with pytest.raises(ValueError):
        s2sad.grad(final)(0.7, -2.0)


def test_effects_happen_once_and_in_order(capsys):
    def spoken(x, y):
        try:
            print("first")
            z = math.log(y) * x
            print("second")
        except ValueError as error:
            print("caught", type(error).__name__)
            z = x
        finally:
            print("last")
        return z

    s2sad.grad(spoken)(0.7, 2.0)
    assert capsys.readouterr().out == "first\nsecond\nlast\n"
    s2sad.grad(spoken)(0.7, -2.0)
    assert capsys.readouterr().out == "first\ncaught ValueError\nlast\n"


def test_an_error_of_a_tangent_is_not_caught():
    """At 0 the root has a value and no slope: the primal's handler has no part in that."""

    def touching(x):
        try:
            y = math.sqrt(x)
        except (ValueError, ZeroDivisionError):
            y = x * 3.0
        return y

    with pytest.raises(ZeroDivisionError):
        s2sad.jvp(touching)(0.0, 1.0)
    with pytest.raises(ZeroDivisionError):
        s2sad.grad(touching)(0.0)


def test_text_is_as_the_user_wrote_it():
    text = s2sad.jvp(otherwise, wrt=1).specialise(0.7, 2.0, 1.0).source
    assert "    try:\n        z = math.log(y)\n    except ValueError:\n" in text
    assert "    else:\n        # r = z * x * x\n" in text
    assert "failed" not in text
    text = s2sad.grad(root_or_line).specialise(0.7, 2.0).source
    assert text.count("failed") == 3
    assert "try" not in s2sad.grad(final).specialise(0.7, 2.0).source
    assert "try" not in s2sad.grad(certain).specialise(0.7, 2.0).source


class Carrier(Exception):
    """Holds a value."""

    def __init__(self, value):
        self.value = value


def carried(x):
    try:
        raise Carrier(x * x)
    except Carrier as found:
        y = found.value
    return y


def carried_further(x):
    held = None
    try:
        raise Carrier(x * x)
    except Carrier as found:
        held = found
    return held.value * x


def jumps_out_of_final(x):
    while True:
        try:
            x = math.sqrt(x)
        finally:
            break
    return x


def imports(x):
    try:
        import a_module_that_is_not_there as m

        y = m.f(x)
    except ImportError:
        y = x * x
    return y


@pytest.mark.parametrize("function", [carried, carried_further, jumps_out_of_final, imports])
def test_refused(function):
    error = refusal(function, 0.7)
    assert error.code == "S201"


# ---- faults ---------------------------------------------------------------------------------------------------------


def nothing_read(function):
    return {s: set() for s in attempts.walk(function.body) if isinstance(s, attempts.Try)}


FAULTS = {
    "what ran before is forgotten": (attempts, "_read_after_failure", nothing_read),
    "writes leave no trace": (attempts, "_writes", lambda stmt: False),
    "nothing fails": (attempts, "cannot_fail", lambda stmt: True),
    "tapes are not cut back": (tapes, "_pushed_before_failure", lambda stmt, needs: {}),
}
SHOWN_BY = {
    "what ran before is forgotten": bound_before,
    "writes leave no trace": cells_written_before,
    "nothing fails": summed_before,
    "tapes are not cut back": summed_before,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_caught(monkeypatch, fault):
    monkeypatch.setattr(*FAULTS[fault])
    function, points = PROGRAMS[SHOWN_BY[fault].__name__]
    with pytest.raises(Exception):  # noqa: B017
        for args in points:
            check(function, *args, second=False)
