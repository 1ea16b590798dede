"""How an image with calibration becomes layers, and layers become one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
from napari.layers import Image as ImageLayer

from napari_denoise._napari.shared.layers import image_of_data
from napari_denoise.core.dtype import dtype_range
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import METADATA_KEY

__all__ = ["contrast_limits", "image_of", "layers_of"]

# Magenta and green first: the pair that the colour-blind can tell apart, too.
_COLORS = ("magenta", "green", "cyan", "yellow", "red", "blue")
# Trade-off: more planes give better limits, and each has to be read from the file before anything
# is seen.
_N_SAMPLED_PLANES = 3


def layers_of(image: Image) -> list[ImageLayer]:
    """One layer per channel, with scale, units, axis labels and sampled contrast limits.

    Pixels stay lazy: only a few planes of each channel are read, for its contrast.
    """
    # -1 where there are no channels.
    where = image.axes.find("C")
    n_channels = image.sizes.get("C", 1)
    names = image.channel_names or tuple(f"channel {i + 1}" for i in range(n_channels))
    return [
        _layer(
            image,
            image.pixels if where < 0 else image.pixels[(slice(None),) * where + (channel,)],
            name=f"{image.name} {names[channel]}" if n_channels > 1 else image.name,
            color=_COLORS[channel % len(_COLORS)] if n_channels > 1 else "gray",
        )
        for channel in range(n_channels)
    ]


def _layer(image: Image, pixels: Any, *, name: str, color: str) -> ImageLayer:
    kept = [i for i, letter in enumerate(image.axes) if letter != "C"]
    metadata = {METADATA_KEY: image.recipe.model_dump(mode="json")} if image.recipe else {}
    low, high = contrast_limits(pixels)
    layer = ImageLayer(
        pixels,
        name=name,
        # Said, as napari takes a last axis of three or four pixels for colours.
        rgb=False,
        scale=[image.scale[i] for i in kept],
        units=[image.units[i] for i in kept],
        translate=[image.origin[i] for i in kept],
        axis_labels=[image.axes[i].lower() for i in kept],
        contrast_limits=(low, high),
        colormap=color,
        # Channels are added up, as in a microscope; a single image covers what lies below.
        blending="translucent_no_depth" if color == "gray" else "additive",
        metadata=metadata,
    )
    first, last = _slider_range(pixels.dtype, low, high)
    layer.contrast_limits_range = (first, last)
    return layer


def contrast_limits(pixels: Any) -> tuple[float, float]:
    """Limits that show all but the brightest 0.1 % of a few planes, the rest left unread.

    Parameters
    ----------
    pixels : array-like, ``(...)YX``
        May be lazy.
    """
    n_planes = int(np.prod(pixels.shape[:-2]))
    # Spread over the stack without its ends, where a focus series is empty.
    picked = np.unique(np.linspace(0, n_planes - 1, _N_SAMPLED_PLANES + 2).round()[1:-1])
    places = [np.unravel_index(int(i), pixels.shape[:-2]) for i in picked]
    samples = [np.asarray(pixels[tuple(map(int, place))], dtype=float) for place in places]
    values = np.concatenate([sample[np.isfinite(sample)] for sample in samples])
    if not values.size:
        return 0.0, 1.0
    # A few hot pixels would turn the rest black.
    low, high = float(values.min()), float(np.percentile(values, 99.9))
    return (low, high) if high > low else (low, low + 1.0)


def _slider_range(dtype: Any, low: float, high: float) -> tuple[float, float]:
    """What the contrast slider spans: a byte's whole range, else twice what is shown."""
    limits = dtype_range(dtype)
    # Over all of 16 bits the slider would jump by hundreds with each pixel of the mouse.
    if limits and np.dtype(dtype).itemsize == 1:
        return limits
    # Room above for what the sampled planes did not show; a little below, as noise goes there.
    first, last = low - 0.1 * (high - low), high + (high - low)
    return (max(first, limits[0]), min(last, limits[1])) if limits else (first, last)


def image_of(layers: Sequence[tuple[Any, dict[str, Any]]], name: str) -> Image:
    """The image that layers make together: several become the channels of one.

    Parameters
    ----------
    layers : sequence of (pixels, attributes)
        As napari hands them to a writer.

    Raises
    ------
    InputError
        If several layers differ in shape, or have channels of their own.
    """
    parts = [image_of_data(pixels, {"name": name, **attributes}) for pixels, attributes in layers]
    first = parts[0]
    if len(parts) == 1:
        return first
    # Channels are pixels of the same places: nothing is resampled to make them fit.
    if any((p.axes, p.pixels.shape) != (first.axes, first.pixels.shape) for p in parts):
        shapes = ", ".join(f"{p.name} {tuple(p.pixels.shape)}" for p in parts)
        raise InputError(
            f"The layers differ in shape or axes ({shapes}), so they cannot be the channels of one "
            f"image. Save them one at a time."
        )
    if "C" in first.axes:
        raise InputError(
            "The layers have a channel axis of their own. Save them one at a time, or split it "
            "first."
        )
    return Image(
        # Lazily, and with C before Y and X, where OME-TIFF has it.
        pixels=da.stack([da.asarray(part.pixels) for part in parts], axis=-3),
        axes=first.axes[:-2] + "C" + first.axes[-2:],
        scale=(*first.scale[:-2], 1.0, *first.scale[-2:]),
        units=(*first.units[:-2], "pixel", *first.units[-2:]),
        origin=(*first.origin[:-2], 0.0, *first.origin[-2:]),
        channel_names=tuple(part.name for part in parts),
        name=name,
        # A file holds one recipe. Channels that were made alike have the same one; of others the
        # first is kept.
        recipe=first.recipe,
    )
