"""Scenes are images: in range, repeatable, as smooth as their optics, and never the same twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_denoise.core.errors import InputError
from napari_denoise.data.synthetic.fields import Grid, fractal, scatter, smooth_field, splat
from napari_denoise.data.synthetic.scenes import KINDS, Optics, movie, scene


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("shape", [(96, 128), (6, 64, 48)])
def test_a_scene_is_relative_to_its_brightest_pixel(kind, shape, rng):
    image = scene(shape, rng=rng, kind=kind)
    assert (image.shape, image.dtype) == (shape, np.float32)
    assert image.min() >= 0
    assert image.max() == pytest.approx(1)
    assert image.std() > 0.01


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [scene, movie])
def test_the_same_state_gives_the_same_scene_and_the_next_another(kind, make):
    shape = (3, 48, 48)
    first, again, other = (
        make(shape, rng=np.random.default_rng(seed), kind=kind) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 40), min_size=2, max_size=3).map(tuple),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 99),
)
def test_any_shape_can_be_a_scene(shape, kind, seed):
    image = scene(shape, rng=np.random.default_rng(seed), kind=kind)
    assert image.shape == shape
    assert np.isfinite(image).all()


@pytest.mark.parametrize("kind", KINDS)
def test_optics_pass_no_detail_finer_than_they_resolve(kind, rng):
    image = scene((128, 128), rng=rng, kind=kind, optics=Optics(psf_sigma=2.0))
    power = np.abs(np.fft.fftshift(np.fft.fft2(image * np.hanning(128)[:, None] * np.hanning(128))))
    y, x = np.indices(power.shape) - 64
    fine = power[np.hypot(y, x) > 45].mean()
    assert fine < 1e-4 * power.max()


def test_haze_and_background_lift_the_dark(rng):
    state = rng.bit_generator.state

    def darkest(**optics: float) -> float:
        rng.bit_generator.state = state
        image = scene((96, 96), rng=rng, kind="nuclei", optics=Optics(**optics))
        return float(np.percentile(image, 5))

    clear = darkest(haze=0, background=0)
    assert darkest(haze=0.5, background=0) > clear
    assert darkest(haze=0, background=0.2) == pytest.approx(0.2, abs=0.02)


def test_a_volume_is_longer_along_z_than_across(rng):
    volume = scene((32, 64, 64), rng=rng, kind="puncta", z_step=1.0, optics=Optics(haze=0))
    detail = [np.abs(np.diff(volume, axis=axis)).mean() for axis in (0, 1, 2)]
    assert detail[0] < 0.8 * min(detail[1:])


def test_frames_of_a_movie_resemble_their_neighbours_more_than_later_ones(rng):
    frames = movie((12, 96, 96), rng=rng, kind="filaments")
    near = np.corrcoef(frames[0].ravel(), frames[1].ravel())[0, 1]
    far = np.corrcoef(frames[0].ravel(), frames[-1].ravel())[0, 1]
    assert 1 > near > far


def test_spots_of_a_movie_blink(rng):
    frames = movie((20, 96, 96), rng=rng, kind="tissue", optics=Optics(haze=0))
    swing = ndimage.maximum_filter1d(frames, 20, axis=0).max(0) - frames.min(0)
    assert swing.max() > 0.3


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5), (0, 5), ()])
def test_what_is_no_image_is_refused(shape, rng):
    with pytest.raises(InputError, match="cannot have shape"):
        scene(shape, rng=rng)
    with pytest.raises(InputError, match="cannot have shape"):
        movie(shape, rng=rng)


def test_an_unknown_kind_is_refused_with_those_there_are(rng):
    with pytest.raises(InputError, match=r"kind 'cats'.*nuclei"):
        scene((8, 8), rng=rng, kind="cats")


class TestFields:
    @pytest.mark.parametrize("field", [smooth_field, fractal])
    def test_a_field_has_mean_zero_and_variance_one(self, field, rng):
        values = field(Grid((400, 400)), rng, 6)
        assert values.mean() == pytest.approx(0, abs=0.05)
        assert values.var() == pytest.approx(1, rel=0.1)

    def test_a_field_has_no_detail_finer_than_its_size(self, rng):
        values = smooth_field(Grid((200, 200)), rng, 20)
        assert np.abs(np.diff(values, axis=0)).max() < 0.3

    def test_a_grid_with_a_z_step_stretches_fields_alike_in_space(self, rng):
        values = smooth_field(Grid((50, 200, 200), z_step=4), rng, 16)
        steep = [np.diff(values, axis=axis).std() for axis in (0, 2)]
        assert steep[0] / 4 == pytest.approx(steep[1], rel=0.3)

    def test_splatting_keeps_all_light_and_its_place(self):
        grid = Grid((9, 20, 20), z_step=2)
        points = np.array([[7.0, 4.25, 9.5], [3.3, 15.0, 2.0]])
        image = splat(grid, points, [1, 3])
        assert image.sum() == pytest.approx(4)
        centre = ndimage.center_of_mass(image) * np.array([2, 1, 1])
        np.testing.assert_allclose(centre, np.average(points, axis=0, weights=[1, 3]), rtol=1e-5)

    def test_points_off_the_grid_give_no_light(self):
        grid = Grid((5, 5))
        assert splat(grid, np.array([[-3.0, 2.0], [2.0, 50.0]])).sum() == 0
        assert (grid.at(np.ones((5, 5), np.float32), np.array([[-3.0, 2], [2, 2]])) == [0, 1]).all()

    def test_scattered_places_cover_the_field_of_view(self, rng):
        places = scatter(Grid((200, 300)), rng, 20)
        assert len(places) == 10 * 15
        assert (places.min(0) < 20).all()
        assert (places.max(0) > [180, 280]).all()
