"""Every error a user can cause, as one tree.

::

    DenoiseError
    ├── InputError        the pixels cannot be used: empty, NaN, wrong dtype, other shape
    │   └── AxesError     the named axes do not fit the image or the model
    ├── FileError         a file is missing, unreadable or cannot be written
    ├── SettingsError     a setting is unknown or out of bounds
    ├── ModelError        a model file is damaged, newer, or for other images
    └── DeviceError       the chosen device cannot compute
        └── OutOfMemoryError  its memory does not suffice

Each message is one or two sentences: what was given, and what to do. None derives from
``RuntimeError``: Qt's generator workers swallow that one.
"""

from __future__ import annotations

__all__ = [
    "AxesError",
    "DenoiseError",
    "DeviceError",
    "FileError",
    "InputError",
    "ModelError",
    "OutOfMemoryError",
    "SettingsError",
]


class DenoiseError(Exception):
    """Something the user can put right; the message says how."""


class InputError(DenoiseError, ValueError):
    """The image cannot be used as it is."""


class AxesError(InputError):
    """The named axes do not fit the image or the model."""


class FileError(DenoiseError, OSError):
    """A file is missing, unreadable or cannot be written."""


class SettingsError(DenoiseError, ValueError):
    """A setting is unknown or out of bounds."""


class ModelError(DenoiseError, ValueError):
    """A model file is damaged, from a newer version, or for other images."""


class DeviceError(DenoiseError):
    """The chosen device cannot compute, or has run out of memory."""


class OutOfMemoryError(DeviceError):
    """The memory of the chosen device does not suffice; less at a time may do."""
