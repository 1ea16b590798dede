import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow

from napari_denoise._qt.form import SettingsForm
from napari_denoise._qt.panel import DockPanel
from napari_denoise.learning.methods import N2V


@pytest.fixture
def panel(qtbot):
    panel = DockPanel()
    qtbot.addWidget(panel)
    return panel


@pytest.fixture
def emitted(panel):
    emitted = []
    panel.closed.connect(lambda: emitted.append("closed"))
    return emitted


def test_taking_it_out_of_its_dock_closes_it_once(qtbot, panel, emitted):
    window, dock = QMainWindow(), QDockWidget()
    qtbot.addWidget(window)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    dock.setWidget(panel)
    dock.hide()
    dock.show()
    dock.setFloating(True)
    dock.setFloating(False)
    assert emitted == []
    panel.setParent(None)
    panel.close()
    assert emitted == ["closed"]


def test_closing_its_window_closes_it(panel, emitted):
    panel.show()
    panel.close()
    assert emitted == ["closed"]


def test_widgets_stand_in_the_order_they_were_added(qtbot, panel):
    labels = [QLabel(str(index)) for index in range(3)]
    for label in labels:
        panel.addWidget(label)
    panel.resize(300, 400)
    panel.show()
    tops = [label.y() for label in labels]
    assert tops == sorted(tops)
    assert tops[-1] < 200  # nothing is spread over the height


def test_its_contents_take_the_width_and_never_need_a_horizontal_scroll_bar(qtbot, panel):
    form = SettingsForm(N2V)
    form.advancedButton.click()
    panel.addWidget(form)
    for width in (300, 600):
        panel.resize(width, 200)
        panel.show()
        assert panel.minimumWidth() == 300
        assert not panel.horizontalScrollBar().isVisible()
        assert panel.widget().width() <= width
        assert panel.widget().minimumSizeHint().width() <= panel.viewport().width()
    assert panel.verticalScrollBar().maximum() > 0
    assert panel.sizeHint().width() >= 300
