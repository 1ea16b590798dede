"""BM3D for planes and BM4D for volumes: the best classical methods for white noise."""

from __future__ import annotations

from typing import ClassVar, Literal

from napari_denoise.core.axes import Layout
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import AxesError
from napari_denoise.core.progress import Job
from napari_denoise.core.settings import setting
from napari_denoise.filters.base import Filter, NoiseRemover
from napari_denoise.filters.collaborative import STEP, Collaboration

__all__ = ["BM3D", "BM4D"]


class _BlockMatching(NoiseRemover):
    """Stacks blocks that look alike and removes what they do not share."""

    n_tuning_crops: ClassVar[int] = 1
    n_spatial: ClassVar[int]
    """2 for planes, 3 for volumes."""
    advice: ClassVar[tuple[str, str]]
    """What is denoised, and what to do with an image that is something else."""
    block: ClassVar[int]
    """Width of a block in pixels."""
    core: ClassVar[tuple[int, ...]]
    """Size of a tile, for a search that does not reach far."""
    threshold: ClassVar[float]
    """Coefficients of a stack below this are taken for noise."""

    search_radius: int
    stages: Literal["both", "first"] = setting(
        "both",
        "The first stage alone is twice as fast and about half a decibel worse.",
        advanced=True,
    )

    def rehearsal(self) -> Filter:
        # Settings tuned on the first stage alone are as good, in half the time.
        return self.model_copy(update={"stages": "first"})

    def check(self, layout: Layout, shape: tuple[int, ...]) -> None:
        super().check(layout, shape)
        if layout.n_spatial != self.n_spatial:
            kind, what_to_do = self.advice
            raise AxesError(
                f"{self.title} denoises {kind}, but {layout.spatial} was chosen as spatial axes. "
                f"{what_to_do}"
            )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        # Twice as far, stacks still exchange blocks; that changes less than can be seen.
        return (self.search_radius + 2 * self.block,) * n_spatial

    def alignment(self, n_spatial: int) -> tuple[int, ...]:
        # Every tile has its references where the whole image would have them: no seams.
        return (STEP,) * n_spatial

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        core = self.core if len(extents) == self.n_spatial else (self.core[-1],) * len(extents)
        return tuple(max(size, 4 * self.search_radius) for size in core)

    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        blocks = Collaboration(self.block, self.search_radius, 16, self.threshold)
        return (yield from blocks.run(pixels, both_stages=self.stages == "both"))


class BM3D(_BlockMatching):
    """Stacks squares that look alike and removes what they do not share.

    The best classical method for white noise in planes. Noise that grows with the signal has
    to be stabilised first.
    """

    title: ClassVar[str] = "BM3D"
    citation: ClassVar[str] = (
        "Dabov, Foi, Katkovnik & Egiazarian 2007, doi:10.1109/TIP.2007.901238; "
        "Lebrun 2012, doi:10.5201/ipol.2012.l-bm3d"
    )

    # Blocks of 8, 16 of them in a stack, every third a reference, the threshold of 2.7, bior1.5
    # and DCT: the paper's normal profile. Its search window of 39 pixels is one of 33 here.
    n_spatial: ClassVar[int] = 2
    advice: ClassVar[tuple[str, str]] = (
        "planes",
        "Choose YX, which takes a stack plane by plane, or BM4D.",
    )
    block: ClassVar[int] = 8
    core: ClassVar[tuple[int, ...]] = (255, 255)  # a multiple of the step, near 256
    threshold: ClassVar[float] = 2.7

    name: Literal["bm3d"] = "bm3d"
    search_radius: int = setting(
        16, "How far away similar blocks are looked for.", unit="pixels", ge=1, le=50, step=1
    )


class BM4D(_BlockMatching):
    """Stacks cubes that look alike and removes what they do not share: BM3D for volumes.

    Noise that grows with the signal has to be stabilised first.
    """

    title: ClassVar[str] = "BM4D"
    citation: ClassVar[str] = (
        "Maggioni, Katkovnik, Egiazarian & Foi 2013, doi:10.1109/TIP.2012.2210725"
    )

    # Cubes of 4, a threshold of 2.8 and a search window of 11: as in the paper.
    n_spatial: ClassVar[int] = 3
    advice: ClassVar[tuple[str, str]] = (
        "volumes",
        "Choose ZYX or TYX where the image has these axes, or BM3D, which denoises planes.",
    )
    block: ClassVar[int] = 4
    core: ClassVar[tuple[int, ...]] = (33, 96, 96)
    threshold: ClassVar[float] = 2.8

    name: Literal["bm4d"] = "bm4d"
    search_radius: int = setting(
        5, "How far away similar cubes are looked for.", unit="pixels", ge=1, le=12, step=1
    )
