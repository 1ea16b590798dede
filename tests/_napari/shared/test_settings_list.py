"""Several settings in an order."""

import pytest
from qtpy.QtWidgets import QToolButton

from napari_denoise._napari.shared.settings_list import SettingsList
from napari_denoise.noise import GaussianNoise, PoissonNoise, StripeNoise

CLASSES = (PoissonNoise, GaussianNoise, StripeNoise)


@pytest.fixture
def entries(qtbot):
    entries = SettingsList(CLASSES, what="noise")
    qtbot.addWidget(entries)
    return entries


def click(entries, text):
    next(b for b in entries.findChildren(QToolButton) if b.text() == text).click()


def rows(entries):
    return [entries.entryList.item(i).text() for i in range(entries.entryList.count())]


def test_it_starts_with_one_entry_which_cannot_be_removed(entries):
    assert entries.value() == (PoissonNoise(),)
    click(entries, "−")
    assert rows(entries) == ["1. Poisson (shot noise)"]


def test_an_entry_is_added_after_the_selected_one_and_is_of_another_class(entries, qtbot):
    with qtbot.waitSignal(entries.valueChanged):
        click(entries, "+")
    entries.entryList.setCurrentRow(0)
    click(entries, "+")
    assert entries.value() == (PoissonNoise(), StripeNoise(), GaussianNoise())
    assert entries.entryList.currentRow() == 1
    click(entries, "+")
    assert len(entries.value()) == 4


def test_entries_are_moved_and_removed(entries, qtbot):
    entries.setValue([PoissonNoise(photons=3), GaussianNoise(), StripeNoise()])
    entries.entryList.setCurrentRow(2)
    click(entries, "↑")
    click(entries, "↑")
    click(entries, "↑")
    assert entries.value() == (StripeNoise(), PoissonNoise(photons=3), GaussianNoise())
    click(entries, "↓")
    assert rows(entries) == ["1. Poisson (shot noise)", "2. Stripes", "3. Gaussian (read noise)"]
    click(entries, "−")
    assert entries.value() == (PoissonNoise(photons=3), GaussianNoise())
    assert entries.entryList.currentRow() == 1


def test_the_selected_entry_is_edited_and_may_become_another_class(entries, qtbot):
    entries.setValue([PoissonNoise(), GaussianNoise()])
    entries.entryList.setCurrentRow(1)
    shown = [entries.chooser(i).isVisibleTo(entries) for i in range(2)]
    assert shown == [False, True]
    with qtbot.waitSignal(entries.valueChanged):
        entries.chooser(1).setClass(StripeNoise)
    assert rows(entries)[1] == "2. Stripes"
    entries.chooser(1).form().setValue(StripeNoise(sigma=9))
    assert entries.value() == (PoissonNoise(), StripeNoise(sigma=9))
