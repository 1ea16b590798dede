"""Patches: from any axes, lazy or not, and images that cannot be learned from."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import AxesError, InputError, SettingsError
from napari_denoise.core.progress import Skipped, run
from napari_denoise.learning.data import images as images_module
from napari_denoise.learning.data.images import (
    TrainingImage,
    check_images,
    choose_patch_size,
    read_images,
)
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.methods import N2V


def image_of(shape, axes, spatial="YX", channels="independent", name="image", **more):
    pixels = np.arange(np.prod(shape), dtype=more.get("dtype", np.float32)).reshape(shape)
    return TrainingImage.of(pixels, Layout(axes, spatial, channels), name)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (image_of((20, 30), "YX"), (1, 8, 8)),
        (image_of((5, 2, 20, 30), "TCYX"), (1, 8, 8)),
        (image_of((5, 2, 20, 30), "TCYX", "YX", "joint"), (2, 8, 8)),
        (image_of((6, 3, 20, 30), "ZCYX", "ZYX", "joint"), (3, 6, 8, 8)),
        (image_of((20, 30, 3), "YXC", "YX", "joint"), (3, 8, 8)),
    ],
)
def test_patches_have_the_shape_that_the_network_sees(rng, image, expected):
    wanted = N2V(patch_size=8).patch_size_for(image.layout.n_spatial)
    patches = PatchSampler([image], choose_patch_size([image], wanted)).draw(1, rng)
    for part in (patches.input, patches.target, patches.mask):
        assert part.shape == (1, *expected)
        assert part.dtype == np.float32


def test_patches_come_from_all_units_of_all_images(rng):
    first = image_of((3, 8, 8), "ZYX")
    second = TrainingImage.of(np.full((8, 8), -1.0), Layout("YX"), "second")
    sampler = PatchSampler([first, second], (8, 8))
    seen = set(sampler.draw(200, rng, turned="not").input[:, 0, 0, 0])
    assert seen == {0.0, 64.0, 128.0, -1.0}


def test_patches_reach_every_corner(rng):
    image = image_of((10, 12), "YX")
    sampler = PatchSampler([image], (4, 4))
    assert set(sampler.draw(500, rng).input.flat) == set(range(120))


def test_square_patches_are_laid_in_eight_ways_and_others_in_four(rng):
    for size, n_ways in (((4, 4), 8), ((4, 5), 4)):
        sampler = PatchSampler([image_of(size, "YX")], size)
        batch = sampler.draw(300, rng).input
        assert batch.shape == (300, 1, *size)
        assert len({patch.tobytes() for patch in batch}) == n_ways


def test_a_lazy_image_that_fits_is_read_once():
    reads = []

    def block(block_info=None):
        reads.append(1)
        return np.zeros((1, 16, 16), np.uint16)

    lazy = da.map_blocks(
        block, chunks=((1,) * 3, (16,), (16,)), dtype=np.uint16, meta=np.empty((0,), np.uint16)
    )
    reads.clear()
    (read,) = run(read_images([TrainingImage.of(lazy, Layout("TYX"), "lazy")]))
    assert isinstance(read.pixels, np.ndarray)
    assert read.pixels.dtype == np.uint16
    assert len(reads) == 3


def test_a_lazy_image_that_does_not_fit_stays_lazy(monkeypatch, rng):
    monkeypatch.setattr(images_module, "_IN_MEMORY_BYTES", 100)
    lazy = TrainingImage.of(da.zeros((3, 16, 16), chunks=(1, 16, 16)), Layout("TYX"), "lazy")
    (read,) = run(read_images([lazy]))
    assert read.pixels is lazy.pixels
    assert PatchSampler([lazy], (8, 8)).draw(2, rng).input.shape == (2, 1, 8, 8)


def test_an_integer_array_in_memory_is_taken_as_it_is():
    image = image_of((2, 8, 8), "TYX", dtype=np.uint8)
    (read,) = run(read_images([image]))
    assert read.pixels is image.pixels


@pytest.mark.parametrize("make", [np.asarray, da.from_array])
def test_nan_is_found_before_training_and_the_image_named(make):
    pixels = np.ones((3, 16, 16), np.float32)
    pixels[2, 3, 3] = np.nan
    image = TrainingImage.of(make(pixels), Layout("TYX"), "broken")
    with pytest.raises(InputError, match="broken has 1 pixels that are NaN"):
        run(read_images([image]))


def test_a_broken_image_among_several_is_skipped_and_named(rng):
    good = image_of((20, 20), "YX", name="good")
    bad = TrainingImage.of(np.full((20, 20), np.nan), Layout("YX"), "bad")
    events = []
    assert run(read_images([bad, good]), events.append) == [good]
    (skipped,) = [event for event in events if isinstance(event, Skipped)]
    assert skipped.name == "bad"
    assert skipped.message.startswith("bad is skipped: bad has 400 pixels that are NaN")
    with pytest.raises(InputError, match=r"None of the 2 images can be used\. The first: bad has"):
        run(read_images([bad, bad]))


def test_images_that_do_not_go_together_are_refused():
    two, three = (image_of((n, 8, 8), "CYX", channels="joint", name=f"n{n}") for n in (2, 3))
    with pytest.raises(AxesError, match="n2 has 2 channels to be seen together, n3 has 3"):
        check_images([two, three])
    plane, volume = image_of((8, 8), "YX"), image_of((8, 8, 8), "ZYX", "ZYX")
    with pytest.raises(AxesError, match="spatial axes YX, image with ZYX"):
        check_images([plane, volume])


def test_images_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="at least one"):
        check_images([])
    with pytest.raises(InputError, match="'nothing' is empty"):
        check_images([TrainingImage.of(np.empty((0, 8)), Layout("YX"), "nothing")])
    with pytest.raises(AxesError, match="name 3 axes"):
        check_images([TrainingImage.of(np.empty((8, 8)), Layout("ZYX"), "flat")])


def test_patches_shrink_to_the_smallest_image():
    images = [image_of((100, 40), "YX"), image_of((20, 100), "YX")]
    assert choose_patch_size(images, N2V().patch_size_for(2)) == (20, 40)
    volume = image_of((3, 100, 100), "ZYX", "ZYX")
    assert choose_patch_size([volume], N2V().patch_size_for(3)) == (3, 32, 32)


def test_a_patch_size_for_other_axes_is_refused():
    with pytest.raises(SettingsError, match="patch_size has 3 values"):
        N2V(patch_size=(8, 8, 8)).patch_size_for(2)


@pytest.mark.parametrize(("shape", "wanted"), [((3, 100), (64, 64)), ((100, 100), (8, 2))])
def test_too_small_patches_are_refused(shape, wanted):
    with pytest.raises(InputError, match="at least 4 × 4"):
        choose_patch_size([image_of(shape, "YX")], wanted)


@st.composite
def layouts(draw):
    """Any axes there may be, with two shapes for them."""
    depth = draw(st.sampled_from(["", "Z", "T"]))
    more = draw(st.sets(st.sampled_from(sorted(set("STCZ") - {depth}))))
    axes = "".join(draw(st.permutations(sorted({"Y", "X", *more, *depth}))))
    layout = Layout(axes, f"{depth}YX", draw(st.sampled_from(["independent", "joint"])))
    n_channels = draw(st.integers(1, 3))
    sizes = {letter: st.integers(5, 7) if letter in "YX" else st.integers(1, 3) for letter in axes}
    sizes["C"] = st.just(n_channels)
    shapes = [tuple(draw(sizes[letter]) for letter in axes) for _ in range(2)]
    return layout, shapes


@settings(max_examples=15, deadline=None)
@given(layouts(), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_patches_of_any_axes_are_windows_of_the_images_with_their_targets(
    given_layout, is_lazy, has_region, seed
):
    layout, shapes = given_layout
    rng = np.random.default_rng(seed)
    images, first = [], 0
    for shape in shapes:
        pixels = np.arange(first, first + np.prod(shape), dtype=np.float32).reshape(shape)
        sizes = zip(layout.axes, shape, strict=True)
        region = rng.random([n if letter in "YXT" else 1 for letter, n in sizes]) < 0.3
        region.flat[0] = True
        image = TrainingImage.of(
            da.from_array(pixels) if is_lazy else pixels,
            layout,
            "image",
            target=pixels + 0.5,
            region=region if has_region else None,
        )
        images.append(image)
        first += pixels.size
    check_images(images)
    size = choose_patch_size(images, (2, 4, 4)[-layout.n_spatial :])
    patches = PatchSampler(images, size).draw(12, rng, turned="not")
    n_channels = images[0].unit_shape[0]
    assert patches.input.shape == (12, n_channels, *size)
    known = patches.mask > 0
    np.testing.assert_array_equal(patches.target[known], patches.input[known] + 0.5)
    allowed: set[float] = set()
    for image in images:
        inside = True if image.region is None else image.region
        allowed |= set(np.asarray(image.pixels)[np.broadcast_to(inside, image.pixels.shape)])
    assert set(patches.input[known]) <= allowed
    assert known.any(axis=tuple(range(1, known.ndim))).all()
    if not has_region:
        steps = [np.diff(patches.input, axis=axis) for axis in range(2, patches.input.ndim)]
        for step, letter in zip(steps, layout.spatial, strict=True):
            strides = {np.prod(shape[layout.axes.index(letter) + 1 :]) for shape in shapes}
            assert set(step.flat) <= strides
