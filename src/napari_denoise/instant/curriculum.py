"""What the network is shown, step by step: patches of synthetic scenes.

The batch of a step follows from the seed and the step's number alone, so a training that is
taken up again goes on as if it had never stopped, however many processes make the scenes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.data.synthetic.scenes import varied_scene

__all__ = ["Curriculum", "patches"]

_MARGIN = 64
"""A scene is this much wider than a patch, so that patches of one scene differ."""

_WINDOW = 96
"""Patches among which those of one scene are spread, so that a batch has many scenes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curriculum:
    """What is drawn.

    Attributes
    ----------
    seed : int
    n_planes : int
        Planes of a patch.
    patch_size, batch_size : int
        Rows and columns of a patch; patches per step.
    reuse : int
        How many patches are cut from one scene.
    """

    seed: int
    n_planes: int = 1
    patch_size: int = 128
    batch_size: int = 4
    reuse: int = 4

    def scene(self, number: int) -> FloatArray:
        """The scene with this number, axes ZYX."""
        # Scenes (1), places (2) and patches (3) have streams of their own, each by its number: what
        # is drawn does not depend on what was drawn before.
        rng = np.random.default_rng([self.seed, 1, number])
        side = self.patch_size + _MARGIN
        if self.n_planes == 1:
            return varied_scene((side, side), rng=rng)[np.newaxis]
        # Two planes more, so that patches of one scene differ along Z as well.
        return varied_scene((self.n_planes + 2, side, side), rng=rng)

    def scene_numbers(self, step: int) -> list[int]:
        """Which scene each patch of a step is cut from."""
        rng = np.random.default_rng([self.seed, 2, step])
        # A window that moves on by a batch per step: each scene is cut `reuse` times on average,
        # and scenes older than the window are never asked for again.
        first = step * self.batch_size + _WINDOW
        places = first + np.arange(self.batch_size) - rng.integers(_WINDOW, size=self.batch_size)
        return [int(place) // self.reuse for place in places]

    def cut(self, scenes: list[FloatArray], step: int) -> FloatArray:
        """The batch of a step, axes NZYX, cut from its scenes, turned and flipped."""
        rng = np.random.default_rng([self.seed, 3, step])
        batch = np.empty((len(scenes), self.n_planes, *(self.patch_size,) * 2), np.float32)
        for patch, scene in zip(batch, scenes, strict=True):
            room = np.subtract(scene.shape, patch.shape) + 1
            corner = rng.integers(room)
            window = tuple(slice(a, a + n) for a, n in zip(corner, patch.shape, strict=True))
            turned = np.rot90(scene[window], int(rng.integers(4)), axes=(1, 2))
            patch[:] = turned[:: rng.choice([-1, 1]), :, :: rng.choice([-1, 1])]
        return batch


def patches(curriculum: Curriculum, first_step: int, *, n_workers: int = 0) -> Iterator[FloatArray]:
    """The batches of all steps from `first_step` on, without end; close to stop the workers."""
    with _workers(n_workers) as workers:
        scenes: dict[int, FloatArray | Future[FloatArray]] = {}
        step = first_step
        while True:
            # As far ahead as keeps the workers busy while the network learns.
            ahead = step + (4 * n_workers if workers else 0)
            for number in _wanted(curriculum, step, ahead, scenes):
                scenes[number] = (
                    workers.submit(curriculum.scene, number)
                    if workers
                    else curriculum.scene(number)
                )
            numbers = curriculum.scene_numbers(step)
            yield curriculum.cut([_ready(scenes[number]) for number in numbers], step)
            step += 1
            oldest = step * curriculum.batch_size // curriculum.reuse
            for number in [number for number in scenes if number < oldest]:
                del scenes[number]


def _wanted(
    curriculum: Curriculum, step: int, ahead: int, known: dict[int, FloatArray | Future[FloatArray]]
) -> list[int]:
    numbers = {n for s in range(step, ahead + 1) for n in curriculum.scene_numbers(s)}
    return sorted(numbers - known.keys())


def _ready(scene: FloatArray | Future[FloatArray]) -> FloatArray:
    return scene.result() if isinstance(scene, Future) else scene


@contextmanager
def _workers(n: int) -> Iterator[Executor | None]:
    if not n:
        yield None
        return
    # Spawned, as a process that runs torch's threads must not be forked.
    with ProcessPoolExecutor(n, mp_context=get_context("spawn")) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
