import csv

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPalette, QPixmap
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox
from superqt.utils import qimage_to_array

from napari_denoise._qt.plot import Marker, Plot, Series
from napari_denoise._qt.theme import series_color
from napari_denoise.core.errors import FileError

LIGHT, DARK = QPalette(QColor("white")), QPalette(QColor("#262930"))


@pytest.fixture
def plot(qtbot):
    plot = Plot("No points")
    qtbot.addWidget(plot)
    plot.resize(300, 190)
    plot.setPalette(LIGHT)
    return plot


def pixels(plot):
    """RGB of what the plot looks like, ``YXC``."""
    return qimage_to_array(plot.grab().toImage())[..., :3].astype(int)


def where(plot, color):
    wanted = np.array([color.red(), color.green(), color.blue()])
    return np.abs(pixels(plot) - wanted).sum(axis=-1) < 30


def move_mouse(plot, x, y):
    place = QPointF(x, y)
    button = Qt.MouseButton.NoButton
    modifier = Qt.KeyboardModifier.NoModifier
    plot.mouseMoveEvent(QMouseEvent(QEvent.Type.MouseMove, place, place, button, button, modifier))


def action(plot, text):
    return next(action for action in plot.actions() if action.text() == text)


LINE = Series("gain 2", [0, 50, 100], [0, 100, 200])
POINTS = Series("variance", [10, 40, 70, 90], [25, 75, 130, 190], "points")


def test_each_series_has_its_colour_in_either_theme(plot):
    plot.setValue([LINE, POINTS])
    for palette in (LIGHT, DARK):
        plot.setPalette(palette)
        for index in range(2):
            assert where(plot, series_color(index, palette)).sum() > 20


def luminance(color):
    channels = np.array([color.redF(), color.greenF(), color.blueF()])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_all_colours_stand_out_from_the_background(palette):
    background = luminance(palette.color(QPalette.ColorRole.Window))
    for index in range(6):
        low, high = sorted([background, luminance(series_color(index, palette))])
        assert (high + 0.05) / (low + 0.05) >= 3


def test_a_line_goes_from_corner_to_corner(plot):
    plot.setValue([LINE])
    rows, columns = np.nonzero(where(plot, series_color(0, LIGHT)))
    assert np.ptp(columns) > 200
    assert np.ptp(rows) > 90
    assert rows[columns.argmin()] > rows[columns.argmax()]


def test_without_points_it_says_so(plot):
    empty = pixels(plot)
    assert (empty != 255).any()
    plot.setValue([Series("all lost", [1, 2], [np.nan, np.inf])], x_label="x")
    assert (pixels(plot) == empty).all()
    plot.setValue([LINE])
    plot.clear()
    assert (pixels(plot) == empty).all()


def test_a_gap_stays_a_gap(plot):
    flat = [1.0] * 11
    broken = [1.0] * 5 + [np.nan] + [1.0] * 5
    widths = []
    for y in (flat, broken):
        plot.setValue([Series("a", range(11), y)])
        is_blue = pixels(plot)[..., 2] - pixels(plot)[..., 0] > 60
        widths.append(is_blue.any(axis=0).sum())
    assert widths[1] < 0.85 * widths[0]


def test_on_logarithmic_axes_a_power_law_is_straight(plot):
    x = np.geomspace(1e-3, 1, 100)
    plot.setValue([Series("a", x, 1 / x)], is_x_log=True, is_y_log=True)
    rows, columns = np.nonzero(where(plot, series_color(0, LIGHT)))
    fit = np.polyval(np.polyfit(columns, rows, 1), columns)
    assert np.abs(rows - fit).max() < 2.5


def test_the_users_choice_of_axes_outlives_new_values(plot):
    plot.setValue([LINE])
    action(plot, "Logarithmic y axis").trigger()
    plot.setValue([LINE])
    assert action(plot, "Logarithmic y axis").isChecked()
    plot.setValue([LINE], is_y_log=False)
    assert not action(plot, "Logarithmic y axis").isChecked()


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_marker_crosses_the_plot(plot, axis):
    plot.setValue([LINE])
    before = pixels(plot)
    plot.setValue([LINE], markers=[Marker(60, "here", axis)])
    rows, columns = np.nonzero((pixels(plot) != before).any(axis=-1))
    assert np.ptp(rows if axis == "x" else columns) > 100
    plot.setValue([LINE], markers=[Marker(1e6, "far away", axis)])
    assert (pixels(plot) == before).all()


def test_names_are_shown_where_there_is_more_than_one(plot):
    def first_row_of_frame():
        return np.nonzero(where(plot, series_color(0, LIGHT)))[0].min()

    plot.setValue([LINE], y_label="variance (DN²)")
    alone = first_row_of_frame()
    plot.setValue([LINE, POINTS], y_label="variance (DN²)")
    assert first_row_of_frame() < alone


def test_many_long_names_leave_room_for_the_plot(plot):
    names = [f"a layer with a very long name indeed · method {i}" for i in range(6)]
    plot.setValue([Series(name, [0, 1], [i, i + 1]) for i, name in enumerate(names)])
    assert where(plot, series_color(5, LIGHT)).sum() > 50


