"""Which axis is which, in rows and in words."""

import pytest

from napari_denoise._napari.shared.axis_roles import AxisRoles
from napari_denoise._qt.message import WrappedLabel
from napari_denoise.core.axes import LETTERS, Layout
from napari_denoise.core.errors import AxesError


@pytest.fixture
def roles(qtbot):
    roles = AxisRoles()
    qtbot.addWidget(roles)
    return roles


def choose(roles, row, *, letter=None, role=None):
    letters, parts = roles.letterBox(row), roles.roleBox(row)
    if letter:
        letters.setCurrentIndex(LETTERS.index(letter))
        letters.activated.emit(LETTERS.index(letter))
    if role is not None:
        parts.setCurrentIndex(role)
        parts.activated.emit(role)


def test_planes_are_independent_until_told_otherwise(roles):
    roles.setImage("ZYX", (24, 512, 512))
    assert roles.value() == Layout("ZYX", "YX")
    assert roles.sentence() == "24 planes of 512 × 512, denoised as 2D images."
    assert roles.findChild(WrappedLabel).text() == roles.sentence()


def test_depth_makes_it_a_volume(roles, qtbot):
    roles.setImage("ZYX", (24, 512, 512))
    with qtbot.waitSignal(roles.valueChanged):
        choose(roles, 0, role=1)
    assert roles.value() == Layout("ZYX", "ZYX")


def test_time_can_be_treated_as_depth_and_then_z_is_not(roles):
    roles.setImage("TZYX", (5, 24, 64, 64))
    choose(roles, 1, role=1)
    choose(roles, 0, role=1)
    assert roles.value() == Layout("TZYX", "TYX")


def test_renaming_an_axis_swaps_two(roles):
    roles.setImage("ZCYX", (75, 2, 75, 75))
    choose(roles, 0, letter="C")
    assert roles.value().axes == "CZYX"


def test_an_axis_can_get_a_letter_that_no_other_has(roles):
    roles.setImage("ZYX", (5, 64, 64))
    choose(roles, 0, letter="T")
    assert roles.value().axes == "TYX"


def test_axes_that_make_no_image_are_said_and_refused(roles):
    roles.setImage("ZYX", (5, 64, 64))
    choose(roles, 1, letter="T")
    assert "lack" in roles.sentence()
    with pytest.raises(AxesError):
        roles.value()


def test_channels_are_joint_only_where_that_is_offered(roles):
    roles.setImage("CYX", (3, 64, 64))
    choose(roles, 0, role=1)
    assert roles.value().channels == "independent"
    roles.setJointOffered(True)
    assert roles.value().channels == "joint"


def test_a_trained_model_fixes_the_roles_and_frees_them_again(roles):
    roles.setImage("TZCYX", (5, 24, 2, 64, 64))
    roles.setForced(lambda axes: Layout(axes, "ZYX", "joint"))
    assert roles.value() == Layout("TZCYX", "ZYX", "joint")
    assert [roles.roleBox(row).currentIndex() for row in range(5)] == [0, 1, 1, 0, 0]
    assert not roles.roleBox(1).isEnabled()
    roles.setForced(None)
    assert roles.value() == Layout("TZCYX", "YX", "independent")


def test_a_trained_model_that_does_not_suit_the_axes_says_why(roles):
    def refuse(axes):
        raise AxesError("This model was trained on volumes.")

    roles.setImage("YX", (64, 64))
    roles.setForced(refuse)
    assert roles.sentence() == "This model was trained on volumes."
    assert not roles.isValid()


def test_roles_stay_when_another_image_comes(roles):
    roles.setImage("ZYX", (24, 64, 64))
    choose(roles, 0, role=1)
    roles.setImage("YX", (64, 64))
    assert roles.value() == Layout("YX", "YX")
    roles.setImage("TZYX", (2, 7, 64, 64))
    assert roles.value() == Layout("TZYX", "ZYX")


def test_without_an_image_there_is_nothing_to_say(roles):
    assert roles.sentence() == ""
    roles.setImage("YX", (8, 8))
    roles.setImage("", ())
    assert roles.sentence() == ""
    assert roles.axes == ""
