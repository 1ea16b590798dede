"""What the instant denoiser's network is shown of an image, and what its answer means.

It counts in electrons whose noise has been made even, and is told what that leaves open.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from napari_denoise.core.progress import Job, nested
from napari_denoise.learning.networks.execution.slabs import Scratch
from napari_denoise.learning.networks.instant import N_CONDITIONS, InstantNetwork
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.noise.anscombe import DARK_COUNTS

__all__ = [
    "clean_plane",
    "clean_planes",
    "conditions",
    "planes_around",
]


def conditions(
    values: Tensor, dark_variance: Tensor, correlation: Tensor, *, is_dark_known: Tensor
) -> Tensor:
    """The maps that tell the network about the noise.

    Parameters
    ----------
    values : Tensor, axes NYX
        The stabilised middle plane.
    dark_variance : Tensor, axes N11
        Read noise² + 3/8, in electrons².
    correlation : Tensor, axes N2
        Lag-1 autocorrelation of the noise along Y and X.
    is_dark_known : Tensor, axes N11
        1 where zero electrons is known to be a floor, else 0.

    Returns
    -------
    Tensor, axes NCYX
    """
    # 1 at the floor, fading over four units of noise: only near darkness does it matter.
    floor = 2 * dark_variance.sqrt()
    darkness = is_dark_known * torch.exp(-(values - floor).clamp(min=0) / 4)
    read_noise = (dark_variance - DARK_COUNTS).clamp(min=0).sqrt()
    # Any read noise as a number from 0 to 1: a network knows no input beyond those it has seen.
    share = (read_noise / (1 + read_noise)).expand_as(values)
    along = [correlation[:, i, None, None].expand_as(values) for i in range(2)]
    maps = torch.stack([darkness, share, *along], dim=1)
    assert maps.shape[1] == N_CONDITIONS  # noqa: S101
    return maps


def planes_around(z: int, n_seen: int, n_planes: int) -> list[int]:
    """The planes around plane `z`, mirrored at the ends of the stack."""
    reach = n_seen // 2
    places = np.abs(np.arange(z - reach, z + reach + 1))
    # Mirrored like in training (`acquisition`), and clamped for stacks thinner than the reach.
    last = n_planes - 1
    return [int(min(max(last - abs(last - place), 0), last)) for place in places]


def clean_plane(
    network: InstantNetwork,
    camera: CameraNormalization,
    planes: Tensor,
    scratch: Scratch | None = None,
) -> Job[tuple[Tensor, Tensor]]:
    """Clean the middle one of neighbouring planes.

    Parameters
    ----------
    planes : Tensor, axes NZYX, in DN
        As many planes as the network looks at.
    scratch : Scratch, optional
        For many planes: what is held in between.

    Returns
    -------
    cleaned : Tensor, axes NYX
        The middle plane in DN.
    spread : Tensor, axes NYX
        Standard deviation of what may be there, in DN.
    """
    values = camera.stabilize(planes)
    told = conditions(
        values[:, values.shape[1] // 2],
        planes.new_full((1, 1, 1), camera.dark_variance),
        planes.new_tensor([camera.correlation]),
        is_dark_known=planes.new_full((1, 1, 1), float(camera.gain > 0)),
    )
    cleaned, log_variance = yield from network.steps(values - camera.level, told, scratch)
    # The algebraic inverse, as the network has learned the bias of the root away.
    cleaned = camera.unstabilize(cleaned + camera.level)
    return cleaned, (log_variance / 2).exp() * camera.stabilized_variance(cleaned).sqrt()


def clean_planes(
    network: InstantNetwork,
    camera: CameraNormalization,
    planes: Tensor,
    wanted: range | None = None,
) -> Job[tuple[Tensor, Tensor]]:
    """Clean ZYX planes in DN, each with the help of its neighbours; as :func:`clean_plane`.

    Planes that are not wanted are zero in the result; all are if None.
    """
    cleaned, spread = torch.zeros_like(planes), torch.zeros_like(planes)
    n, n_seen, scratch = len(planes), network.architecture.n_planes, Scratch()
    wanted = range(n) if wanted is None else wanted
    for i, z in enumerate(wanted):
        job = clean_plane(network, camera, planes[None, planes_around(z, n_seen, n)], scratch)
        result = yield from nested(job, i / len(wanted), (i + 1) / len(wanted))
        cleaned[z], spread[z] = result[0][0], result[1][0]
    return cleaned, spread
