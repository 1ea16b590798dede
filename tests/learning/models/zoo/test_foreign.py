"""Models of other programs: applied where that is safe, refused with a reason elsewhere."""

import zipfile

import numpy as np
import pytest
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, FileError, ModelError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Notice, run
from napari_denoise.io.images import read_image, write_image
from napari_denoise.learning.models.package import MODEL_FILE
from napari_denoise.learning.models.zoo import (
    ZooCard,
    ZooDenoiser,
    denoiser_class_of,
    export_model_job,
    extra,
)
from napari_denoise.learning.models.zoo.graph import torchscript_of
from napari_denoise.learning.prediction import ModelDenoiser

pytest.importorskip("bioimageio.spec", reason="the extra bioimageio is not installed")

PLANES = Layout("YX")


class Blur(torch.nn.Module):
    """A mean over 5 × 5 pixels; stands in for some program's network."""

    def forward(self, batch):
        return torch.nn.functional.avg_pool2d(batch, 5, stride=1, padding=2)


class Doubled(torch.nn.Module):
    """Gives an image of twice the size."""

    def forward(self, batch):
        return torch.nn.functional.interpolate(batch, scale_factor=2.0)


@pytest.fixture
def make_package(tmp_path):
    """Makes a package as another program would."""

    def make(
        *, network=None, size=None, before=(), after=(), axes="bcyx", halo=2, fmt="torchscript"
    ):
        from bioimageio.spec import save_bioimageio_package_as_folder  # noqa: PLC0415
        from bioimageio.spec.model import v0_5  # noqa: PLC0415

        size = size or {"min": 16, "step": 4}
        test = np.random.default_rng(0).normal(size=(1, 1, 16, 16)).astype(np.float32)
        order = ["bcyx".index(axis) for axis in axes]
        np.save(tmp_path / "test.npy", test.transpose(order))
        (tmp_path / "weights.pt").write_bytes(
            torchscript_of(network or Blur(), torch.zeros(1, 1, 8, 8))
        )

        def tensor(name, other, steps):
            own = {"b": {"type": "batch"}, "c": {"type": "channel", "channel_names": ["c"]}}
            for letter in "yx":
                given = {"size": {"tensor_id": "shown", "axis_id": letter}, "halo": halo}
                given = given if name == "out" else {"size": size}
                own[letter] = {"type": "space", "id": letter, **given}
            return {
                "id": name,
                "axes": [own[axis] for axis in axes],
                "test_tensor": {"source": tmp_path / "test.npy"},
                other: list(steps),
            }

        weights = {"torchscript": {"pytorch_version": "2.0"}, "onnx": {"opset_version": 15}}
        folder, path = tmp_path / "blur", tmp_path / "blur.zip"
        with extra.quiet():
            save_bioimageio_package_as_folder(
                v0_5.ModelDescr(
                    name="another program",
                    description="a blur",
                    authors=[v0_5.Author(name="Ada Lovelace")],
                    license="MIT",
                    cite=[v0_5.CiteEntry(text="none", url="https://bioimage.io")],
                    inputs=[v0_5.InputTensorDescr(**tensor("shown", "preprocessing", before))],
                    outputs=[v0_5.OutputTensorDescr(**tensor("out", "postprocessing", after))],
                    weights={fmt: {"source": tmp_path / "weights.pt", **weights[fmt]}},
                ),
                output_path=folder,
            )
        with zipfile.ZipFile(path, "w") as package:
            for file in folder.iterdir():
                package.write(file, file.name)
        return path

    return make


@pytest.fixture
def noisy(rng):
    return rng.normal(1000, 30, (70, 301)).astype(np.float32)


def blurred(image):
    return Blur()(torch.from_numpy(image)[None, None])[0, 0].numpy()


def scaled(gain, offset):
    return {"id": "scale_linear", "kwargs": {"gain": gain, "offset": offset}}


def apply(path, image, layout=PLANES):
    return run(denoise_job(ZooDenoiser(path=path, device="cpu"), image, layout)).image.pixels


def test_a_model_of_another_program_is_applied_in_tiles_without_seams(make_package, noisy):
    result = apply(make_package(), noisy)
    np.testing.assert_allclose(result[4:-4, 4:-4], blurred(noisy)[4:-4, 4:-4], rtol=1e-5)


def test_its_steps_before_and_after_the_network_are_done(make_package, noisy):
    normalise = {"id": "fixed_zero_mean_unit_variance", "kwargs": {"mean": 1000.0, "std": 30.0}}
    path = make_package(before=[normalise], after=[scaled(60.0, 2000.0)])
    wanted = 2 * blurred(noisy)
    np.testing.assert_allclose(apply(path, noisy)[4:-4, 4:-4], wanted[4:-4, 4:-4], rtol=1e-5)


