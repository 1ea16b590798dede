"""Packages of the BioImage Model Zoo: others can run them, and we get our model back."""

import io
import zipfile

import numpy as np
import pytest
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import FileError, ModelError, SettingsError
from napari_denoise.core.progress import run
from napari_denoise.learning.methods import N2N, PN2V, DecoNoising
from napari_denoise.learning.models.checkpoint import Checkpoint, CheckpointInfo
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.models.model import Model, ModelInfo
from napari_denoise.learning.models.package import MODEL_FILE
from napari_denoise.learning.models.zoo import ZooCard, export_model_job, extra, graph
from napari_denoise.learning.models.zoo.graph import read_torchscript
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.normalization.noise_model import NoiseModelNormalization
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job

CARD = ZooCard(title="Spots", authors="Ada Lovelace, Emmy Noether")
CPU = torch.device("cpu")


@pytest.fixture
def make_instant(make_model, small_instant):
    """Makes a model that began with the instant denoiser."""

    def make(spatial="YX", gain=2.0) -> Model:
        network = small_instant[len(spatial)]
        camera = CameraNormalization(
            gain=gain, offset=100, read_noise=3, correlation=(0.1, 0.2), level=4.0
        )
        changes = {
            "method": N2N(),
            "architecture": network.architecture,
            "normalization": camera,
            "spatial": spatial,
        }
        known = {name: getattr(make_model(), name) for name in ModelInfo.model_fields}
        return Model.of(ModelInfo(**{**known, **changes}), network)

    return make


@pytest.fixture
def exported(tmp_path):
    """Exports a model; gives the package's path."""
    pytest.importorskip("bioimageio.spec", reason="the extra bioimageio is not installed")

    def export(model):
        path = tmp_path / "package.zip"
        run(export_model_job(model, path, CARD))
        return path

    return export


def content(path, name):
    with zipfile.ZipFile(path) as package:
        return package.read(name)


def result_of(path, image, layout):
    """What the network in the package makes of an image, run by torch alone."""
    network = read_torchscript(content(path, "weights.pt"), CPU)
    batch = torch.from_numpy(np.stack([layout.read(image, u) for u in layout.units(image.shape)]))
    return network(batch).numpy().reshape(image.shape)


