"""Exporting a trained model for the BioImage Model Zoo from the Train dock."""

import numpy as np
import pytest

from napari_denoise._napari.denoise.widget import DenoiseWidget
from napari_denoise._napari.train import zoo_export
from napari_denoise._napari.train.widget import TrainWidget
from napari_denoise._napari.train.zoo_export import CardDialog, title_of
from napari_denoise.core.errors import ModelError
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.models.file import read_model_info
from napari_denoise.learning.models.zoo import ZooCard

CARD = ZooCard(title="Spots in noise", authors="Ada Lovelace")


@pytest.fixture
def trained(qtbot, viewer, rng, finish):
    """A Train dock that has just trained a model."""
    viewer.add_image(rng.normal(100, 10, (24, 24)).astype(np.uint16), name="noisy, really!")
    dock = TrainWidget(viewer)
    qtbot.addWidget(dock)
    dock.methodBox.setValue(N2V(n_steps=2, batch_size=1, n_features=4, depth=1, patch_size=16))
    dock.deviceChooser.setValue("cpu")
    assert finish(dock.runBar) == ""
    return dock


@pytest.fixture
def answer(monkeypatch, tmp_path):
    """Fills in the dialogs in the user's place."""

    def give(card, name):
        def fill(dialog):
            shown.append(dialog.card())
            if card:
                dialog.form.setValue(card)
            return bool(card)

        monkeypatch.setattr(CardDialog, "exec", fill)
        monkeypatch.setattr(
            "qtpy.QtWidgets.QFileDialog.getSaveFileName",
            lambda *args: (str(tmp_path / name) if name else "", ""),
        )
        return shown

    shown: list[ZooCard] = []
    return give


def test_a_trained_model_is_exported_and_can_be_opened_again(
    trained, answer, viewer, qtbot, tmp_path, finish
):
    pytest.importorskip("bioimageio.spec", reason="the extra bioimageio is not installed")
    shown = answer(CARD, "spots")
    bar = trained.modelBox.zooExport.runBar
    assert finish(bar) == ""
    assert bar.message() == "Exported as spots.zip; it passed the zoo's validator."
    assert shown[0].title == "Noise2Void on noisy really"
    assert read_model_info(tmp_path / "spots.zip").n_steps == 2
    denoise_dock = DenoiseWidget(viewer)
    qtbot.addWidget(denoise_dock)
    denoise_dock.setModelFile(tmp_path / "spots.zip")
    assert finish(denoise_dock.runBar) == ""
    assert viewer.layers[-1].name == "noisy, really! · spots"


@pytest.mark.parametrize(("card", "name"), [(None, "spots.zip"), (CARD, "")])
def test_closing_either_dialog_exports_nothing(trained, answer, tmp_path, card, name):
    pytest.importorskip("bioimageio.spec", reason="the extra bioimageio is not installed")
    answer(card, name)
    bar = trained.modelBox.zooExport.runBar
    bar.run()
    assert not bar.is_running
    assert bar.errorText() == ""
    assert list(tmp_path.glob("*.zip")) == []


def test_without_the_extra_it_says_what_to_install_before_asking(trained, answer, monkeypatch):
    def refuse():
        raise ModelError("Install it with: pip install 'napari-denoise[bioimageio]'.")

    shown = answer(CARD, "spots")
    monkeypatch.setattr(zoo_export, "require_bioimageio", refuse)
    bar = trained.modelBox.zooExport.runBar
    bar.run()
    assert "napari-denoise[bioimageio]" in bar.errorText()
    assert shown == []


def test_the_dialog_stays_open_until_the_card_is_complete(qtbot):
    dialog = CardDialog(ZooCard(title="Spots"))
    qtbot.addWidget(dialog)
    dialog.accept()
    assert "at least one author" in dialog.errorText()
    assert dialog.result() == CardDialog.DialogCode.Rejected
    dialog.form.setValue(CARD)
    dialog.accept()
    assert dialog.result() == CardDialog.DialogCode.Accepted
    assert dialog.card() == CARD


def test_any_name_becomes_a_title_the_zoo_takes():
    assert title_of("Noise2Void on α-tubulin: cells, 3 µm [1]") == (
        "Noise2Void on -tubulin cells 3 m 1"
    )
    assert len(title_of("a" * 100)) == 64
