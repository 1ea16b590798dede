from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from annotated_types import Ge, Gt, Lt
from hypothesis import HealthCheck, example, given, strategies
from hypothesis import settings as hypothesis_settings
from pydantic import model_validator
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QCheckBox, QComboBox, QFileDialog, QLabel, QLineEdit

from napari_denoise._qt.form import SettingsForm, label_of
from napari_denoise._qt.number_box import NumberBox, Slider
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.settings import PerAxis, SettingField, Settings, describe, setting
from napari_denoise.filters import Gaussian
from napari_denoise.learning.methods import N2V
from napari_denoise.registry import METHODS, NOISES, denoisers


class Everything(Settings):
    """One field of each kind."""

    name: Literal["everything"] = "everything"
    count: int = setting(3, "How many.", gt=0, lt=10)
    rate: float = setting(4e-4, "How fast, with <b>brackets</b>.", gt=0, le=1, unit="per step")
    free: float = setting(0.0, "Any number.")
    sigma: PerAxis[Annotated[float, Ge(0)]] = setting((2.0, 1.0, 1.0), "Widths.")
    use_it: bool = setting(default=True, description="Whether.")
    mode: Literal["mean", "one_of_all"] = setting("one_of_all", "Which.")
    note: str = setting("", "A text.")
    model_path: Path | None = setting(None, "A file.")
    axis: Literal["T", "S"] | None = setting(None, "Along what.")
    limit: float | None = setting(None, "A limit.", ge=0)
    width: int | None = setting(None, "A width.", ge=4, le=1024, advanced=True)
    strength: float = setting(1.0, "How much.", gt=0, le=4, step=0.05, slider=(0.5, 2.0))
    device: str = setting("auto", "Where.", hidden=True)

    @model_validator(mode="after")
    def _fits(self):
        if self.count > 8 and not self.use_it:
            raise ValueError("count above 8 only with use_it")
        return self


def number_box(qtbot, **field):
    defaults = {"name": "n", "type": "float", "default": 1.0, "description": ""}
    box = NumberBox(SettingField(**{**defaults, **field}))
    qtbot.addWidget(box)
    return box


def type_into(qtbot, box, text):
    box.show()
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), text)
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)


def visible_labels(form):
    return [label.text() for label in form.findChildren(QLabel) if not label.isHidden()]


@pytest.fixture
def form(qtbot):
    form = SettingsForm(Everything)
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize("settings_class", [*denoisers(), *METHODS, *NOISES, Everything])
@pytest.mark.parametrize("axes", ["YX", "ZYX"])
def test_a_form_starts_with_the_defaults_and_gives_them_back(qtbot, settings_class, axes):
    form = SettingsForm(settings_class)
    qtbot.addWidget(form)
    form.setSpatialAxes(axes)
    if settings_class is not Everything or axes == "ZYX":
        assert form.value() == settings_class()


@pytest.mark.parametrize(
    "settings",
    [
        Everything(count=9, rate=1e-9, free=-1 / 3, sigma=0.1, use_it=True, mode="mean"),
        Everything(note="words", model_path=Path("a/b.safetensors"), limit=0.0, width=1024),
        Everything(sigma=(0.1, 0.2, 0.3), limit=1e-12, width=4, free=123456.789),
        Gaussian(sigma=(1.0, 2.5, 0.25)),
        N2V(n_steps=1_000_000, learning_rate=3e-5, patch_size=(8, 64, 64), replacement="median"),
        N2V(patch_size=32, masked_pixel_percentage=0.198),
    ],
    ids=repr,
)
def test_what_is_set_comes_back_exactly(qtbot, settings):
    form = SettingsForm(type(settings))
    qtbot.addWidget(form)
    form.setSpatialAxes("ZYX")
    form.setValue(settings)
    assert form.value() == settings
    form.reset()
    assert form.value() == type(settings)()


def test_a_slider_moves_its_number_and_follows_it(form, qtbot):
    editor = form.editor("strength")
    slider, box = editor.findChild(Slider), editor.findChild(NumberBox)
    with qtbot.waitSignal(form.valueChanged):
        slider.setValue(slider.value() + 1)
    assert form.value().strength == 1.05
    box.setValue(1.2345)
    assert form.value().strength == 1.2345
    box.setValue(3.5)
    assert slider.value() == slider.maximum()
    assert form.value().strength == 3.5


