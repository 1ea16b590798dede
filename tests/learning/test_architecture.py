"""The halo is what the network really sees, and pooling suits the image."""

import pytest
import torch
from pydantic import ValidationError

from napari_denoise.learning.architecture import Architecture, choose_pooling
from napari_denoise.learning.unet import UNet


def architecture(*pooling) -> Architecture:
    return Architecture(n_channels=1, n_features=4, pooling=pooling)


@pytest.mark.parametrize(
    "pooling",
    [
        ((2, 2),),
        ((2, 2), (2, 2)),
        ((1, 2), (2, 2)),
        ((2, 1), (1, 2), (2, 2)),
        ((1, 2, 2), (2, 2, 2)),
        ((1, 1, 1),),
    ],
)
def test_the_halo_is_exactly_the_receptive_field(pooling):
    shape = architecture(*pooling)
    network = UNet(shape)
    for parameter in network.parameters():
        torch.nn.init.ones_(parameter)  # every path from input to output counts
    halo, alignment = shape.halo(), shape.alignment()
    for axis, reach in enumerate(halo):
        farthest = 0
        for place in range(alignment[axis]):
            size = [8] * shape.n_spatial
            size[axis] = 16 * alignment[axis] + 4 * reach
            centre = [4] * shape.n_spatial
            centre[axis] = size[axis] // 2 // alignment[axis] * alignment[axis] + place
            batch = torch.zeros(1, 1, *size, requires_grad=True)
            (gradient,) = torch.autograd.grad(network(batch)[(0, 0, *centre)], batch)
            seen = gradient[0, 0].nonzero()[:, axis]
            farthest = max(farthest, centre[axis] - seen.min(), seen.max() - centre[axis])
        assert farthest == reach


def test_short_axes_are_not_pooled():
    assert choose_pooling((64, 64), 2) == ((2, 2), (2, 2))
    assert choose_pooling((10, 64), 2) == ((2, 2), (1, 2))
    assert choose_pooling((4, 4), 2) == ((1, 1), (1, 1))


def test_depth_is_pooled_a_level_later_than_the_plane():
    assert choose_pooling((16, 32, 32), 2) == ((1, 2, 2), (2, 2, 2))


def test_few_planes_are_never_pooled():
    assert choose_pooling((3, 32, 32), 3) == ((1, 2, 2), (1, 2, 2), (1, 2, 2))


@pytest.mark.parametrize("pooling", [(), ((3, 3),), ((2, 2),) * 6, ((2,),), ((2, 2), (2, 2, 2))])
def test_an_impossible_architecture_is_refused(pooling):
    with pytest.raises(ValidationError):
        architecture(*pooling)
