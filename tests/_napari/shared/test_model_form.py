"""How a model is to be applied."""

from napari_denoise._napari.shared.model_form import ModelForm


def test_a_choice_of_images_is_offered_only_where_there_is_one(qtbot):
    form = ModelForm()
    qtbot.addWidget(form)
    assert form.value()["output"] == "image"
    assert not form.outputBox.isVisibleTo(form)
    form.setOutputs(("image", "uncertainty"))
    assert form.outputBox.isVisibleTo(form)
    with qtbot.waitSignal(form.valueChanged):
        form.outputBox.setCurrentText("uncertainty")
    assert form.value()["output"] == "uncertainty"


def test_the_choice_stays_while_another_model_offers_it_too(qtbot):
    form = ModelForm()
    qtbot.addWidget(form)
    form.setOutputs(("image", "uncertainty"))
    form.outputBox.setCurrentText("uncertainty")
    form.setOutputs(("image", "deconvolved", "uncertainty"))
    assert form.value()["output"] == "uncertainty"
    form.setOutputs(("image",))
    assert form.value()["output"] == "image"


def test_samples_are_asked_about_only_where_some_are_drawn(qtbot):
    form = ModelForm()
    qtbot.addWidget(form)
    editor = form.form.editor("n_samples")
    assert not editor.isVisibleTo(form)
    form.setOutputs(("image", "uncertainty", "sample", "samples"))
    assert editor.isVisibleTo(form)
    editor.setValue(5)
    assert form.value()["n_samples"] == 5
    form.setOutputs(("image", "uncertainty"))
    assert not editor.isVisibleTo(form)
