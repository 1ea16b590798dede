"""What a probabilistic method has to know of the detector, from the settings, a recording of
something that does not move, or the images themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, Notice, nested
from napari_denoise.io.images import read_image
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.images import choose_patch_size
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.losses.likelihood import make_likelihood
from napari_denoise.learning.methods import ProbabilisticMethod
from napari_denoise.learning.networks.shipped import shipped_network
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.normalization.noise_model import NoiseModelNormalization
from napari_denoise.learning.normalization.variance_stabilization import clean_planes
from napari_denoise.learning.training.camera_estimation import as_camera, measure_cameras
from napari_denoise.noise.calibration.known_signal import (
    Recordings,
    collect_repeats,
    fit_noise_model,
)
from napari_denoise.noise.calibration.repeats import calibrate_repeats_job
from napari_denoise.noise.noise_model import AnyNoiseModel

__all__ = ["measure_noise_models"]

# Trade-off: more pixels fill the bins of a histogram better, and take longer to denoise.
_BOOTSTRAP = {2: (8, (256, 256)), 3: (4, (8, 192, 192))}
"""Patches that are denoised to see the noise, and their size."""
_MAX_CORRECTION = 3.0  # beyond, it is rather the denoised version that is wrong
"""Of a camera's variances."""
_FAR = 5.0
"""Standard deviations by which a value may lie beyond the brightest signal that is known."""
_MANY, _SOME = 0.01, 1e-4
"""Share of pixels beyond what is known of the noise that is refused, or told."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where knowledge of the noise comes from.

    Attributes
    ----------
    recordings : Image or None
        Repeats of something that does not move.
    sampler : PatchSampler
        The images to denoise.
    n_channels : int
        That are seen together.
    seed : int
    """

    recordings: Image | None
    sampler: PatchSampler
    n_channels: int
    seed: int

    def channel(self, number: int) -> int | None:
        """Which channel of the recordings is meant."""
        return number if self.n_channels > 1 else None


def measure_noise_models(
    method: ProbabilisticMethod, sampler: PatchSampler, samples: Batch, seed: int
) -> Job[NoiseModelNormalization]:
    """Cameras and, where asked for, distributions of the noise.

    Raises
    ------
    InputError
        If the noise cannot be measured, or the images are brighter than it is known for.
    FileError, AxesError
        If the calibration recording cannot be used.
    """
    recordings = None if method.calibration is None else _open(method.calibration)
    source = _Source(recordings, sampler, samples.input.shape[1], seed)
    cameras = yield from _cameras(method, source)
    noise: tuple[AnyNoiseModel, ...] = ()
    if method.noise != "camera":
        noise = yield from _distributions(method, cameras, source)
        yield from _check_reach(noise, samples.known_pixels())
    elif method.gain is None and recordings is None:
        cameras = yield from _corrected(cameras, source)
    even = [
        camera.stabilize(torch.from_numpy(pixels)).double()
        for camera, pixels in zip(cameras, samples.known_pixels(), strict=True)
    ]
    if not any(float(values.std()) for values in even):
        raise InputError(
            f"The image is constant: every pixel that was looked at is "
            f"{samples.known_pixels().flat[0]:g}. Choose an image in which there is something to "
            f"learn from."
        )
    return NoiseModelNormalization(
        cameras=cameras,
        means=tuple(float(values.mean()) for values in even),
        stds=tuple(float(values.std()) or 1.0 for values in even),
        noise=noise,
    )


def _open(path: Path) -> Image:
    """The recording; a third axis without a name is that of the repeats."""
    image = read_image(path)
    if "T" not in image.axes and len(image.axes) == 3:
        image = replace(image, axes="TYX")
    return image


def _cameras(method: ProbabilisticMethod, source: _Source) -> Job[tuple[CameraNormalization, ...]]:
    given = method.given_camera()
    if given is not None:
        return (CameraNormalization(**dict(given)),) * source.n_channels
    if source.recordings is None:
        return (yield from measure_cameras(source.sampler, source.seed))
    cameras = []
    for number in range(source.n_channels):
        recordings = source.recordings
        job = calibrate_repeats_job(
            recordings.pixels, recordings.axes, channel=source.channel(number)
        )
        found = yield from nested(job, 0.0, 0.0, "measuring the camera's noise")
        cameras.append(as_camera([found]))
    return tuple(cameras)


