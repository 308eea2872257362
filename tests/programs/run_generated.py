"""Check many generated programs, and print what became of them.

    python tests/programs/run_generated.py --programs 10000 --seed 7

The same number of programs and the same seed give the same programs. Those that fail are written to `--keep`.
"""

from __future__ import annotations

import argparse
import collections
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).parent.parent))

from programs.generated import became, draw, is_allowed  # noqa: E402
from programs.generator.program import PARTS, REFUSED  # noqa: E402

#: No program may take longer than this, in seconds.
LIMIT = 60
#: A run of hypothesis draws as many programs as this, with a seed of its own.
BATCH = 250


def too_long(*_):
    raise TimeoutError(f"more than {LIMIT} seconds")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("S2SAD_SEED", "0")))
    parser.add_argument("--keep", type=Path, help="a folder for the programs that fail")
    parser.add_argument("--parts", default=",".join(p for p in PARTS if p not in REFUSED), help="parts of the language")
    options = parser.parse_args()
    refused = frozenset(PARTS) - set(options.parts.split(","))
    counts, start = collections.Counter(), time.perf_counter()
    failed = 0
    signal.signal(signal.SIGALRM, too_long)
    with tempfile.TemporaryDirectory() as folder:

        def visit(program):
            nonlocal failed
            signal.alarm(LIMIT)
            what, error = became(program, Path(folder))
            signal.alarm(0)
            counts[what] += 1
            if error is not None and not is_allowed(error):
                failed += 1
                note = str(error).replace("\n", "\n# ")
                print(f"{what}: {note.splitlines()[0][:150]}", flush=True)
                if options.keep is not None:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    name = f"{what.replace(' ', '_')}_{options.seed}_{sum(counts.values())}.py"
                    drawn = (f"{field}={getattr(program, field)!r}" for field in ("kinds", "flags", "seed", "single"))
                    (options.keep / name).write_text(f"# {' '.join(drawn)}\n# {what}: {note}\n{program.source}")

        for batch in range(0, options.programs, BATCH):
            draw(min(BATCH, options.programs - batch), options.seed + batch // BATCH, visit, refused)
            total = sum(counts.values())
            print(f"# {total} programs, {failed} failed, {time.perf_counter() - start:.0f} s", flush=True)
    print(f"seed {options.seed}: {sum(counts.values())} programs, {failed} failed, {time.perf_counter() - start:.0f} s")
    for what, count in counts.most_common():
        print(f"{count:7} {what}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
