"""What becomes of a generated program: `verify` compares its derivatives with the oracles."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import sys

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from programs.along import Slopes, first_order, other_transforms, quiet, second_order
from programs.generator.program import REFUSED, programs
from programs.oracle import Unsuitable

import s2sad
from s2sad import pipeline

#: Refusals of generated programs that are right, by code and by words of the reason. Any other one is a failure.
ALLOWED = (
    ("S205", "a write into what the argument"),  # the array of a list that is given
    ("S205", "shares memory that is written into cannot be proved"),  # an array of a list of unknown length
    ("S205", "writes into its arguments and calls itself"),
    ("S205", "beside memory that several names write into"),  # a number in a dict with an array that a callee writes
    # A loop that makes a dict or a number anew of what it made in the trip before.
    ("S204", "its object changes its form in a loop"),
    ("S205", "is a number or an array is not known"),
    ("S201", "what is unpacked here has no known length"),  # `a, b, c = [x * s for x in v]`
    ("S201", "a loop over a dict is not supported"),  # an array of a dict, in an inner loop
    ("S201", "a loop over a dict whose keys are not known"),  # those of a dict comprehension
)
#: The passes that are not for brevity, which an unoptimised derivative has too.
NEEDED = ("asked", "nest", "simplify", "fresh", "expand", "breaks")
_numbers = itertools.count()


def load(source, folder):
    """The module of a program, written to a file of its own."""
    name = f"generated_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def unoptimised():
    """Derivatives without the passes that make them short."""
    passes, finish = pipeline.PASSES, pipeline.FINISH
    pipeline.PASSES, pipeline.FINISH = (), tuple(step for step in finish if step[0] in NEEDED)
    try:
        yield
    finally:
        pipeline.PASSES, pipeline.FINISH = passes, finish


def verify(program, folder):
    """Check one program; tell what became of it. Raises where a derivative is wrong, S2sadError where it is refused.

    Every program: `value_and_grad` and `jvp`. One in four each: `grad` and `vjp`; second order; unoptimised.
    """
    module = load(program.source, folder)
    try:
        with quiet():
            return _verify(module.main, program.args(module.Record), program.seed)
    finally:
        del sys.modules[module.__name__]


def _verify(main, args, seed):
    try:
        slopes = Slopes(main, args, seed=seed)
        if not abs(slopes.value) < 1e4:
            return "out of range"
        directions = slopes.directions()
        wanted = slopes.slope(directions)
    except (ArithmeticError, ValueError, LookupError):
        return "primal fails"
    except Unsuitable:
        return "no derivative"
    first_order(slopes, [directions], [wanted])
    if seed % 4 == 1:
        other_transforms(slopes, directions, wanted[0])
    if seed % 4 == 2:
        with unoptimised():
            first_order(slopes, [directions], [wanted])
    if seed % 4 == 3:
        second_order(slopes, directions, backward=seed % 8 == 3)
    return "checked"


def draw(count, seed, visit, refused=REFUSED, phases=(Phase.generate,)):
    """Draw some programs without the parts that are refused, the same ones for a seed, and visit each."""

    @hypothesis.seed(seed)
    @settings(max_examples=count, deadline=None, database=None, phases=phases,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(program=programs(refused))
    def run(program):
        visit(program)

    run()


def is_allowed(error):
    """Whether what went wrong with a program is a refusal that is right."""
    refused = isinstance(error, s2sad.S2sadError) and error.place is not None and error.help
    return bool(refused) and any(error.code == code and words in error.reason for code, words in ALLOWED)


def became(program, folder):
    """What became of a program, in a word: also "wrong", "crash" or the code of a refusal, and the exception."""
    try:
        return verify(program, folder), None
    except s2sad.S2sadError as error:
        return f"refused {error.code}", error
    except AssertionError as error:
        return "wrong", error
    except Exception as error:
        return "crash", error
