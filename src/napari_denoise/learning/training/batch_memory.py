"""Makes a training's batches fit into the memory there is, before it runs out of it."""

from __future__ import annotations

from napari_denoise.core.progress import Job, Notice
from napari_denoise.learning.device import free_memory
from napari_denoise.learning.training.batches import Batches
from napari_denoise.learning.training.trainer import Trainer

__all__ = ["fit_to_memory"]

# Thirty of the usual batches. Measuring takes a step's time, and would make results depend on what
# else runs.
_SURE_TO_FIT = 250_000
"""Pixels of a batch that any machine has memory for, so that nothing need be measured."""

# Trade-off: other programs want some as well; what is wrong here costs a smaller batch later on.
_USABLE_SHARE = 0.8
"""Of the free memory."""

# The gradients of what is kept are as large, layer by layer.
_WORKING_FACTOR = 2
"""A step takes as much again as it keeps for the gradient."""


def fit_to_memory(trainer: Trainer, batches: Batches) -> Job[None]:
    """Halve the batches until they fit, and say so; ordinary ones are not looked at.

    So free memory decides on the result only where the training would fail.

    Parameters
    ----------
    trainer : Trainer
    batches : Batches
        Of the trainer.

    Raises
    ------
    DeviceError
        If not even the smallest batch fits.
    """
    if batches.n_pixels <= _SURE_TO_FIT:
        return
    # Measured and not computed: what is kept for the gradient depends on the device and on torch.
    probe, n_pixels = batches.probe()
    per_pixel = _WORKING_FACTOR * trainer.saved_bytes(probe) / n_pixels
    free, wanted = free_memory(trainer.device), batches.in_words()
    n_bytes = per_pixel * batches.n_pixels
    while per_pixel * batches.n_pixels > _USABLE_SHARE * free:
        trainer.shrink()
    if batches.in_words() != wanted:
        yield Notice(
            fraction=trainer.fraction,
            message=f"A step on {wanted} takes some {n_bytes / 2**30:.1f} GB, and "
            f"{free / 2**30:.1f} GB are free. So it takes {batches.in_words()}.",
        )
