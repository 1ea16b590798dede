import math

import numpy as np
import pytest
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QMenu
from superqt.utils import qimage_to_array

from napari_denoise._qt.loss_plot import _MAX_GROUPS, LossPlot
from napari_denoise._qt.theme import series_color

BLUE, ORANGE = (series_color(index, QPalette(QColor("white"))) for index in range(2))


@pytest.fixture
def plot(qtbot):
    plot = LossPlot()
    qtbot.addWidget(plot)
    plot.resize(300, 160)
    plot.setPalette(QPalette(QColor("white")))
    return plot


def pixels(plot):
    """RGB of what the plot looks like, ``YXC``."""
    return qimage_to_array(plot.grab().toImage())[..., :3].astype(int)


def n_like(plot, color):
    wanted = np.array([color.red(), color.green(), color.blue()])
    return int((np.abs(pixels(plot) - wanted).sum(axis=-1) < 30).sum())


def falling(n_steps):
    return [
        (step, 1.0 / step, 1.1 / step if step % 50 == 0 else None) for step in range(1, n_steps + 1)
    ]


def test_an_empty_plot_shows_no_curve(plot):
    assert n_like(plot, BLUE) == n_like(plot, ORANGE) == 0


def test_both_curves_are_drawn(plot):
    plot.addPoints(falling(600))
    assert n_like(plot, BLUE) > 50
    assert n_like(plot, ORANGE) > 50


def test_a_single_point_can_be_seen(plot):
    plot.addPoints([(1, 0.5, None)])
    assert n_like(plot, BLUE) > 5
    assert n_like(plot, ORANGE) == 0


def test_clear_empties_the_plot(plot):
    plot.addPoints(falling(100))
    plot.clear()
    assert n_like(plot, BLUE) == 0


def test_the_curve_fills_the_frame_as_far_as_the_steps_are_done(plot):
    def right_end():
        is_blue = np.abs(pixels(plot)[30:] - [BLUE.red(), BLUE.green(), BLUE.blue()]).sum(-1) < 30
        return int(np.nonzero(is_blue.any(axis=0))[0].max())

    plot.setStepCount(400)
    plot.addPoints(falling(200))
    half = right_end()
    plot.addPoints((step, 0.1, None) for step in range(201, 401))
    assert half < 0.65 * plot.width()
    assert right_end() > 0.95 * plot.width() - 10


def test_a_logarithmic_axis_can_be_chosen_from_the_menu(plot):
    plot.addPoints(falling(600))
    before = pixels(plot)
    menu = QMenu()
    menu.addActions(plot.actions())
    next(a for a in menu.actions() if a.text() == "Logarithmic y axis").trigger()
    assert (pixels(plot) != before).any()
    plot.setLogarithmic(False)
    assert (pixels(plot) == before).all()


def test_losses_that_no_axis_can_show_leave_no_point(plot):
    plot.addPoints([(1, math.nan, math.inf), (2, math.inf, None)])
    assert n_like(plot, BLUE) == 0
    plot.setLogarithmic(True)
    plot.addPoints([(3, -1.0, -1.0), (4, 0.0, 0.0)])
    assert n_like(plot, BLUE) == 0
    plot.addPoints([(5, 1.0, None), (6, 2.0, None)])
    assert n_like(plot, BLUE) > 5


@pytest.mark.parametrize(
    "losses", [[0.5, 0.5], [0.0, 0.0], [-2.0, -1.0], [1e-9, 1e9], [3e300, 1.0]]
)
@pytest.mark.parametrize("is_log", [False, True])
def test_any_range_of_losses_can_be_drawn(plot, losses, is_log):
    plot.setLogarithmic(is_log)
    plot.addPoints([(step, loss, loss) for step, loss in enumerate(losses)])
    plot.grab()


def test_many_points_take_bounded_memory_and_keep_mean_and_range(plot, rng):
    losses = rng.uniform(1, 2, 10_000)
    plot.addPoints((step, float(loss), None) for step, loss in enumerate(losses))
    (drawn,) = plot.value().series
    assert _MAX_GROUPS / 2 <= len(drawn.x) < _MAX_GROUPS
    assert drawn.x[-1] == 9999
    # Each point stands at the last step of those it stands for.
    n_points = np.diff(drawn.x, prepend=-1)
    assert (n_points > 0).all()
    np.testing.assert_allclose((drawn.y * n_points).sum(), losses.sum())
    assert (drawn.low.min(), drawn.high.max()) == (losses.min(), losses.max())


def test_text_follows_the_theme(plot):
    plot.addPoints(falling(50))
    for ink in ("#f0f0f0", "#101010"):
        palette = plot.palette()
        palette.setColor(QPalette.ColorRole.WindowText, QColor(ink))
        palette.setColor(QPalette.ColorRole.Window, QColor("#808080"))
        plot.setPalette(palette)
        assert n_like(plot, QColor(ink)) > 20