def test_a_result_that_is_not_brought_back_is_warned_of(make_package, noisy):
    def notices(path):
        events = []
        run(denoise_job(ZooDenoiser(path=path, device="cpu"), noisy, PLANES), events.append)
        return [event.message for event in events if isinstance(event, Notice)]

    before, after = [scaled(1 / 30, -1000 / 30)], [scaled(30.0, 1000.0)]
    assert "do not measure" in notices(make_package(before=before))[0]
    assert notices(make_package(before=before, after=after)) == []


def test_a_clip_is_done(make_package, noisy):
    path = make_package(after=[{"id": "clip", "kwargs": {"min": 0.0, "max": 990.0}}])
    assert apply(path, noisy).max() == 990


def test_a_network_for_one_size_alone_is_given_tiles_of_that_size(make_package, noisy):
    result = apply(make_package(size=16), noisy)
    np.testing.assert_allclose(result[4:-4, 4:-4], blurred(noisy)[4:-4, 4:-4], rtol=1e-5)


def test_its_order_of_axes_is_kept_to(make_package, noisy):
    class Sideways(torch.nn.Module):
        """Takes and gives X before Y, and blurs along Y alone."""

        def forward(self, batch):
            return torch.nn.functional.avg_pool2d(batch, (1, 3), stride=1, padding=(0, 1))

    result = apply(make_package(network=Sideways(), axes="bcxy"), noisy)
    along_y = (noisy[3:-5] + noisy[4:-4] + noisy[5:-3]) / 3
    np.testing.assert_allclose(result[4:-4, 4:-4], along_y[:, 4:-4], rtol=1e-5)


def test_our_own_package_is_applied_as_any_other_programs_would(make_model, tmp_path, rng):
    model, path = make_model("ZYX"), tmp_path / "ours.zip"
    run(export_model_job(model, path, ZooCard(title="Volumes", authors="Ada Lovelace")))
    image, layout = rng.normal(120, 20, (30, 60, 150)).astype(np.float32), Layout("TYX", "TYX")
    wanted = run(denoise_job(ModelDenoiser.of(model, device="cpu"), image, layout)).image.pixels
    np.testing.assert_allclose(apply(path, image, layout), wanted, rtol=1e-4, atol=1e-2)


def test_steps_that_measure_each_tile_are_refused(make_package, noisy):
    path = make_package(before=[{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}}])
    with pytest.raises(ModelError, match="zero_mean_unit_variance depends on the whole image"):
        apply(path, noisy)


def test_weights_that_need_their_program_are_refused(make_package, noisy):
    with pytest.raises(ModelError, match="its network is stored as onnx"):
        apply(make_package(fmt="onnx"), noisy)


def test_an_answer_of_another_size_is_refused(make_package, noisy):
    with pytest.raises(ModelError, match="it is no denoiser"):
        apply(make_package(network=Doubled()), noisy)


def test_an_image_of_other_axes_is_refused(make_package):
    with pytest.raises(AxesError, match=r"is for 2D images \(YX\), one channel at a time"):
        apply(make_package(), np.zeros((8, 32, 32), np.float32), Layout("ZYX", "ZYX"))


def test_a_package_that_is_none_is_refused(tmp_path, noisy):
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("holiday.txt", "no model")
    with pytest.raises(ModelError, match="is no package"):
        apply(path, noisy)
    with pytest.raises(FileError, match="There is no package"):
        apply(tmp_path / "none.zip", noisy)


def test_whose_model_it_is_decides_who_applies_it(make_package, tmp_path):
    assert denoiser_class_of(tmp_path / "model.safetensors") is ModelDenoiser
    path = make_package()
    assert denoiser_class_of(path) is ZooDenoiser
    with zipfile.ZipFile(path, "a") as package:
        package.writestr(MODEL_FILE, b"")
    assert denoiser_class_of(path) is ModelDenoiser


def test_a_model_of_another_program_on_the_command_line(make_package, noisy, tmp_path, command):
    source, out = tmp_path / "noisy.tif", tmp_path / "clean.tif"
    write_image(source, Image(noisy, "YX", scale=(0.1, 0.1), units=("micrometer",) * 2))
    assert command("apply", source, out, "--model", make_package())[0] == 0
    result = read_image(out)
    assert result.recipe.settings["name"] == "zoo"
    np.testing.assert_allclose(result.pixels[4:-4, 4:-4], blurred(noisy)[4:-4, 4:-4], rtol=1e-5)
