"""Calibration from one image, against what is known of it: real pairs, and simulated cameras.

Run as ``python benchmarks/calibration.py [folder of the real images]``.
"""

from __future__ import annotations

import sys
import time
from itertools import product
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from scipy import ndimage

from napari_denoise.core.progress import run
from napari_denoise.noise import calibrate_job, calibrate_repeats_job

DATA = Path(__file__).parents[2] / "shared" / "data"
PAIRED = {
    "fmd_confocal/noisy/BPAE_B.tif": (3.55, 3.1),
    "fmd_confocal/noisy/BPAE_G.tif": (4.28, 3.0),
    "fmd_confocal/noisy/BPAE_R.tif": (3.73, 2.8),
    "fmd_confocal/noisy/fish.tif": (20.9, 2.9),
    "fmd_confocal/noisy/mice.tif": (4.97, 3.2),
    **{f"fmd_repeats/Confocal_BPAE_B/noisy_{i}.png": (3.48, 3.0) for i in range(1, 5)},
    **{f"fmd_repeats/TwoPhoton_BPAE_R/noisy_{i}.png": (5.71, 5.1) for i in range(1, 5)},
    "convallaria/noisy.tif": (57, 475),
    "convallaria/calibration.tif": (52, 475),
}
"""Gain and offset by a fit to noisy and clean frames; by a blind fit for the last two."""
CORRELATED = [f"fmd_repeats/WideField_BPAE_R/noisy_{i}.png" for i in range(1, 5)]


def real_images(folder):
    print(f"{'image':42s} {'gain':>7s} {'known':>7s} {'ratio':>6s} {'offset':>8s} {'known':>6s}"
          f" {'lag 1':>6s} {'reliable':>8s} {'s':>5s}")  # fmt: skip
    for name, (gain, offset) in PAIRED.items():
        image = iio.imread(folder / name)
        start = time.perf_counter()
        found = run(calibrate_job(image, "YX"))
        seconds = time.perf_counter() - start
        print(f"{name:42s} {found.gain:7.2f} {gain:7.2f} {found.gain / gain:6.2f} "
              f"{found.offset:8.2f} {offset:6.1f} {found.correlation:6.2f} "
              f"{found.reliable!s:>8s} {seconds:5.2f}")  # fmt: skip


def correlated_images(folder):
    print(f"\n{'image':42s} {'variance':>8s} {'paired':>7s} {'ratio':>6s} {'lag 1':>6s}")
    for name in CORRELATED:
        noisy = iio.imread(folder / name).astype(float)
        clean = iio.imread((folder / name).with_name("clean.png")).astype(float)
        found = run(calibrate_job(noisy, "YX"))
        variance, paired = found.variance(clean).mean(), np.var(noisy - clean)
        print(f"{name:42s} {variance:8.1f} {paired:7.1f} {variance / paired:6.2f} "
              f"{found.correlation:6.2f}")  # fmt: skip


def repeats(folder):
    heads = ("gain", "known", "ratio", "offset", "known")
    print(f"\n{'four repeats':42s}" + "".join(f"{head:>8s}" for head in heads))
    for group in ("Confocal_BPAE_B", "TwoPhoton_BPAE_R"):
        names = [f"fmd_repeats/{group}/noisy_{i}.png" for i in range(1, 5)]
        gain, offset = PAIRED[names[0]]
        frames = np.stack([iio.imread(folder / name) for name in names])
        found = run(calibrate_repeats_job(frames, "TYX"))
        values = (found.gain, gain, found.gain / gain, found.offset, offset)
        print(f"{group:42s}" + "".join(f"{value:8.2f}" for value in values))


