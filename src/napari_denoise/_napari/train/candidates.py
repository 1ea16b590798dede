"""The images that the Train dock names, each with its target and where to learn in it."""

from __future__ import annotations

from collections.abc import Sequence

from napari_denoise._napari.train.image_list import TrainingSet
from napari_denoise._napari.train.region_chooser import RegionChooser, region_of
from napari_denoise._napari.train.target_list import Pick
from napari_denoise.core.axes import Layout
from napari_denoise.learning.data.selection import Candidate, Named

__all__ = ["candidates_of"]


def candidates_of(
    images: TrainingSet,
    targets: Sequence[Pick | None] | None,
    regions: RegionChooser,
    layout: Layout,
) -> list[Candidate]:
    """Layers first, then files, without reading pixels.

    Parameters
    ----------
    targets : sequence of Pick or None
        One for each image; None if there are to be none.
    layout : Layout
        As the user wants the first image to be seen.

    Raises
    ------
    InputError
        If a layer is an RGB picture, or the region has no area.
    """
    named = [Named(*source) for source in images.sources(layout.axes)]
    layers = [*images.layers(), *(None for _ in images.files())]
    picks = targets or [None] * len(named)
    sizes = images.pixel_sizes_um(layout.axes, layout.spatial)
    region = regions.layer()
    return [
        Candidate(
            image=image,
            target=Named(pick.pixels, image.axes, pick.name) if pick else None,
            region=region_of(region, layer, image) if region else None,
            pixel_size_um=size,
        )
        for image, layer, pick, size in zip(named, layers, picks, sizes, strict=True)
    ]
