"""One camera: how noisy its pixels are, and the scale on which all of them are equally noisy.

Everything here works on arrays and on torch's tensors alike, and does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, overload

import numpy as np
import numpy.typing as npt
from annotated_types import Ge
from pydantic import model_validator

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.settings import Settings, setting
from napari_denoise.noise.anscombe import DARK_COUNTS, Tensor, anscombe, inverse, unbiased_inverse

__all__ = ["CameraModel", "CameraSettings", "Gain", "Offset", "ReadNoise"]

_LINEAR_FROM_ELECTRONS = 1e4
"""Read noise from which on the root is a straight line. There twice the read noise is added to
each value, which leaves float32 steps of 0.002 of the noise; at more they would soon be seen."""

T = TypeVar("T", bound=Tensor)
Values = npt.NDArray[np.float64]


class CameraModel(Settings):
    """A camera that records ``gain * Poisson(electrons) + offset + Normal(0, read_noise)``.

    Attributes
    ----------
    gain : float
        DN per photo-electron; zero if the noise is the same at every intensity.
    offset : float
        Intensity without light, in DN.
    read_noise : float
        Standard deviation without light, in DN.

    References
    ----------
    .. [1] Foi et al. 2008, doi:10.1109/TIP.2008.2001399 (the noise)
    .. [2] Mäkitalo & Foi 2013, doi:10.1109/TIP.2012.2202675 (stabilising it, and back)
    """

    gain: Annotated[float, Ge(0)]
    offset: float = 0.0
    read_noise: Annotated[float, Ge(0)] = 0.0

    @model_validator(mode="after")
    def _has_noise(self) -> Self:
        # Everything below divides by the gain, or by the read noise if there is no gain.
        if not self.gain + self.read_noise:
            raise ValueError("a camera needs a gain or a read noise above zero")
        return self

    @property
    def unit(self) -> float:
        """DN that count as one: of an electron, or the read noise if that is all there is."""
        return self.gain or self.read_noise

    @property
    def read_noise_electrons(self) -> float:
        """Read noise in counts of :attr:`unit`; 1 if that is all there is."""
        return self.read_noise / self.unit

    @property
    def dark_variance(self) -> float:
        """Read noise² + 3/8, in counts²: the stabilised zero, squared and divided by four."""
        return self.read_noise_electrons**2 + DARK_COUNTS

    @property
    def is_linear(self) -> bool:
        """Whether photon noise is so far below read noise that it changes nothing."""
        return self.read_noise >= _LINEAR_FROM_ELECTRONS * self.gain

    @overload
    def variance(self, signal: T, *, least: float = ...) -> T: ...
    @overload
    def variance(self, signal: npt.ArrayLike, *, least: float = ...) -> Values: ...
    def variance(self, signal: Any, *, least: float = 0.0) -> Any:
        """Variance of the noise.

        Parameters
        ----------
        signal : array or Tensor, any shape, in DN
            What the pixels would be without noise; below the offset they are taken to be dark.
        least : float
            No variance is smaller, in counts² of :attr:`unit`: for what divides by it.

        Returns
        -------
        variance : float64 array or Tensor, same shape, in DN²
        """
        return self._variance(signal, 0.0, least)

    @overload
    def stabilized_variance(self, signal: T) -> T: ...
    @overload
    def stabilized_variance(self, signal: npt.ArrayLike) -> Values: ...
    def stabilized_variance(self, signal: Any) -> Any:
        """Square of what one unit of the stabilised scale spans at a signal.

        Dividing by it weighs errors as the stabilised scale does. It is the variance and 3/8 of a
        count more, so that it never is zero.

        Parameters
        ----------
        signal : array or Tensor, any shape, in DN

        Returns
        -------
        variance : float64 array or Tensor, same shape, in DN²
        """
        return self._variance(signal, DARK_COUNTS if self.gain else 0.0)

    @overload
    def stabilize(self, pixels: T) -> T: ...
    @overload
    def stabilize(self, pixels: npt.ArrayLike) -> FloatArray: ...
    def stabilize(self, pixels: Any) -> Any:
        """The pixels with noise of unit variance (the generalised Anscombe transform).

        Parameters
        ----------
        pixels : array or Tensor, any shape, in DN

        Returns
        -------
        stabilized : float32 array or Tensor, same shape, without unit
        """
        level = _computable(pixels) - self.offset
        if self.is_linear:
            return _as_result(level / self.read_noise)
        return _as_result(anscombe(level / self.unit, self.dark_variance))

    @overload
    def unstabilize(self, values: T) -> T: ...
    @overload
    def unstabilize(self, values: npt.ArrayLike) -> FloatArray: ...
    def unstabilize(self, values: Any) -> Any:
        """The pixels that :meth:`stabilize` made these values of (the algebraic inverse).

        Parameters
        ----------
        values : array or Tensor, any shape, without unit

        Returns
        -------
        pixels : float32 array or Tensor, same shape, in DN
        """
        values = _computable(values)
        if self.is_linear:
            return _as_result(values * self.read_noise + self.offset)
        return _as_result(inverse(values, self.dark_variance) * self.unit + self.offset)

    def invert(self, means: npt.ArrayLike) -> FloatArray:
        """The signals whose noisy versions have these means after :meth:`stabilize`.

        What a filter gives is such a mean, and the mean of a root is below the root of the mean:
        :meth:`unstabilize` would make the result too dark. Exact to 0.002 electrons at any signal
        and read noise. Values below that of darkness are continued along a straight line, so that
        what noise is left in a dark region still averages to the offset.

        Parameters
        ----------
        means : array, any shape, without unit

        Returns
        -------
        signal : float32 array, same shape, in DN
        """
        means = np.asarray(means, dtype=np.float64)
        if self.is_linear:
            return self.unstabilize(means)
        electrons = unbiased_inverse(means, self.read_noise_electrons)
        return (electrons * self.gain + self.offset).astype(np.float32)

    def in_words(self) -> str:
        """The camera in a line."""
        if not self.gain:
            return f"the same noise everywhere, {self.read_noise:.3g} DN"
        return (
            f"gain {self.gain:.3g} DN per photo-electron, offset {self.offset:.4g} DN, "
            f"read noise {self.read_noise:.3g} DN"
        )

    def _variance(self, signal: Any, more: float, least: float = 0.0) -> Any:
        """The variance and so many counts² more, or as many at least."""
        if not hasattr(signal, "clamp"):
            light = np.maximum(np.asarray(signal, np.float64) - self.offset, 0)
            variance = self.gain * light + (self.read_noise**2 + more * self.unit**2)
            return np.maximum(variance, least * self.unit**2)
        # Tensors in counts first: with the smallest gains DN² would leave float32's range.
        electrons = ((signal - self.offset) / self.unit).clip(min=0)
        photons = electrons * bool(self.gain)
        counts = (photons + (self.read_noise_electrons**2 + more)).clip(min=least)
        return counts * self.unit**2


Gain = Annotated[
    float | None,
    setting(
        None,
        "Intensity per photo-electron; the whole camera is measured on the image if left open.",
        unit="DN",
        ge=0,
        le=1e9,
        advanced=True,
    ),
]
Offset = Annotated[
    float,
    setting(
        0.0,
        "Intensity without light; measured if the gain is.",
        unit="DN",
        ge=-1e9,
        le=1e9,
        advanced=True,
    ),
]
ReadNoise = Annotated[
    float,
    setting(
        0.0,
        "Noise without light; measured if the gain is.",
        unit="DN",
        ge=0,
        le=1e9,
        advanced=True,
    ),
]


class CameraSettings(Settings):
    """What is shared by all that can be told the camera; it is measured where the gain is open.

    A subclass has the fields ``gain: Gain = None``, ``offset: Offset = 0.0`` and
    ``read_noise: ReadNoise = 0.0``.
    """

    if TYPE_CHECKING:
        # Inherited fields come before a class's own: in forms, on the command line and in files
        # these three would then stand first, so each class places them itself.
        gain: Gain = None
        offset: Offset = 0.0
        read_noise: ReadNoise = 0.0

    @model_validator(mode="after")
    def _is_camera(self) -> Self:
        self.given_camera()
        return self

    def given_camera(self) -> CameraModel | None:
        """The camera, if it is given or has been measured already."""
        if self.gain is None:
            return None
        return CameraModel(gain=self.gain, offset=self.offset, read_noise=self.read_noise)


def _computable(values: Any) -> Any:
    """Tensors as they are; all else as arrays of double precision."""
    return values if hasattr(values, "clamp") else np.asarray(values, np.float64)


def _as_result(values: Any) -> Any:
    """Tensors as they are; arrays in the precision of images."""
    return values if hasattr(values, "clamp") else values.astype(np.float32)