def scenes(size, rng):
    """Flat squares, a slow wave, and smooth spots on a dark ground; each from 0 to 1."""
    levels = rng.permutation(np.linspace(0, 1, 16)).reshape(4, 4)
    y, x = np.mgrid[:size, :size] / size
    spots = ndimage.gaussian_filter((rng.random((size, size)) > 0.999).astype(float), 6)
    wave = np.sin(3 * x) * np.cos(2 * y + x)
    return {
        "squares": np.kron(levels, np.ones((size // 4, size // 4))),
        "wave": (wave - wave.min()) / np.ptp(wave),
        "spots": spots / spots.max(),
    }


def round_trips(size=384):
    rng = np.random.default_rng(0)
    cameras = list(product((0.5, 2, 5, 20, 50), (0, 100, 500), (0, 3, 10)))
    print(f"\n{'scene':8s} {'electrons':>9s} {'cameras':>7s} {'gain within 10 %':>17s} "
          f"{'offset within 5 % of range':>27s} {'both, of the reliable':>22s}")  # fmt: skip
    for (name, scene), electrons in product(scenes(size, rng).items(), (20, 200, 2000)):
        good_gain, good_offset, reliable, good = 0, 0, 0, 0
        for gain, offset, read_noise in cameras:
            noisy = gain * rng.poisson(scene * electrons) + offset
            found = run(calibrate_job(noisy + rng.normal(0, read_noise, scene.shape), "YX"))
            is_gain = abs(found.gain / gain - 1) <= 0.1
            is_offset = abs(found.offset - offset) <= 0.05 * gain * electrons
            good_gain, good_offset = good_gain + is_gain, good_offset + is_offset
            reliable += found.reliable
            good += found.reliable and is_gain and is_offset
        print(f"{name:8s} {electrons:9d} {len(cameras):7d} {good_gain:17d} {good_offset:27d} "
              f"{good:15d} of {reliable:3d}")  # fmt: skip


def stripes(size=256):
    """Stripes of known strength on a scene with photon noise; none by chance on white noise."""
    print(f"\n{'stripes, DN':>12s} {'share of noise':>15s} {'found, DN':>10s}")
    rng = np.random.default_rng(0)
    clean = scenes(size, rng)["spots"] * 60 + 4
    for sigma in (0.0, 0.5, 1.0, 2.0, 4.0):
        noisy = 2 * rng.poisson(clean) + 100 + rng.normal(0, sigma, (size, 1))
        found = run(calibrate_job(noisy, "YX"))
        print(f"{sigma:12.1f} {sigma / np.sqrt(4 * np.median(clean)):15.2f} "
              f"{found.row_stripes:10.2f}")  # fmt: skip
    n_false = 0
    for _ in range(200):
        found = run(calibrate_job(rng.normal(100, 5, (128, 128)) + clean[:128, :128], "YX"))
        n_false += bool(found.row_stripes) + bool(found.column_stripes)
    print(f"found by chance: {n_false} of 400")


def correlation(folder):
    """The noise's autocorrelation from one wide-field frame, against noisy minus clean."""
    noisy = iio.imread(folder / CORRELATED[0]).astype(float)
    noise = noisy - iio.imread((folder / CORRELATED[0]).with_name("clean.png"))
    noise -= noise.mean()
    paired = [np.mean(noise[:-lag] * noise[lag:]) / noise.var() for lag in range(1, 9)]
    found = run(calibrate_job(noisy, "YX"))
    print("\nautocorrelation along Y, lags 1 to 8")
    for name, values in (("one frame", found.autocorrelation_y), ("paired", paired)):
        print(f"{name:10s}" + "".join(f"{value:6.2f}" for value in values))


def timing(folder):
    """Processor time on one core: hardly changed by what else the machine does."""
    seconds = []
    for name in list(PAIRED)[:9] + CORRELATED:
        image = iio.imread(folder / name)
        start = time.process_time()
        run(calibrate_job(image, "YX"))
        seconds.append(time.process_time() - start)
    print(f"\n512 × 512: median {np.median(seconds):.3f} s, longest {max(seconds):.3f} s")


if __name__ == "__main__":
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    real_images(data)
    correlated_images(data)
    repeats(data)
    correlation(data)
    timing(data)
    stripes()
    round_trips()
