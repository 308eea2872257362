"""Settings that all tests share."""

import os
from pathlib import Path

# One thread for each test process: the processes share the cores, and sums come out the same everywhere.
# Said before numpy is imported, which reads them once.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import hypothesis  # noqa: E402
import pytest  # noqa: E402

# Times vary with the machine, so no example fails for being slow. In CI the same examples run each time.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write what is emitted now into the golden files")


@pytest.fixture
def update_golden(request):
    """Whether golden files are to be written rather than compared."""
    return request.config.getoption("--update-golden")


def pytest_ignore_collect(collection_path: Path, config):
    """Doctests are collected from s2sad/ alone: files here that are not tests may be data, such as golden files."""
    if collection_path.suffix == ".py" and collection_path.is_relative_to(Path(__file__).parent):
        if not collection_path.name.startswith("test_"):
            return True
    return None