def test_the_nearest_point_is_read_out(plot):
    plot.setValue([LINE, POINTS], x_label="mean (DN)")
    before = pixels(plot)
    place = plot.placeOf(40, 75)
    move_mouse(plot, place.x() + 3, place.y() + 3)
    assert plot.readOut() == "variance: 40, 75"
    assert (pixels(plot) != before).any()
    corner = plot.placeOf(100, 0)
    move_mouse(plot, corner.x(), corner.y())
    assert plot.readOut() == ""
    assert (pixels(plot) == before).all()


def test_the_read_out_goes_with_the_mouse_and_with_new_values(plot):
    plot.setValue([LINE])
    before = pixels(plot)
    for end in (lambda: plot.leaveEvent(QEvent(QEvent.Type.Leave)), lambda: plot.setValue([LINE])):
        place = plot.placeOf(50, 100)
        move_mouse(plot, place.x(), place.y())
        assert (pixels(plot) != before).any()
        end()
        assert (pixels(plot) == before).all()


def test_values_are_copied_for_a_spreadsheet(plot):
    plot.setValue([LINE, Series("fit", [0, 50, 100], [1, 2, 3]), POINTS], x_label="mean (DN)")
    action(plot, "Copy values").trigger()
    lines = QApplication.clipboard().text().split("\n")
    assert lines[0] == "mean (DN)\tgain 2\tfit\tmean (DN)\tvariance"
    assert lines[1] == "0.0\t0.0\t1.0\t10.0\t25.0"
    assert lines[4] == "\t\t\t90.0\t190.0"


def test_a_band_is_drawn_and_saved(plot, tmp_path):
    plot.setValue([Series("a", [0, 1], [5, 5])], y_range=(0, 10))
    narrow = pixels(plot)
    plot.setValue([Series("a", [0, 1], [5, 5], low=[1, 1], high=[9, 9])], y_range=(0, 10))
    assert ((pixels(plot) != narrow).any(axis=-1)).mean() > 0.3
    plot.saveCsv(tmp_path / "band.csv")
    with (tmp_path / "band.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    assert row == {"x": "0.0", "a": "5.0", "a (low)": "1.0", "a (high)": "9.0"}


def test_the_picture_is_saved_finer_than_on_the_screen(plot, tmp_path):
    plot.setValue([LINE])
    plot.savePng(tmp_path / "plot.png")
    picture = QPixmap(str(tmp_path / "plot.png"))
    assert (picture.width(), picture.height()) == (900, 570)
    color = series_color(0, LIGHT)
    saved = qimage_to_array(picture.toImage())[..., :3].astype(int)
    wanted = [color.red(), color.green(), color.blue()]
    assert (np.abs(saved - wanted).sum(axis=-1) < 30).sum() > 900


@pytest.mark.parametrize("kind", ["csv", "png"])
def test_saving_asks_for_a_path_and_adds_the_ending(plot, tmp_path, monkeypatch, kind):
    answers = iter(["", str(tmp_path / "mine"), str(tmp_path / "missing" / "mine")])
    warnings = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (next(answers), ""))
    monkeypatch.setattr(QMessageBox, "warning", lambda *words: warnings.append(words[-1]))
    plot.setValue([LINE])
    save = action(plot, {"csv": "Save values as CSV…", "png": "Save picture as PNG…"}[kind])
    save.trigger()
    assert list(tmp_path.iterdir()) == []
    save.trigger()
    assert [path.name for path in tmp_path.iterdir()] == [f"mine.{kind}"]
    assert warnings == []
    save.trigger()
    assert "could not be written" in warnings[0]


def test_a_file_that_cannot_be_written_is_an_error_in_words(plot, tmp_path):
    for save in (plot.saveCsv, plot.savePng):
        with pytest.raises(FileError, match="could not be written"):
            save(tmp_path / "missing" / "file")


def test_series_of_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="2 values of y, 3 of x"):
        Series("a", [1, 2, 3], [1, 2])


@pytest.mark.parametrize("size", [(300, 140), (60, 140), (1600, 900)])
@pytest.mark.parametrize("is_log", [False, True])
def test_any_values_can_be_drawn_at_any_size(plot, rng, size, is_log):
    plot.resize(*size)
    for y in ([0.0], [-3e307, 3e300], [1e-300, 1e-299], [5.0, 5.0], rng.normal(size=20_000)):
        plot.setValue(
            [Series("a", range(len(y)), y, "line+points")],
            x_label="a rather long title of an axis (µm)",
            y_label="another title (DN²)",
            is_x_log=is_log,
            is_y_log=is_log,
        )
        plot.grab()


@pytest.mark.parametrize("height", [150, 190, 260, 400])
def test_no_number_beside_the_axis_is_cut(plot, height):
    plot.resize(300, height)
    plot.setValue([Series("s", [0, 1], [0.7612, 1.0])])
    edge = pixels(plot)[:, 0]
    assert np.abs(edge - edge[0]).max() < 10