def _distributions(
    method: ProbabilisticMethod, cameras: tuple[CameraNormalization, ...], source: _Source
) -> Job[tuple[AnyNoiseModel, ...]]:
    assert method.noise != "camera"  # noqa: S101
    found = []
    for number, camera in enumerate(cameras):
        if source.recordings is None:
            known = yield from _bootstrapped(camera, number, source)
        else:
            pixels, axes = source.recordings.pixels, source.recordings.axes
            job = collect_repeats(pixels, axes, channel=source.channel(number))
            known = yield from nested(job, 0.0, 0.0)
        fitting = fit_noise_model(method.noise, known, n_gaussians=method.n_gaussians)
        found.append((yield from nested(fitting, 0.0, 0.0)))
    return tuple(found)


def _corrected(
    cameras: tuple[CameraNormalization, ...], source: _Source
) -> Job[tuple[CameraNormalization, ...]]:
    """Cameras whose noise is what a denoised version of the images says.

    What was measured on flat places alone may be too much by a third where there are none.
    """
    corrected = []
    for number, camera in enumerate(cameras):
        known = yield from _bootstrapped(camera, number, source)
        likelihood = make_likelihood(camera, None, torch.device("cpu"))
        expected = likelihood.variance(torch.from_numpy(known.signal)).numpy()
        # A hot pixel must not count for all others.
        power = np.minimum(known.noise**2, 25 * expected)
        factor = float(np.clip(power.sum() / expected.sum(), 1 / _MAX_CORRECTION, _MAX_CORRECTION))
        # All variances by one factor: gain is one, read noise the root of one.
        changed = {"gain": camera.gain * factor, "read_noise": camera.read_noise * factor**0.5}
        corrected.append(camera.model_copy(update=changed))
    return tuple(corrected)


def _bootstrapped(camera: CameraNormalization, number: int, source: _Source) -> Job[Recordings]:
    """Pixels of a channel whose signal the instant denoiser tells, for want of better."""
    sampler, n_spatial = source.sampler, len(source.sampler.patch_size)
    n_patches, size = _BOOTSTRAP[n_spatial]
    sampler = sampler.resized(choose_patch_size(sampler.images, size))
    network, rng = shipped_network(n_spatial), np.random.default_rng(source.seed)
    # No graph is built: it would hold the memory of every patch.
    network.requires_grad_(requires_grad=False)
    signals, noises = [], []
    for i in range(n_patches):
        yield from sampler.read_ahead(rng)
        patch = _draw(sampler, source.sampler, rng)[number]
        planes = torch.from_numpy(patch.reshape(-1, *patch.shape[-2:]))
        level = float(camera.stabilize(planes).mean())
        job = clean_planes(network, camera.model_copy(update={"level": level}), planes)
        job = nested(job, i / n_patches, (i + 1) / n_patches, "measuring the noise")
        cleaned, spread = yield from job
        known = Recordings.of(planes.numpy(), cleaned.numpy())
        # What the denoised version took along of the noise is missing from the difference.
        power = float(np.mean(known.noise**2))
        missing = float(spread.square().mean())
        signals.append(known.signal)
        noises.append(known.noise * np.sqrt(1 + missing / max(power, 1e-300)))
    return Recordings(np.concatenate(signals), np.concatenate(noises))


def _draw(wide: PatchSampler, narrow: PatchSampler, rng: np.random.Generator) -> FloatArray:
    """A large patch; a small one where none lies within the region."""
    try:
        return wide.draw_in_channel(rng)[1]
    except InputError:
        return narrow.draw_in_channel(rng)[1]


def _check_reach(noise: tuple[AnyNoiseModel, ...], pixels: FloatArray) -> Job[None]:
    """Refuse to denoise what the noise is not known for."""
    for known, values in zip(noise, pixels, strict=True):
        low, high = known.reach
        below = low - _FAR * known.sigmas[0]
        above = high + _FAR * known.sigmas[-1]
        share = float(np.mean((values < below) | (values > above)))
        words = (
            f"The noise is known for signals from {low:.4g} to {high:.4g} DN; "
            f"{share:.2%} of the image's pixels are far from that, from {values.min():.4g} to "
            f"{values.max():.4g} DN. Record a calibration that is as dark and as bright as the "
            f"image, or choose noise = camera."
        )
        if share > _MANY:
            raise InputError(words)
        if share > _SOME:
            yield Notice(fraction=0.0, message=words)
