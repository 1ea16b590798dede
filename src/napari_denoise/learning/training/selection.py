"""Which of many images one network can learn from together, and the patches drawn of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import AxesError, DenoiseError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, Notice, Skipped
from napari_denoise.learning.data.images import TrainingImage, check_images, nothing_to_use
from napari_denoise.learning.data.pairs import check_sampled_pairs, compare_pairs
from napari_denoise.learning.data.sampler import PatchSampler, draw_samples
from napari_denoise.learning.data.simulation import simulate_with
from napari_denoise.learning.methods.base import TrainingMethod

__all__ = ["Candidate", "choose_images", "make_sampler", "region_for"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that might be learned from, with what belongs to it.

    Attributes
    ----------
    image : Image
    target : Image, optional
    region : Image, optional
        Nonzero where to learn; see :func:`region_for`.
    """

    image: Image
    target: Image | None = None
    region: Image | None = None

    def to_training_image(
        self, spatial: str, channels: Literal["independent", "joint"]
    ) -> TrainingImage:
        """What a training gets of it.

        Parameters
        ----------
        spatial, channels : str
            As in :func:`choose_images`.

        Raises
        ------
        InputError
            If the image lacks an axis, or target or region do not fit it.
        """
        image, target = self.image, self.target
        if target is not None and target.axes != image.axes:
            raise AxesError(
                f"{image.name} has axes {image.axes}, its target {target.name} has {target.axes}. "
                f"Say what the axes of both are."
            )
        layout = Layout(image.axes, spatial, channels)
        region = region_for(image, self.region) if self.region is not None else None
        return TrainingImage(image, layout, target, region)


def region_for(image: Image, region: Image) -> npt.NDArray[np.bool_]:
    """A region with the axes of an image.

    Parameters
    ----------
    image : Image
    region : Image
        Nonzero where to learn. Axes that it lacks, or that have length one, it holds for as a
        whole: a mask of one plane holds for all planes, channels and time points.

    Raises
    ------
    AxesError
        If it has axes or sizes that the image has not.
    """
    sizes, own = image.sizes, region.sizes
    strange = [a for a, n in own.items() if n > 1 and n != sizes.get(a)]
    if strange:
        raise AxesError(
            f"The region {region.name} has axes {region.axes} and shape {region.shape}, "
            f"{image.name} {image.axes} and {image.shape}. Give a mask with as many rows and "
            f"columns."
        )
    mask = np.asarray(region.pixels) != 0
    kept = [a for a in region.axes if a in sizes]
    mask = mask.reshape([own[a] for a in kept])
    mask = mask.transpose([kept.index(a) for a in image.axes if a in kept])
    return np.asarray(mask.reshape([own.get(a, 1) for a in image.axes]))


def choose_images(
    candidates: Sequence[Candidate],
    method: TrainingMethod,
    *,
    spatial: str,
    channels: Literal["independent", "joint"],
) -> tuple[list[TrainingImage], list[Skipped]]:
    """The images that `method` can learn from together, without reading pixels.

    Left out are those that cannot be used at all, those with another number of channels than
    most where all are seen together, and those with no room for a patch where most have room.

    Parameters
    ----------
    candidates : sequence of Candidate
    method : TrainingMethod
    spatial : {"YX", "ZYX", "TYX"}
        The axes to be seen as space.
    channels : {"independent", "joint"}
        Whether they are seen one at a time, or all at once.

    Returns
    -------
    chosen : list of TrainingImage
    skipped : list of Skipped
        The others, each with the reason.

    Raises
    ------
    DenoiseError
        If there is a single image, and it cannot be used.
    InputError
        If none of several can.
    """
    usable: list[TrainingImage] = []
    problems: list[Skipped] = []
    for candidate in candidates:
        try:
            image = candidate.to_training_image(spatial, channels)
            check_images([image])
            method.check_images([image])
        except DenoiseError as error:
            if len(candidates) == 1:
                raise
            problems.append(Skipped.because(candidate.image.name, error))
        else:
            usable.append(image)
    if problems and not usable:
        raise nothing_to_use(problems)
    # By identity: two images may be equal, and arrays do not compare as one.
    odd = {id(image): reason for image, reason in _odd_ones(usable, method)}
    problems += [Skipped.because(i.name, odd[id(i)]) for i in usable if id(i) in odd]
    return [image for image in usable if id(image) not in odd], problems


def _odd_ones(
    images: Sequence[TrainingImage], method: TrainingMethod
) -> Iterator[tuple[TrainingImage, str]]:
    """Images that do not go with most of the others, and why."""
    if not images:
        return
    # Most decide: one stray file in a folder must not spoil the rest.
    counts = Counter(image.unit_shape[0] for image in images)
    n_channels, _ = counts.most_common(1)[0]
    alike = [image for image in images if image.unit_shape[0] == n_channels]
    for image in images:
        if image.unit_shape[0] != n_channels:
            reason = f"it has {image.unit_shape[0]} channels, and most have {n_channels}."
            yield image, reason
    wanted = method.patch_size_for(images[0].layout.n_spatial)
    small = [
        image
        for image in alike
        if any(n < size for n, size in zip(image.unit_shape[1:], wanted, strict=True))
    ]
    # Where half of them or more are small, it is the patch that does not suit.
    if 2 * len(small) >= len(alike):
        return  # then the patches become smaller
    for image in small:
        extent, patch = (" × ".join(map(str, size)) for size in (image.unit_shape[1:], wanted))
        yield image, f"it has {extent} pixels, and a patch {patch}."


def make_sampler(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    patch_size: tuple[int, ...],
    rng: np.random.Generator,
) -> Job[PatchSampler]:
    """A sampler of what the method learns from; targets have the intensities of the images.

    Parameters
    ----------
    method : TrainingMethod
    images : sequence of TrainingImage
        As :func:`~napari_denoise.learning.data.images.read_images` returns them.
    patch_size : tuple of int
        Pixels per spatial axis.
    rng : numpy.random.Generator
        For the patches that ranges and targets are compared on.

    Raises
    ------
    InputError
        If the targets leave nothing to learn, or the noise to be added does not suit the images.
    """
    sampler = PatchSampler(images, patch_size, repeats=method.paired_frames())
    # Clean images become noisy in every step anew; their range says how much that is.
    noise = method.simulated_noise()
    if noise is not None:
        samples = yield from draw_samples(sampler, rng, "measuring the range")
        job = simulate_with(noise, sampler.images, samples.known_pixels())
        sampler = sampler.replaced(simulation=(yield from job))
    if noise is not None or method.learns_from_pairs:
        return (yield from _matched(sampler, rng))
    return sampler


def _matched(sampler: PatchSampler, rng: np.random.Generator) -> Job[PatchSampler]:
    """A sampler whose targets have the intensities of the images."""
    drawn = yield from draw_samples(sampler, rng, "comparing images with their targets")
    pairs = [*np.stack([drawn.input, drawn.target], axis=1)]
    check_sampled_pairs(pairs)
    likeness = compare_pairs(pairs)
    if words := likeness.in_words(sampler.repeats.axis if sampler.repeats else ""):
        yield Notice(fraction=0.0, message=words)
    # Repeats are of one camera: what they differ by is the specimen's.
    if sampler.repeats or likeness.is_same_scale:
        return sampler
    return sampler.replaced(target_map=likeness.target_map)
