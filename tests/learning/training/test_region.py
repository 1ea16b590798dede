"""Training only where the user says: what lies outside is never looked at."""

import numpy as np
import pytest

from napari_denoise.core.axes import Layout
from napari_denoise.core.progress import run
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.pairs import Repeats
from napari_denoise.learning.data.pieces import InRegion
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.methods import CARE, N2N, N2V, StructN2V
from napari_denoise.learning.models.file import save_model
from napari_denoise.learning.training.job import train_job

SHORT = {"n_steps": 3, "patch_size": 16, "n_features": 4, "depth": 1}


def disc(height, width, y, x, radius):
    rows, columns = np.ogrid[:height, :width]
    return np.hypot(rows - y, columns - x) < radius


@pytest.mark.parametrize("axes", ["TCYX", "XTYC", "YCXT"])
@pytest.mark.parametrize("own", ["YX", "TYX", "TCYX"])
def test_patches_lie_around_every_pixel_of_the_region_and_no_other(rng, axes, own):
    sizes = {"T": 3, "C": 2, "Y": 9, "X": 11}
    shape = tuple(sizes[letter] for letter in axes)
    region = rng.random([sizes[a] if a in own else 1 for a in axes]) < 0.1
    whole = np.broadcast_to(region, shape)
    places = InRegion(Layout(axes), shape, (1, 1), region)
    assert places.n_pixels == np.count_nonzero(whole)
    seen = np.zeros(shape, bool)
    for _ in range(40 * np.count_nonzero(whole)):
        place = places.draw(rng)
        windows = dict(zip("YX", place.window, strict=True))
        seen[tuple(windows.get(a, i) for a, i in zip(axes, place.unit, strict=True))] = True
    np.testing.assert_array_equal(seen, whole)


def test_a_region_smaller_than_a_patch_is_in_all_of_them(rng):
    pixels = np.arange(40 * 50, dtype=np.float32).reshape(40, 50)
    region = np.zeros((40, 50), bool)
    region[0, 49] = region[20, 30] = True
    image = TrainingImage.of(pixels, Layout("YX"), "image", region=region)
    patches = PatchSampler([image], (16, 16)).draw(50, rng)
    assert set(patches.input[patches.mask > 0]) == {pixels[0, 49], pixels[20, 30]}
    assert (patches.mask.sum(axis=(1, 2, 3)) == 1).all()


@pytest.mark.parametrize(
    ("layout", "shape"),
    [(Layout("YX"), (64, 60)), (Layout("CZYX", "ZYX", "joint"), (2, 5, 40, 44))],
)
@pytest.mark.parametrize(
    "method", [N2V(**SHORT), N2N(**SHORT, start="scratch"), CARE(**SHORT, start="scratch")]
)
def test_pixels_outside_never_influence_a_training(rng, tmp_path, method, layout, shape):
    noisy, target = rng.normal(100, 10, (2, *shape)).astype(np.float32)
    region = disc(*shape[-2:], 25, 30, 12).reshape((1,) * (len(shape) - 2) + shape[-2:])
    outside = ~np.broadcast_to(region, shape)
    method = method.model_copy(update={"patch_size": (4, 16, 16)[-layout.n_spatial :]})
    content = []
    for strange in (None, np.nan, 1e30):
        if strange is not None:
            noisy[outside] = target[outside] = strange
        others = {} if isinstance(method, N2V) else {"target": target}
        image = TrainingImage.of(noisy, layout, "image", region=region, **others)
        save_model(run(train_job(method, [image], device="cpu")), tmp_path / "model.safetensors")
        content.append((tmp_path / "model.safetensors").read_bytes())
    assert content[0] == content[1] == content[2]


def test_pairs_are_learned_from_where_both_frames_are_in_the_region(rng):
    pixels = np.zeros((2, 20, 20), np.float32)
    region = np.zeros((2, 20, 20), bool)
    region[0, 5:10], region[1, 8:15] = True, True
    image = TrainingImage.of(pixels, Layout("TYX"), "film", region=region)
    patches = PatchSampler([image], (20, 20), repeats=Repeats("T")).draw(8, rng, turned="not")
    rows = np.flatnonzero(patches.mask[0, 0].all(axis=1))
    assert list(rows) == [8, 9]


def test_the_noise_that_a_mask_has_to_cover_is_measured_in_the_region(rng):
    noisy = rng.normal(100, 10, (200, 200)).astype(np.float32)
    noisy[:, 1:] = noisy[:, 1:] * 0.6 + noisy[:, :-1] * 0.8
    region = np.zeros((200, 200), bool)
    region[:, :150] = True
    noisy[~region] = np.nan
    image = TrainingImage.of(noisy, Layout("YX"), "image", region=region)
    model = run(train_job(StructN2V(**SHORT), [image], device="cpu"))
    assert model.method.orientation == "X"
    assert model.method.span > 1
