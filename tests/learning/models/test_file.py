"""Model files: what goes in comes out, and damaged ones are refused in words."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save, save_file

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import FileError, ModelError
from napari_denoise.core.progress import run
from napari_denoise.learning.models import file as model_file
from napari_denoise.learning.models.file import load_model, read_model_info, save_model
from napari_denoise.learning.networks.blurred import BlurredNetwork
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.unet import UNet
from napari_denoise.learning.prediction import ModelDenoiser

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def path(tmp_path, make_model) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(make_model(), path)
    return path


def test_a_model_comes_back_as_it_was(tmp_path, make_model):
    model = make_model("ZYX", n_channels=2)
    save_model(model, tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.model_dump() == model.model_dump()
    for name, tensor in model.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], tensor)
    assert not any(parameter.requires_grad for parameter in again.network.parameters())


def test_the_same_model_gives_the_same_bytes(tmp_path, make_model, path):
    save_model(make_model(), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_saving_replaces_and_leaves_nothing_else(path, make_model):
    save_model(make_model(n_channels=3), path)
    assert load_model(path).n_channels == 3
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_save_leaves_the_old_file(path, make_model, monkeypatch):
    before = path.read_bytes()

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(FileError, match=r" could not be written \(No space left on device\)"):
        save_model(make_model(n_channels=3), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_saving_into_a_missing_folder_is_refused(tmp_path, make_model):
    with pytest.raises(FileError, match="Choose a folder that exists"):
        save_model(make_model(), tmp_path / "missing" / "model.safetensors")


def test_the_description_is_read_without_torch(path):
    code = (
        "import sys; from napari_denoise.learning.models.file import read_model_info; "
        f"info = read_model_info({str(path)!r}); "
        "assert 'torch' not in sys.modules; "
        "print(info.method.title, info.spatial, info.n_channels, info.n_steps)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Noise2Void", "YX", "1", "1"]


@pytest.mark.parametrize("read", [read_model_info, load_model])
def test_a_missing_file_is_refused(tmp_path, read):
    with pytest.raises(FileError, match="There is no model file"):
        read(tmp_path / "missing.safetensors")
    with pytest.raises(FileError, match="There is no model file"):
        read(tmp_path)


def test_a_file_that_cannot_be_read_is_refused(path, monkeypatch):
    def fail(*args, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(model_file, "safe_open", fail)
    with pytest.raises(FileError, match=r"cannot be read .*Permission denied"):
        read_model_info(path)


@pytest.mark.parametrize("content", [b"", b"Dear diary, this is a text file.\n" * 20, b"\0" * 99])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "diary.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="no model file, or is cut off"):
        load_model(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match="cut off"):
        read_model_info(path)


def test_weights_of_another_program_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": np.zeros(3, np.float32)}, path)
    with pytest.raises(ModelError, match="some other program"):
        read_model_info(path)


def change(path, edit=lambda header: None, weights=lambda tensors: None):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["napari-denoise"])
    tensors = load(content)
    edit(header)
    weights(tensors)
    path.write_bytes(save(tensors, metadata={"napari-denoise": json.dumps(header)}))


def test_a_newer_format_is_refused_with_what_to_do(path):
    change(path, lambda header: header.update(format=99, version="9.9", novelty=True))
    with pytest.raises(ModelError, match=r"newer napari-denoise \(9.9, format 99.*Update"):
        read_model_info(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda header: header.pop("normalization"),
        lambda header: header.update(format="one"),
        lambda header: header.update(spatial="ZYX"),
        lambda header: header["normalization"].update(means=[1.0, 2.0]),
        lambda header: header.update(history=[]),
        lambda header: header["method"].update(name="telepathy"),
        lambda header: header.update(normalization={"gain": 1, "offset": 0, "read_noise": 1}),
    ],
)
def test_a_damaged_description_is_refused(path, edit):
    change(path, edit)
    with pytest.raises(ModelError, match=r"description of the model .* is damaged"):
        read_model_info(path)


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_a_description_that_is_no_description_is_refused(tmp_path, text):
    path = tmp_path / "model.safetensors"
    save_file({}, path, metadata={"napari-denoise": text})
    with pytest.raises(ModelError, match="is damaged"):
        read_model_info(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda tensors: tensors.pop("head.bias"),
        lambda tensors: tensors.update(more=np.zeros(2, np.float32)),
        lambda tensors: tensors.update({"head.bias": np.zeros(2, np.float32)}),
        lambda tensors: tensors.update({"head.bias": np.zeros(1, np.float64)}),
    ],
)
def test_weights_that_do_not_fit_are_refused(path, edit):
    change(path, weights=edit)
    assert read_model_info(path).spatial == "YX"
    with pytest.raises(ModelError, match="do not fit the network"):
        load_model(path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("format_1_2d", UNet),
        ("format_1_3d", UNet),
        ("format_2_2d", UNet),
        ("format_2_3d", UNet),
        ("format_2_n2v2_2d", UNet),
        ("format_2_deconoising_2d", BlurredNetwork),
        ("format_2_instant_2d", InstantNetwork),
        ("format_2_instant_3d", InstantNetwork),
    ],
)
def test_models_of_all_formats_still_give_what_they_gave(name, kind):
    with np.load(GOLDEN / f"{name}.npz") as recorded:
        noisy, expected = recorded["noisy"], recorded["denoised"]
    denoiser = ModelDenoiser(path=GOLDEN / f"{name}.safetensors", device="cpu")
    layout = denoiser.layout_for("YX" if noisy.ndim == 2 else "ZYX")
    denoised = run(denoise_job(denoiser, noisy, layout)).image.pixels
    np.testing.assert_allclose(denoised, expected, rtol=1e-4, atol=1e-2)
    assert denoiser.info.format == int(name.split("_")[1])
    assert isinstance(load_model(denoiser.path).network, kind)
    assert Layout(layout.axes, denoiser.info.spatial) == layout