CASES = {
    "planes": (lambda unet, instant: unet("YX", 1), "SYX", "YX", (2, 68, 84)),
    "channels": (lambda unet, instant: unet("YX", 2), "CYX", "YX", (2, 68, 84)),
    "volumes": (lambda unet, instant: unet("ZYX", 1), "ZYX", "ZYX", (30, 68, 60)),
    "movies": (lambda unet, instant: unet("TYX", 1), "TYX", "TYX", (30, 68, 60)),
    "instant planes": (lambda unet, instant: instant("YX"), "SYX", "YX", (2, 62, 50)),
    "instant volumes": (lambda unet, instant: instant("ZYX"), "ZYX", "ZYX", (7, 42, 60)),
    "no photon noise": (lambda unet, instant: instant("YX", 0.0), "YX", "YX", (42, 60)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_network_in_the_package_gives_what_the_model_gives(
    case, exported, make_model, make_instant, rng
):
    make, axes, spatial, shape = CASES[case]
    model = make(make_model, make_instant)
    layout = Layout(axes, spatial, "joint" if model.n_channels > 1 else "independent")
    image = rng.normal(120, 20, shape).astype(np.float32)
    wanted = run(denoise_job(ModelDenoiser.of(model, device="cpu"), image, layout)).image.pixels
    np.testing.assert_allclose(
        result_of(exported(model), image, layout), wanted, rtol=1e-4, atol=1e-3
    )


def test_the_microscopes_blur_is_in_the_package(exported, noisy):
    method = DecoNoising(n_steps=1, batch_size=1, patch_size=16, n_features=4, depth=1)
    image = noisy[:64, :64].astype(np.float32)
    model = run(train_job(method, [TrainingImage.of(image, Layout("YX"), "spots")], device="cpu"))
    wanted = run(
        denoise_job(ModelDenoiser.of(model, device="cpu"), image, Layout("YX"))
    ).image.pixels
    result = result_of(exported(model), image, Layout("YX"))
    np.testing.assert_allclose(result, wanted, rtol=1e-4)


def test_an_interrupted_training_is_not_shared(exported, make_model):
    model = make_model()
    n_weights = sum(tensor.numel() for tensor in model.network.state_dict().values())
    info = CheckpointInfo.model_construct()
    checkpoint = Checkpoint(info, *(torch.zeros(n_weights) for _ in range(3)))
    assert (
        load_model(exported(model.model_copy(update={"checkpoint": checkpoint}))).checkpoint is None
    )


def test_the_zoos_validator_accepts_the_package_and_reads_what_the_card_says(
    exported, make_model, tmp_path
):
    path = exported(make_model("ZYX"))
    from bioimageio.spec import load_model_description  # noqa: PLC0415

    with zipfile.ZipFile(path) as package:
        package.extractall(tmp_path / "unpacked")
    with extra.quiet():
        found = load_model_description(tmp_path / "unpacked" / "rdf.yaml", perform_io_checks=True)
        said = found.model_dump(mode="json")
        verdict = found.validation_summary.status
        del found
    assert verdict in {"valid-format", "passed"}
    assert [author["name"] for author in said["authors"]] == ["Ada Lovelace", "Emmy Noether"]
    assert said["license"] == "CC-BY-4.0"
    assert said["cite"][0]["doi"] == "10.1109/CVPR.2019.00223"
    # Every size the description allows leaves something when the halo is cut off.
    axes = (said[name][0]["axes"][2:] for name in ("inputs", "outputs"))
    for before, after in zip(*axes, strict=True):
        assert before["size"]["min"] > 2 * after["halo"]


def test_the_same_model_comes_back_out_of_the_package(exported, make_instant, tmp_path):
    model = make_instant()
    save_model(model, tmp_path / "before.safetensors")
    save_model(load_model(exported(model)), tmp_path / "after.safetensors")
    before, after = ((tmp_path / f"{n}.safetensors").read_bytes() for n in ("before", "after"))
    assert before == after


def test_the_package_does_not_name_folders_of_this_computer(exported, make_model):
    path = exported(make_model())
    weights = zipfile.ZipFile(io.BytesIO(content(path, "weights.pt")))
    parts = [weights.read(name) for name in weights.namelist()]
    folder = graph.__file__.rpartition("napari_denoise")[0].encode()
    assert not any(folder in part for part in [*parts, content(path, MODEL_FILE)])


def test_a_model_whose_image_takes_more_than_one_pass_is_refused(exported, make_model, tmp_path):
    camera = CameraNormalization(gain=2.0, offset=100.0, read_noise=3.0)
    parts = {
        "method": PN2V(),
        "normalization": NoiseModelNormalization(cameras=(camera,), means=(10.0,), stds=(3.0,)),
    }
    with pytest.raises(ModelError, match=r"Probabilistic Noise2Void model needs more than one"):
        exported(make_model().model_copy(update=parts))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, "title"),
        ({"title": "Nüclei and more"}, "title"),
        ({"authors": " , "}, "at least one author"),
    ],
)
def test_an_incomplete_card_is_refused_before_any_work(changes, words, make_model, tmp_path):
    card = CARD.model_copy(update=changes)
    with pytest.raises(SettingsError, match=words):
        run(export_model_job(make_model(), tmp_path / "p.zip", card))


def test_a_licence_that_is_none_is_refused_in_words(exported, make_model, tmp_path):
    card = CARD.model_copy(update={"license": "free beer"})
    with pytest.raises(ModelError, match="license"):
        run(export_model_job(make_model(), tmp_path / "p.zip", card))


def test_without_the_extra_it_says_what_to_install(make_model, tmp_path, monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'napari-denoise\[bioimageio\]'"):
        run(export_model_job(make_model(), tmp_path / "p.zip", CARD))


@pytest.mark.parametrize("name", ["package.tar", "no folder/package.zip"])
def test_a_place_that_cannot_be_is_refused_before_any_work(name, make_model, tmp_path):
    with pytest.raises(FileError):
        run(export_model_job(make_model(), tmp_path / name, CARD))


def test_a_package_cut_off_is_refused_in_words(exported, make_model):
    path = exported(make_model())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match="is no package"):
        load_model(path)


def test_a_missing_package_is_refused_in_words(tmp_path):
    with pytest.raises(FileError, match="There is no model file"):
        load_model(tmp_path / "none.zip")


def test_export_and_import_on_the_command_line(exported, make_model, tmp_path, command):
    model, package = tmp_path / "m.safetensors", tmp_path / "m.zip"
    save_model(make_model(), model)
    given = ("--title", "Spots", "--authors", "Ada Lovelace")
    assert command("export", model, package, *given)[:2] == (0, f"{package}\n")
    again = tmp_path / "again.safetensors"
    assert command("import", package, again)[0] == 0
    assert again.read_bytes() == model.read_bytes()