def test_a_hidden_field_has_no_editor_and_keeps_its_default(form):
    assert "device" not in form.fieldNames()
    assert form.value().device == "auto"


@hypothesis_settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(strategies.floats(-1e200, -1e-200) | strategies.floats(1e-200, 1e200))
@example(4e-4)
@example(0.1 + 0.2)
@example(0.0)
def test_every_number_survives_a_number_box(qtbot, number):
    box = number_box(qtbot)
    box.setValue(number)
    assert box.value() == number
    assert box.valueFromText(box.text()) == number
    box.close()


def test_numbers_are_shown_as_short_as_they_are(qtbot):
    box = number_box(qtbot, unit="pixels")
    shown = []
    for number in (4e-4, 1.0, 0.1, 1e-6, 0.30000000000000004, 1200.0):
        box.setValue(number)
        shown.append(box.text().removesuffix(" pixels"))
    assert shown == ["0.0004", "1", "0.1", "1e-06", "0.30000000000000004", "1200"]


def test_steps_are_decimal(qtbot):
    box = number_box(qtbot, default=0.0, step=0.1)
    for _ in range(3):
        box.stepBy(1)
    assert box.value() == 0.3


def test_without_a_step_the_size_of_the_number_decides(qtbot):
    box = number_box(qtbot)
    box.setValue(0.5)
    box.stepBy(1)
    assert box.value() == 0.51
    box.setValue(0.0)
    box.stepBy(1)
    assert box.value() == 0.1
    count = number_box(qtbot, type="int", default=7)
    count.stepBy(-1)
    assert count.value() == 6


def test_steps_never_reach_a_bound_that_is_refused(qtbot):
    box = number_box(qtbot, default=4e-4, step=1e-4, minimum=0, exclusive_minimum=True)
    values = [box.value()]
    for _ in range(6):
        box.stepBy(-1)
        values.append(box.value())
    assert values == [4e-4, 3e-4, 2e-4, 1e-4, 9e-5, 8e-5, 7e-5]
    top = number_box(qtbot, default=0.9, step=0.1, maximum=1, exclusive_maximum=True)
    top.stepBy(1)
    assert top.value() == 0.91


def test_steps_end_at_a_bound_that_is_allowed(qtbot):
    box = number_box(qtbot, default=0.15, step=0.1, minimum=0.0, maximum=0.2)
    box.stepBy(1)
    assert box.value() == 0.2
    box.stepBy(-10)
    assert box.value() == 0.0


def test_an_integer_steps_to_the_neighbour_of_a_refused_bound(qtbot):
    fields = {"minimum": 0, "maximum": 3, "exclusive_minimum": True, "exclusive_maximum": True}
    box = number_box(qtbot, type="int", default=1, **fields)
    box.stepBy(-5)
    assert box.value() == 1
    box.stepBy(5)
    assert box.value() == 2
    assert isinstance(box.value(), int)


@pytest.mark.parametrize(
    ("typed", "becomes"), [("2e-4", 2e-4), ("0,5", 0.5), (".25", 0.25), ("1", 1.0), ("+0.1", 0.1)]
)
def test_numbers_may_be_typed_in_any_usual_way(qtbot, typed, becomes):
    box = number_box(qtbot, default=0.7, minimum=0, maximum=1, unit="pixels")
    type_into(qtbot, box, typed)
    assert box.value() == becomes


@pytest.mark.parametrize("typed", ["0", "-1", "2", "abc", "1e", "", "nan", "inf", "1_0", "1e999"])
def test_what_cannot_be_leaves_the_number_as_it_was(qtbot, typed):
    box = number_box(qtbot, default=0.75, minimum=0, maximum=1, exclusive_minimum=True)
    box.show()
    box.lineEdit().clear()
    type_into(qtbot, box, typed)
    assert box.value() in (0.75, 1.0)  # of 1_0 and 1e999 the 1 was taken on the way
    assert 0 < box.value() <= 1


def test_an_integer_box_takes_no_fraction(qtbot):
    box = number_box(qtbot, type="int", default=7)
    type_into(qtbot, box, "1.5")
    assert box.value() == 15  # the point is refused like a letter


