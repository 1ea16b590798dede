"""What all tests share, and what every test is owed."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_denoise import cli

# Read when torch is imported. Two threads that wait for each other on a busy machine take ten times
# as long for the small networks of tests, and their results depend on how many they are.
# numpy has been loaded by pytest's plugins, and its BLAS keeps the threads it has. Processes that
# tests start must have as many: the last bits of a matrix product depend on them.
_blas_threads = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))
os.environ.setdefault("OPENBLAS_NUM_THREADS", _blas_threads)
os.environ["OMP_NUM_THREADS"] = "1"

DATA = Path(__file__).parents[2] / "shared" / "data"

# Read when napari.settings is imported: tests must never touch the settings of whoever runs them.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="napari-config-")) / "settings.yaml")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def real_data() -> Path:
    """The folder of real images beside the checkout."""
    if not DATA.is_dir():
        pytest.skip(f"the real images are not there ({DATA})")
    return DATA


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command line in this process; gives exit code, standard output and error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["napari-denoise", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return call


@pytest.fixture(autouse=True)
def _no_job_is_left_running() -> Iterator[None]:
    """Fail the test that started a job and did not wait for its end."""
    before = set(threading.enumerate())
    yield
    started = set(threading.enumerate()) - before
    jobs = [thread for thread in started if thread.name.startswith("napari-denoise")]
    for thread in jobs:
        thread.join(10)
    left = [thread.name for thread in jobs if thread.is_alive()]
    assert not left, f"Still running: {left}. Cancel the job, or wait for it, before the test ends."
