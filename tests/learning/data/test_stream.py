"""Training on more than fits into memory: a patch here and there, and broken files skipped."""

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import Notice, Skipped, run
from napari_denoise.io.folder import find_images, open_images_job
from napari_denoise.learning.data import images as images_module
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.pairs import Repeats
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.data.stream import PatchStream
from napari_denoise.learning.methods import CARE, N2N, N2V
from napari_denoise.learning.training.job import TrainingProgress, train_job
from napari_denoise.noise import GaussianNoise

SHORT = {"n_steps": 4, "patch_size": 16, "n_features": 4, "depth": 1}


@pytest.fixture
def nothing_fits(monkeypatch):
    monkeypatch.setattr(images_module, "_IN_MEMORY_BYTES", 0)


def lazy(pixels):
    return da.from_array(pixels, chunks=(1,) * (pixels.ndim - 2) + pixels.shape[-2:])


def ramp(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("axes", "spatial", "channels"),
    [
        ("YX", "YX", "independent"),
        ("TSYX", "YX", "independent"),
        ("TCYX", "YX", "joint"),
        ("TZYX", "ZYX", "independent"),
        ("XCTY", "TYX", "joint"),
    ],
)
def test_patches_of_a_lazy_image_are_its_pixels(rng, axes, spatial, channels):
    sizes = {"S": 2, "T": 5, "C": 2, "Z": 6, "Y": 30, "X": 40}
    layout = Layout(axes, spatial, channels)
    pixels = ramp(*(sizes[letter] for letter in axes))
    size = (3, 8, 7)[-layout.n_spatial :]
    stream = PatchStream([TrainingImage.of(lazy(pixels), layout, "lazy", target=2 * pixels)], size)
    corners = set()
    for _ in range(300):
        piece = stream.take(rng)
        expected = layout.read(pixels, piece.place.unit, piece.place.window)
        assert expected.shape[1:] == size
        np.testing.assert_array_equal(piece.input, expected)
        np.testing.assert_array_equal(piece.target, 2 * expected)
        corners.add((str(piece.place.unit), piece.place.window[-2].start))
    assert len(corners) > min(100, layout.n_units(pixels.shape) * 10)


def test_a_batch_comes_from_all_over_the_images(rng):
    images = [
        TrainingImage.of(lazy(np.full((4, 64, 64), i, np.uint8)), Layout("TYX"), str(i))
        for i in range(20)
    ]
    sampler = PatchSampler(images, (16, 16))
    run(sampler.read_ahead(rng))
    batch = sampler.draw(16, rng).input[:, 0, 0, 0]
    assert len(set(batch)) > 5


def test_images_in_memory_and_in_files_share_by_their_size(rng):
    near = TrainingImage.of(np.zeros((64, 64)), Layout("YX"), "near")
    far = TrainingImage.of(lazy(np.ones((3, 64, 64))), Layout("TYX"), "far")
    patches = PatchSampler([near, far], (16, 16)).draw(400, rng)
    assert patches.input.mean() == pytest.approx(0.75, abs=0.08)


def test_only_the_region_is_read_from_files_too(rng):
    pixels, region = ramp(3, 100, 120), np.zeros((1, 100, 120), bool)
    region[0, 40:43, 60:63] = True
    spoiled = np.where(region, pixels, np.nan)
    image = TrainingImage.of(lazy(spoiled), Layout("TYX"), "film", region=region)
    patches = PatchSampler([image], (16, 16)).draw(300, rng)
    known = patches.input[patches.mask > 0]
    assert set(known) == set(pixels[np.broadcast_to(region, pixels.shape)])
    assert np.isfinite(patches.input).all()


def test_frames_in_files_are_pairs(rng):
    pixels = np.broadcast_to(np.arange(6.0)[:, np.newaxis, np.newaxis], (6, 32, 32))
    image = TrainingImage.of(lazy(pixels), Layout("TYX"), "film")
    patches = PatchSampler([image], (8, 8), repeats=Repeats("T", "even_odd")).draw(400, rng)
    seen = set(zip(patches.input[:, 0, 0, 0], patches.target[:, 0, 0, 0], strict=True))
    assert seen == {(0, 1), (1, 0), (2, 3), (3, 2), (4, 5), (5, 4)}


@pytest.fixture
def folder(tmp_path, rng):
    """Six images of which two are broken: one ends within its pixels, one has NaN."""
    for i in range(6):
        pixels = rng.normal(100, 10, (4, 40, 40)).astype(np.float32)
        if i == 2:
            pixels[:, 5] = np.nan
        tifffile.imwrite(
            tmp_path / f"{i}.tif", pixels, compression="zlib", photometric="minisblack"
        )
    path = tmp_path / "4.tif"
    with tifffile.TiffFile(path) as tiff:
        places = [page.dataoffsets[0] for page in tiff.pages]
    with path.open("r+b") as file:
        for place in places:
            file.seek(place + 4)
            file.write(b"\x00" * 40)
    return tmp_path


def images_in(folder):
    files = run(open_images_job(find_images([folder])))
    return [TrainingImage.of(f.image.pixels, Layout(f.image.axes), f.path.name) for f in files]


@pytest.mark.parametrize("fits", [True, False])
@pytest.mark.parametrize(
    "method",
    [
        N2V(**SHORT),
        CARE(noise=GaussianNoise(), start="scratch", **SHORT),
        N2N(repeats="T", start="scratch", **SHORT),
    ],
    ids=["n2v", "care", "n2n"],
)
def test_broken_files_of_a_folder_are_skipped_and_named(folder, method, fits, monkeypatch):
    if not fits:
        monkeypatch.setattr(images_module, "_IN_MEMORY_BYTES", 0)
    images, events = images_in(folder), []
    if isinstance(method, N2N):
        images = [TrainingImage.of(image.pixels, Layout("TYX"), image.name) for image in images]
    model = run(train_job(method, images, device="cpu"), events.append)
    assert model.n_steps == 4
    said = [(event.name, event.reason) for event in events if isinstance(event, Skipped)]
    skipped = dict(said)
    assert sorted(name for name, _ in said) == ["2.tif", "4.tif"]
    assert "NaN" in skipped["2.tif"]
    assert "damaged" in skipped["4.tif"]
    steps = [event for event in events if isinstance(event, TrainingProgress)]
    assert len(steps) == 4


def test_training_from_files_is_repeatable(folder, nothing_fits):
    histories = [
        run(train_job(N2V(**SHORT), images_in(folder), seed=seed)).history for seed in (1, 1, 2)
    ]
    assert histories[0] == histories[1] != histories[2]


def test_a_folder_of_nothing_but_broken_files_is_an_error(folder, nothing_fits):
    images = [image for image in images_in(folder) if image.name in {"2.tif", "4.tif"}]
    with pytest.raises(DenoiseError, match="None of the 2 images can be used"):
        run(train_job(N2V(**SHORT), images))
    with pytest.raises(DenoiseError, match=r"^\S*4.tif is damaged"):
        run(train_job(N2V(**SHORT), images[1:]))


def test_what_was_learned_is_kept_if_the_files_go_away(folder, nothing_fits):
    images, events = images_in(folder)[:1], []

    def remove(event):
        events.append(event)
        if isinstance(event, TrainingProgress) and event.step == 2:
            images[0].pixels._files._pixels.clear()
            (folder / "0.tif").unlink(missing_ok=True)

    method = N2V(**{**SHORT, "n_steps": 5000})
    model = run(train_job(method, images, device="cpu"), remove)
    assert 2 <= model.n_steps < 1000
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert notices[-1].endswith("The training ends here.")