def test_a_field_that_starts_unset_starts_in_the_middle_of_its_magnitudes(qtbot):
    assert number_box(qtbot, type="int", default=None, minimum=4, maximum=1024).value() == 64
    assert number_box(qtbot, default=None, minimum=0).value() == 1.0
    assert number_box(qtbot, default=None, minimum=0, maximum=0.5).value() == 0.5


@pytest.mark.parametrize("has_focus", [False, True])
@pytest.mark.parametrize("kind", [NumberBox, QComboBox])
def test_the_wheel_changes_a_value_only_after_a_click(qtbot, form, kind, has_focus):
    form.show()
    qtbot.waitExposed(form)
    widget = next(w for w in form.findChildren(kind) if w.isVisible())
    widget.hasFocus = lambda: has_focus
    before = form.value()
    wheel = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, wheel)
    assert (form.value() != before) == has_focus
    assert widget.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_value_changed_is_emitted_once_per_set_value(qtbot, form):
    form.setSpatialAxes("ZYX")
    emitted = []
    form.valueChanged.connect(lambda: emitted.append(form.value()))
    other = Everything(count=5, rate=0.1, sigma=1.0, use_it=False, mode="mean", width=8)
    form.setValue(other)
    assert emitted == [other]
    form.setValue(other)
    assert len(emitted) == 1


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("count", lambda editor: editor.findChild(NumberBox).stepBy(1)),
        ("use_it", lambda editor: editor.findChild(QCheckBox).click()),
        ("mode", lambda editor: editor.findChild(QComboBox).setCurrentIndex(0)),
        ("note", lambda editor: editor.findChild(QLineEdit).setText("new")),
        ("limit", lambda editor: editor.findChild(QCheckBox).click()),
        ("sigma", lambda editor: editor.findChild(QCheckBox).click()),
    ],
)
def test_each_edit_changes_the_value_and_says_so(qtbot, form, name, act):
    form.setSpatialAxes("ZYX")
    before = form.value()
    with qtbot.waitSignal(form.valueChanged):
        act(form.editor(name))
    assert getattr(form.value(), name) != getattr(before, name)


def test_fields_that_do_not_fit_together_are_refused_in_words(form):
    form.editor("count").setValue(9)
    form.editor("use_it").setValue(False)
    with pytest.raises(SettingsError, match="count above 8 only with use_it"):
        form.value()


def test_advanced_fields_are_folded_away_until_asked_for(qtbot):
    form = SettingsForm(N2V)
    qtbot.addWidget(form)
    assert visible_labels(form)[0] == "Steps"
    assert form.editor("learning_rate").isHidden()
    form.advancedButton.click()
    assert not form.editor("learning_rate").isHidden()
    form.advancedButton.click()
    assert form.editor("learning_rate").isHidden()


def test_per_axis_fields_offer_one_box_for_each_spatial_axis(qtbot):
    form = SettingsForm(Gaussian)
    qtbot.addWidget(form)
    form.editor("sigma").findChild(QCheckBox).click()
    assert form.value().sigma == (1.0, 1.0)
    assert visible_labels(form) == ["Sigma", "Y", "X"]
    with qtbot.waitSignal(form.valueChanged):
        form.setSpatialAxes("ZYX")
    assert form.value().sigma == (1.0, 1.0, 1.0)
    assert visible_labels(form) == ["Sigma", "Z", "Y", "X"]
    form.setSpatialAxes("TYX")
    assert visible_labels(form) == ["Sigma", "T", "Y", "X"]


def test_a_hidden_axis_keeps_its_number(qtbot):
    form = SettingsForm(Gaussian)
    qtbot.addWidget(form)
    form.setSpatialAxes("ZYX")
    form.setValue(Gaussian(sigma=(0.5, 1.0, 2.0)))
    form.setSpatialAxes("YX")
    assert form.value().sigma == (1.0, 2.0)
    form.setSpatialAxes("ZYX")
    assert form.value().sigma == (0.5, 1.0, 2.0)


def test_one_value_for_all_axes_is_that_of_x(qtbot):
    form = SettingsForm(Gaussian)
    qtbot.addWidget(form)
    form.setValue(Gaussian(sigma=(1.0, 2.0)))
    form.editor("sigma").findChild(QCheckBox).click()
    assert form.value().sigma == 2.0


