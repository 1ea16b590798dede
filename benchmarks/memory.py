"""How much memory a denoiser holds while it works on a stack that is larger than that.

    python benchmarks/memory.py gaussian median box --gigabytes 4
    python benchmarks/memory.py bm3d --spatial YX --gigabytes 1 --stabilize
    python benchmarks/memory.py --model model.safetensors

A stack of simulated planes (uint16) is written to a temporary folder piece by piece, then read
lazily by :func:`denoise`, which writes into a second file; both are removed in the end. They are
uncompressed OME-Zarr-like arrays, read and written with ordinary calls. Memory-mapped files would
not do: what the system keeps of them in its cache counts as the process's own memory, though it
gives that up whenever another needs it. So the figure is the whole resident memory, nothing
subtracted: its peak, looked up every 5 ms, above what the process held with everything imported
and a small image denoised. A block is what one core works on: a tile with its margins, in float32.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
import psutil
import zarr
from scipy import ndimage

from napari_denoise import registry
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, denoise_job
from napari_denoise.core.errors import AxesError
from napari_denoise.core.progress import run
from napari_denoise.core.settings import make_settings
from napari_denoise.filters.stabilized import Stabilized

CHUNKS = (16, 256, 256)
PLANE = (2048, 2048)
ALLOWED_MB = 200
ALLOWED_BLOCKS = 3
ALLOWED_FOR_NETWORKS_MB = 1500
MB = 2**20


def new_array(path: Path, shape: tuple[int, ...], dtype: str) -> zarr.Array:
    return zarr.create_array(path, shape=shape, chunks=CHUNKS, dtype=dtype, compressors=None)


def write_stack(path: Path, n_bytes: float) -> zarr.Array:
    """A stack of about this size, sixteen planes at a time, each set of them shifted."""
    n_planes = max(round(n_bytes / 2 / prod(PLANE) / CHUNKS[0]), 1) * CHUNKS[0]
    stack = new_array(path, (n_planes, *PLANE), "uint16")
    rng = np.random.default_rng(0)
    clean = ndimage.zoom(rng.uniform(20, 400, (3, 128, 128)), (16 / 3, 16, 16), order=1)
    noisy = rng.poisson(clean).astype(np.uint16) + 100
    for start in range(0, n_planes, CHUNKS[0]):
        stack[start : start + CHUNKS[0]] = np.roll(noisy, start * 7, axis=(1, 2))
    return stack


class Peak:
    """The largest resident memory of this process, in bytes."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.start = self.value = self._process.memory_info().rss

    def look(self) -> None:
        self.value = max(self.value, self._process.memory_info().rss)

    @property
    def grown_mb(self) -> float:
        return (self.value - self.start) / MB


@contextmanager
def watched() -> Iterator[Peak]:
    """Look every 5 ms."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
        peak.look()


def measure(denoiser: Denoiser, stack: zarr.Array, layout: Layout, out: Path) -> None:
    small = np.asarray(stack[:8, :64, :64])
    run(denoise_job(denoiser, small, layout))  # what is imported or set up only when it is needed
    target = new_array(out, stack.shape, "uint16")
    start = time.perf_counter()
    with watched() as peak:
        run(denoise_job(denoiser, stack, layout, dtype="uint16", out=target))
    seconds = time.perf_counter() - start
    n = layout.n_spatial
    extents = layout.unit_shape(stack.shape)[1:]
    sizes = zip(denoiser.tile_size(extents), denoiser.halo(n), extents, strict=True)
    block_mb = prod(min(core + 2 * halo, size) for core, halo, size in sizes) * 4 / MB
    allowed = ALLOWED_BLOCKS * block_mb + ALLOWED_MB
    if denoiser.kind == "model":
        allowed = ALLOWED_FOR_NETWORKS_MB
    verdict = "met" if peak.grown_mb <= allowed else "too much"
    print(
        f"{denoiser.label:32s}{layout.spatial:>5s}{stack.nbytes / 1e9:8.2f}{block_mb:8.1f}"
        f"{peak.grown_mb:9.0f}{allowed:9.0f}{seconds:8.0f}  {verdict}",
        flush=True,
    )


def chosen_denoisers(options: argparse.Namespace) -> list[Denoiser]:
    settings = dict(item.split("=", 1) for item in options.set)
    found = [make_settings(registry.denoiser_class(name), settings) for name in options.methods]
    if options.stabilize:
        found = [Stabilized(denoiser=denoiser) for denoiser in found]
    if options.model:
        from napari_denoise import ModelDenoiser, load_model  # noqa: PLC0415

        found.append(ModelDenoiser.of(load_model(options.model)))
    return found


def layout_for(denoiser: Denoiser, spatial: str, shape: tuple[int, ...]) -> Layout:
    """The wanted spatial axes, or the other ones where the method is made for these."""
    for axes in (spatial, "ZYX", "YX"):
        layout = Layout("ZYX", axes)
        try:
            denoiser.check(layout, shape)
        except AxesError:
            continue
        return layout
    raise SystemExit(f"{denoiser.label} takes neither planes nor volumes.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", help="names, as in `napari-denoise methods`")
    parser.add_argument("--set", nargs="*", default=[], help="settings of each, as name=value")
    parser.add_argument("--model", type=Path, help="a trained model")
    parser.add_argument("--spatial", choices=("ZYX", "YX"), default="ZYX")
    parser.add_argument("--stabilize", action="store_true")
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--folder", type=Path, help="where the temporary files go")
    options = parser.parse_args()
    denoisers = chosen_denoisers(options)
    print(
        f"{'method':32s}{'axes':>5s}{'GB':>8s}{'block':>8s}{'held MB':>9s}{'allowed':>9s}{'s':>8s}"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        stack = write_stack(Path(folder) / "noisy.zarr", options.gigabytes * 1e9)
        for i, denoiser in enumerate(denoisers):
            layout = layout_for(denoiser, options.spatial, stack.shape)
            measure(denoiser, stack, layout, Path(folder) / f"{i}.zarr")


if __name__ == "__main__":
    main()
