"""What a metric is: how it is measured, which numbers it gives, and what each of them means.

Every module of this package that measures something ends with a :class:`Metric`. Tables, plots,
the command line and the Compare dock are made of these; see the package's docstring for how to
add one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari_denoise.core.progress import Job

__all__ = ["Metric", "Quantity", "Scene"]


@dataclass(frozen=True, slots=True)
class Scene:
    """The images of one scene, and what is known of them.

    Attributes
    ----------
    image : array-like, ``(...)YX``
        What is measured. May be lazy.
    clean : array-like, same shape, or None
        The same scene without noise.
    noisy : array-like, same shape, or None
        What `image` was made from; None also where that is the image itself.
    data_range : float or None
        Difference of the largest and smallest possible intensity, if there is a clean image.
    is_extended : bool
        Whether scores that take long are wanted too.
    pixel_size_um : tuple of float or None
        Size of a pixel in µm along Y and X, if it is known.
    is_raw : bool
        Whether nothing has correlated the noise of neighbouring pixels.
    estimate_error : callable or None
        Makes the job that runs the image's denoiser again on pixels it is not shown, where
        the denoiser is known: :func:`~napari_denoise.metrics.j_invariant_error_job`.
    """

    image: Any
    clean: Any = None
    noisy: Any = None
    data_range: float | None = None
    is_extended: bool = True
    pixel_size_um: tuple[float, ...] | None = None
    is_raw: bool = False
    estimate_error: Callable[[], Job[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of what a metric measures.

    Attributes
    ----------
    key : str
        Its name in files, the unit included.
    title : str
        Its name for people.
    meaning : str
        What it says and which way is better, in a sentence or two.
    of : callable
        Takes it out of what the metric's job returns; out of
        :class:`~napari_denoise.metrics.Scores` for scores.
    n_decimals : int or None
        How finely it is shown; None for words.
    is_main : bool
        Whether it is shown unless something else is asked for.
    """

    key: str
    title: str
    meaning: str
    of: Callable[[Any], Any]
    n_decimals: int | None = 3
    is_main: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that can be measured of an image in one go.

    Attributes
    ----------
    name : str
        In files, on the command line, and of an assessment's part.
    needs : str
        What it cannot be measured without, in words.
    start : callable
        Makes the job that measures a :class:`Scene`; None where the scene lacks what it needs.
    words : callable
        Says what the job has returned, in lines for people.
    quantities : tuple of Quantity
        The numbers, in the order in which they are shown.
    may_fail : bool
        Whether an image that is otherwise fine may be one that this cannot be told of, such as
        one that is too small: the reason then stands in place of the numbers.
    """

    name: str
    needs: str
    start: Callable[[Scene], Job[Any] | None]
    words: Callable[[Any], str]
    quantities: tuple[Quantity, ...]
    may_fail: bool = False