def test_automatic_hides_the_editor_and_means_unset(form):
    automatic = form.editor("limit").findChild(QCheckBox)
    assert automatic.text() == "automatic"
    assert form.value().limit is None
    automatic.click()
    assert form.value().limit == 1.0
    automatic.click()
    assert form.value().limit is None


def test_a_field_says_what_it_means_to_leave_it_unset(qtbot):
    form = SettingsForm(N2V)
    qtbot.addWidget(form)
    without_limit = form.editor("max_minutes").findChild(QCheckBox)
    assert without_limit.text() == "no limit"
    without_limit.click()
    assert form.value().max_minutes == 1.0


def test_an_empty_path_means_unset(form, monkeypatch):
    assert form.value().model_path is None
    chosen = iter([("/models/fish.safetensors", ""), ("", "")])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: next(chosen))
    form.editor("model_path").browseButton.click()
    assert form.value().model_path == Path("/models/fish.safetensors")
    form.editor("model_path").browseButton.click()
    assert form.value().model_path == Path("/models/fish.safetensors")


def test_tooltips_say_what_a_field_means_and_show_markup_as_text(form):
    tip = form.editor("rate").toolTip()
    assert tip == "<p>How fast, with &lt;b&gt;brackets&lt;/b&gt;.</p>"
    assert form.settings_class is Everything


def test_units_stand_behind_the_number(form):
    assert form.editor("rate").findChild(NumberBox).text() == "0.0004 per step"


@pytest.mark.parametrize(
    ("name", "unit", "label"),
    [
        ("n_steps", "", "Steps"),
        ("learning_rate", "", "Learning rate"),
        ("masked_pixel_percentage", "%", "Masked pixels"),
        ("psf_sigma_um", "µm", "PSF sigma"),
        ("read_noise", "", "Read noise"),
        ("photons", "photons", "Photons"),
        ("electrons", "electrons", "Electrons"),
        ("n", "", "N"),
    ],
)
def test_labels_are_the_names_in_words(name, unit, label):
    field = SettingField(name=name, type="int", default=1, description="", unit=unit)
    assert label_of(field) == label


def test_a_field_without_default_starts_where_its_bounds_allow(qtbot):
    class Needed(Settings):
        width: Annotated[int, Gt(2), Lt(9)]
        note: str

    form = SettingsForm(Needed)
    qtbot.addWidget(form)
    assert len(describe(Needed)) == 2
    assert form.value() == Needed(width=5, note="")


def test_a_choice_that_may_be_left_open_offers_none(form):
    box = form.findChildren(QComboBox)[-1]
    assert [box.itemText(i) for i in range(box.count())] == ["none", "T", "S"]
    assert form.value().axis is None
    box.setCurrentIndex(2)
    assert form.value().axis == "S"
    form.setValue(form.value().model_copy(update={"axis": None}))
    assert form.value().axis is None


class WithPresets(Settings):
    """Values that belong together have a name."""

    presets: ClassVar = {"the_paper": {"count": 7, "rate": 0.5}}

    name: Literal["with_presets"] = "with_presets"
    count: int = setting(3, "How many.", gt=0, lt=10)
    rate: float = setting(4e-4, "How fast.", gt=0, le=1)


def test_a_preset_fills_the_form_and_is_named_until_a_field_is_changed(qtbot):
    form = SettingsForm(WithPresets)
    qtbot.addWidget(form)
    assert form.presetBox.currentText() == "defaults"
    with qtbot.waitSignal(form.valueChanged):
        form.presetBox.setCurrentIndex(1)
        form.presetBox.activated.emit(1)
    assert form.value() == WithPresets(count=7, rate=0.5)
    assert form.presetBox.currentText() == "the paper"
    form.editor("count").setValue(8)
    assert form.presetBox.currentIndex() == -1
    form.editor("count").setValue(7)
    assert form.presetBox.currentText() == "the paper"


def test_a_form_without_presets_does_not_ask_for_one(qtbot):
    form = SettingsForm(Gaussian)
    qtbot.addWidget(form)
    assert form.presetBox.parent() is None
