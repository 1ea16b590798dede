"""What the docks have in common: a viewer, jobs whose results become layers, and a clean end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_denoise._napari.shared.preferences import SAME_AS_SOURCE
from napari_denoise._qt.panel import DockPanel
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.progress import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["DtypePolicy", "Page", "Task", "ViewerDock", "dtype_for"]


class _Part(Protocol):
    """What listens to the viewer, or runs jobs, until it is shut down."""

    def shutdown(self) -> Any: ...


P = TypeVar("P", bound=_Part)

# Pixels that the longest label of a row takes; the same for all, so that what they label starts at
# one line.
_LABEL_WIDTH = 76
# Pixels that napari must leave a dock that is opened below another; less shows no row at all.
_MIN_HEIGHT = 180


@dataclass(frozen=True, slots=True)
class Task:
    """What a click on Run sets off.

    Attributes
    ----------
    make_job : callable
        Makes the job, in the worker thread.
    use : callable
        Takes the result, in the GUI thread, only if the job ran to an end.
    """

    make_job: Callable[[], Job[Any]]
    use: Callable[[Any], None]


class Rows:
    """What can be put, row by row, into whatever has `addWidget`."""

    addWidget: Callable[..., None]

    def addRow(self, label: str, widget: QWidget, tooltip: str = "") -> QWidget:
        """Add a widget with its label beside it; returns the row."""
        if isinstance(widget, QComboBox):
            # One long entry must not make the whole dock wider.
            widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        # A form for each row, and not one for all: a row can be hidden with its label, and other
        # widgets stand between them.
        row = QWidget()
        layout = QFormLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout.addRow(label, widget)
        layout.labelForField(widget).setFixedWidth(_LABEL_WIDTH)
        for part in (widget, layout.labelForField(widget)):
            part.setToolTip(tooltip or part.toolTip())
        self.addWidget(row)
        return row

    def addHeading(self, text: str) -> None:
        """Add the title of what follows."""
        heading = QLabel(f"<b>{text}</b>")
        heading.setContentsMargins(0, 6, 0, 0)
        self.addWidget(heading)


class Page(Rows, QWidget):
    """One of several columns of rows that share a dock."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    def addWidget(self, widget: QWidget, stretch: int = 0) -> None:
        """Add a widget at the lower end."""
        self._column.addWidget(widget, stretch)


class ViewerDock(Rows, DockPanel):
    """Base of the docks: follows one viewer, and ends its jobs when it is closed.

    Attributes
    ----------
    viewer : napari.components.ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = viewer
        self._parts: list[_Part] = []
        self.setMinimumHeight(_MIN_HEIGHT)
        self.closed.connect(self._on_closed)

    def closing(self, part: P) -> P:
        """Shut a part down when the dock is closed; returns the part."""
        self._parts.append(part)
        return part

    def makeRunBar(self, prepare: Callable[[], Task | None], **options: Any) -> RunBar:
        """A run bar for tasks: their results are used, and then nothing refers to them.

        Parameters
        ----------
        prepare : callable
            Reads and checks the dock, and returns None if there is nothing to do; what it raises
            is shown.
        **options
            Of :class:`~napari_denoise._qt.run_bar.RunBar`.
        """
        # A list that is emptied, and not an attribute: after a run nothing may hold on to the image
        # it was for.
        uses: list[Callable[[Any], None]] = []

        def begin() -> Callable[[], Job[Any]] | None:
            task = prepare()
            if task is None:
                return None
            uses[:] = [task.use]
            return task.make_job

        def end(result: Any) -> None:
            try:
                # In the window's thread. What fails here is the last step of the run, so the bar
                # says it.
                uses[0](result)
            except Exception as error:
                bar.showError(error)

        bar = RunBar(begin, **options)
        bar.finished.connect(end)
        bar.ended.connect(uses.clear)
        return self.closing(bar)

    def _on_closed(self) -> None:
        for part in self._parts:
            part.shutdown()
        self._parts.clear()


class DtypePolicy(QComboBox):
    """The type of a result: float32, or that of its source."""

    valueChanged = Signal()

    def __init__(self, policy: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addItem("float32, all decimals", "float32")
        self.addItem("as the source, rounded", SAME_AS_SOURCE)
        self.setToolTip(
            "Intensities keep their units either way. Rounding to whole numbers sets values beyond "
            "the type's range to its end, and the number of such pixels is said."
        )
        # A preference that a later version wrote is no reason to fail.
        self.setCurrentIndex(max(self.findData(policy), 0))
        self.currentIndexChanged.connect(lambda _index: self.valueChanged.emit())

    def value(self) -> str:
        """As it is stored in the preferences."""
        return str(self.currentData())

    def dtype_for(self, pixels: Any) -> np.dtype[Any]:
        """The dtype of a result made from `pixels`."""
        return dtype_for(self.value(), pixels)


def dtype_for(policy: str, pixels: Any) -> np.dtype[Any]:
    """The dtype of a result.

    Parameters
    ----------
    policy : str
        As the preferences store it: "float32" or :data:`.SAME_AS_SOURCE`.
    pixels : array-like
        What it is made from.
    """
    return np.dtype(pixels.dtype if policy == SAME_AS_SOURCE else np.float32)
