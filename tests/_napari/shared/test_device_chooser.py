"""The list of devices."""

import pytest

from napari_denoise._napari.shared.device_chooser import DeviceChooser
from napari_denoise.learning import device as devices
from napari_denoise.learning.device import DeviceInfo


@pytest.fixture
def chooser(qtbot):
    chooser = DeviceChooser("auto")
    qtbot.addWidget(chooser)
    return chooser


def check(chooser, qtbot):
    chooser.check()
    chooser.check()  # a second click while it runs is nothing
    qtbot.waitUntil(lambda: not chooser.is_checking, timeout=60_000)


def test_automatic_and_cpu_are_there_at_once(chooser):
    assert [chooser.deviceBox.itemData(i) for i in range(2)] == ["auto", "cpu"]
    assert chooser.value() == "auto"


def test_a_remembered_device_is_offered_before_it_was_checked(qtbot):
    chooser = DeviceChooser("cuda:0")
    qtbot.addWidget(chooser)
    assert chooser.value() == "cuda:0"


def test_what_works_can_be_chosen_and_what_does_not_says_why(chooser, qtbot, monkeypatch):
    found = [
        DeviceInfo("cuda:0", "New GPU", usable=False, reason="no kernel image."),
        DeviceInfo("cuda:1", "Old GPU", usable=True),
        DeviceInfo("cpu", "CPU (2 threads)", usable=True),
    ]
    monkeypatch.setattr(devices, "list_devices", lambda: found)
    chooser.setValue("cuda:1")
    check(chooser, qtbot)
    assert chooser.value() == "cuda:1"
    assert not chooser.deviceBox.model().item(1).isEnabled()
    assert chooser.foundText().splitlines() == [
        "✗ New GPU: no kernel image.",
        "✓ Old GPU",
        "✓ CPU (2 threads)",
    ]
    assert chooser.checkButton.isEnabled()


def test_a_chosen_device_that_does_not_work_gives_way_to_automatic(chooser, qtbot, monkeypatch):
    monkeypatch.setattr(
        devices, "list_devices", lambda: [DeviceInfo("cuda:0", "GPU", usable=False, reason="no.")]
    )
    chooser.setValue("cuda:0")
    check(chooser, qtbot)
    assert chooser.value() == "auto"


def test_a_failing_check_is_reported_and_can_be_repeated(chooser, qtbot, monkeypatch):
    def fail():
        raise RuntimeError("driver too old")

    monkeypatch.setattr(devices, "list_devices", fail)
    check(chooser, qtbot)
    assert "driver too old" in chooser.foundText()
    assert chooser.checkButton.isEnabled()


def test_the_real_check_finds_the_cpu(chooser, qtbot):
    check(chooser, qtbot)
    assert "✓ CPU" in chooser.foundText()
