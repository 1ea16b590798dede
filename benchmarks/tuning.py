"""Settings found without a clean image, beside those that the clean image says are best.

Run with ``python benchmarks/tuning.py FOLDER`` on the folder of the real images; ``--only
NAME...`` takes some filters, ``--images NAME...`` some images. Each filter is tuned on the
noisy image alone and run. The bar is the Gaussian blur whose sigma is chosen by looking at the
clean image; the filter's own best is that of its main setting, chosen in the same way, the
others being as tuned. PSNR with a data range of 255 in dB, on ``w2s``, where gains differ inside
a pair, scale-invariant PSNR.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage import io

from napari_denoise import registry
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, denoise_job
from napari_denoise.core.progress import run
from napari_denoise.filters import Gaussian
from napari_denoise.filters.base import NoiseAwareFilter
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.filters.tuning.search import tune_job
from napari_denoise.metrics import psnr, si_psnr

LAYOUT = Layout("YX")
SIGMAS = np.geomspace(0.4, 6.4, 33)
SHOWN = ("BPAE_G", "fish", "WideField_BPAE_R")
"""Images on which the method was made, the last for noise that neighbours share."""


@dataclass
class Pair:
    """A noisy image, its clean one, and how the two are compared."""

    group: str
    name: str
    noisy: np.ndarray
    score: Callable[[np.ndarray], float]
    best_blur: float = np.nan

    def run(self, denoiser: Denoiser) -> float:
        return self.score(run(denoise_job(denoiser, self.noisy, LAYOUT)).image.pixels)


def pairs(folder: Path) -> Iterator[Pair]:
    for group in ("fmd_confocal", "w2s"):
        for path in sorted((folder / group / "noisy").glob("*.tif")):
            yield pair(group, path.stem, path, folder / group / "clean" / path.name)
    for path in sorted((folder / "fmd_repeats").glob("*/noisy_1.png")):
        yield pair("fmd_repeats", path.parent.name, path, path.with_name("clean.png"))


def pair(group: str, name: str, noisy: Path, clean: Path) -> Pair:
    truth = io.imread(clean).astype(np.float32)

    def score(image: np.ndarray) -> float:
        if group == "w2s":
            return si_psnr(truth, image)
        return psnr(truth, image, data_range=255)

    made = Pair(group, name, io.imread(noisy), score)
    made.best_blur = max(made.run(Gaussian(sigma=sigma)) for sigma in SIGMAS)
    return made


@dataclass
class Row:
    """One filter on one image."""

    pair: Pair
    tuned: float
    own_best: float
    untuned: float
    seconds: float

    @property
    def gap(self) -> float:
        return self.tuned - self.pair.best_blur


def measure(denoiser: Denoiser, pair: Pair) -> Row:
    start = time.perf_counter()
    found = run(tune_job(denoiser, pair.noisy, LAYOUT))
    seconds = time.perf_counter() - start
    main = found.curves[0]
    scores = {
        value: pair.run(found.denoiser.adjusted(**{main.name: value})) for value in main.values
    }
    best = max(scores, key=scores.__getitem__)
    row = Row(pair, scores[main.chosen], scores[best], pair.run(denoiser), seconds)
    print(
        f"  {pair.name:18s}{row.tuned:7.2f}{row.gap:+8.2f}{row.tuned - row.untuned:+9.2f}"
        f"{row.own_best:10.2f}{main.chosen:10.3g}{best:7.3g}{seconds:7.2f}  {found.summary()}",
        flush=True,
    )
    return row


def candidates(only: list[str]) -> Iterator[Denoiser]:
    for cls in registry.FILTERS:
        if not only or cls.tag() in only:
            is_noise_aware = issubclass(cls, NoiseAwareFilter)
            yield Stabilized(denoiser=cls()) if is_noise_aware else cls()


def summarise(label: str, rows: list[Row]) -> None:
    gaps = [row.gap for row in rows]
    confocal = [row.tuned for row in rows if row.pair.group == "fmd_confocal"] or [np.nan]
    parts = [
        f"{label:34s}{np.mean(confocal):9.2f}",
        *(
            f"{min((r.gap for r in rows if r.pair.group == group), default=np.nan):+13.2f}"
            for group in ("fmd_confocal", "fmd_repeats", "w2s")
        ),
        f"{sum(gap >= -0.3 for gap in gaps):8d}/{len(gaps)}",
        f"{min(row.tuned - row.own_best for row in rows):+9.2f}",
        f"{np.median([row.seconds for row in rows]):8.2f}{max(r.seconds for r in rows):8.2f}",
    ]
    print("".join(parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="names of filters")
    parser.add_argument("--images", nargs="*", default=[], help="names of images")
    options = parser.parse_args()
    images = [pair for pair in pairs(options.folder) if pair.name in (options.images or pair.name)]
    print(f"{os.cpu_count()} cores; {len(images)} images; made on {', '.join(SHOWN)}")
    print(
        f"  {'image':18s}{'tuned':>7s}{'to blur':>8s}{'untuned':>9s}{'own best':>10s}"
        f"{'chosen':>10s}{'best':>7s}{'s':>7s}"
    )
    results = {}
    for denoiser in candidates(options.only):
        print(denoiser.label)
        results[denoiser.label] = [measure(denoiser, pair) for pair in images]
    print(
        f"\n{'dB':34s}{'confocal':>9s}{'worst to best blur: confocal, repeats, w2s':>42s}"
        f"{'≥ −0.3':>8s}{'own':>9s}{'s':>8s}{'max s':>8s}"
    )
    for label, rows in results.items():
        summarise(label, rows)


if __name__ == "__main__":
    main()
