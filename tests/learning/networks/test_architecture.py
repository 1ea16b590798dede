"""The halo is what the network really sees, and pooling suits the image."""

import pytest
import torch
from pydantic import ValidationError

from napari_denoise.learning.networks.architecture import UNetArchitecture, choose_pooling
from napari_denoise.learning.networks.unet import UNet


def architecture(*pooling, **others) -> UNetArchitecture:
    return UNetArchitecture(n_channels=1, n_features=4, pooling=pooling, **others)


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
@pytest.mark.parametrize(("shrinking", "skips"), [("average", "all"), ("blur", "deep")])
def test_the_halo_is_exactly_the_receptive_field(pooling, shrinking, skips):
    shape = architecture(*pooling, shrinking=shrinking, skips=skips)
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


@pytest.mark.parametrize("pooling", [((2, 2), (2, 2)), ((1, 2, 2), (2, 2, 2))])
def test_the_largest_of_pixels_is_looked_for_no_farther_than_a_blur_reaches(pooling, rng):
    blurred = architecture(*pooling, shrinking="blur").halo()
    shape = architecture(*pooling, shrinking="max-blur", skips="deep")
    assert shape.halo() == blurred
    network, reach = UNet(shape), blurred[-1]
    n = 8 * (reach // 4 + 2)
    image = torch.from_numpy(rng.normal(size=(1, 1, *(8,) * (shape.n_spatial - 1), n))).float()
    other = image.clone()
    other[..., n // 2 + reach :] += 1.0
    assert torch.equal(network(other)[..., : n // 2], network(image)[..., : n // 2])


def test_the_full_resolution_is_handed_across_unless_the_skips_are_deep():
    handed = {
        skips: [architecture((2, 2), (2, 2), skips=skips).has_skip(level) for level in (0, 1)]
        for skips in ("all", "deep", "none")
    }
    assert handed == {"all": [True, True], "deep": [False, True], "none": [False, False]}


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
