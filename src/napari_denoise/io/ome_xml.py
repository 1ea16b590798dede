"""OME-XML: the description of pixels that an OME-TIFF carries, written and read.

What OME has no place for (the order of the axes, samples, units it does not know, the recipe)
stands as JSON in a comment annotation of our own; where both speak, OME-XML is believed,
because other programs edit it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from pydantic import ValidationError

from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import METADATA_KEY, Recipe, software_version
from napari_denoise.core.units import PIXEL, symbol, unit_name

__all__ = [
    "OmeImage",
    "Own",
    "build_ome_xml",
    "parse_ome_xml",
    "parse_recipe",
    "stored_axes",
    "stored_dtype",
]

_SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
_PIXEL_TYPES = {
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "uint8": "uint8",
    "uint16": "uint16",
    "uint32": "uint32",
    "float32": "float",
    "float64": "double",
}
# float16 is not among OME's types, and few programs read a 1-bit TIFF.
_STORED_AS = {"bool": "uint8", "float16": "float32"}
"""Types OME lacks, and the smallest one it has that holds them exactly."""
_SIZES = {
    "X": ("PhysicalSizeX", "µm"),
    "Y": ("PhysicalSizeY", "µm"),
    "Z": ("PhysicalSizeZ", "µm"),
    "T": ("TimeIncrement", "s"),
}
"""Attribute of Pixels that holds an axis's scale, and the unit it has where none is given."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may have, not even escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What only our annotation says: the image as it was before OME's order was put on it."""

    axes: str
    shape: tuple[int, ...]
    dtype: str
    scale: Mapping[str, float]
    units: Mapping[str, str]
    origin: Mapping[str, float]
    recipe: Recipe | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OmeImage:
    """What the OME-XML of one image says; axes it does not know are missing."""

    scale: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    own: Own | None = None


def stored_axes(axes: str) -> str:
    """The order in which an image's axes go into an OME-TIFF.

    Time, channels and planes keep their order. OME has no samples, so they come right before
    the time points, with which they are counted through.
    """
    leading = [letter for letter in axes if letter in "TCZ"]
    if "S" in axes:
        # Next to T, so that a program which knows no samples shows them as one long film.
        leading.insert(leading.index("T") if "T" in leading else 0, "S")
    return "".join(leading) + "YX"


def stored_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which an OME-TIFF holds pixels of `dtype` without loss.

    Raises
    ------
    InputError
        If there is none.
    """
    stored = _STORED_AS.get(dtype.name, dtype.name)
    if stored not in _PIXEL_TYPES:
        raise InputError(
            f"OME-TIFF cannot hold pixels of type {dtype.name}. "
            f"Convert them to one of {', '.join(_PIXEL_TYPES)} first."
        )
    return np.dtype(stored)


def build_ome_xml(image: Image) -> bytes:
    """Describe an image as it is stored; ASCII, and the same for the same image."""
    root = ET.Element("OME", xmlns=_SCHEMA, Creator=f"napari-denoise {software_version()}")
    # No date: the same image has to give the same bytes.
    element = ET.SubElement(root, "Image", ID="Image:0", Name=_NOT_XML.sub("", image.name))
    pixels = ET.SubElement(element, "Pixels", _pixels_attributes(image))
    for channel in range(image.sizes.get("C", 1)):
        attributes = {"ID": f"Channel:0:{channel}", "SamplesPerPixel": "1"}
        if image.channel_names:
            attributes["Name"] = _NOT_XML.sub("", image.channel_names[channel])
        ET.SubElement(pixels, "Channel", attributes)
    n_planes = int(np.prod(image.pixels.shape, dtype=np.int64))
    n_planes //= image.sizes["Y"] * image.sizes["X"]
    ET.SubElement(pixels, "TiffData", IFD="0", PlaneCount=str(n_planes))
    ET.SubElement(element, "AnnotationRef", ID="Annotation:0")
    annotations = ET.SubElement(root, "StructuredAnnotations")
    comment = ET.SubElement(
        annotations, "CommentAnnotation", ID="Annotation:0", Namespace=METADATA_KEY
    )
    ET.SubElement(comment, "Value").text = _own_json(image)
    # ASCII, with all else escaped: TIFF's description is a 7-bit text.
    text: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=True)
    return text


def _pixels_attributes(image: Image) -> dict[str, str]:
    sizes = image.sizes
    # OME counts from the fastest axis on and wants all five; samples are counted as time points.
    order = stored_axes(image.axes).replace("ST", "T").replace("S", "T")[::-1]
    order += "".join(letter for letter in "CZT" if letter not in order)
    sizes["T"] = sizes.get("S", 1) * sizes.get("T", 1)
    attributes = {
        "ID": "Pixels:0",
        "DimensionOrder": order,
        "Type": _PIXEL_TYPES[stored_dtype(image.pixels.dtype).name],
        **{f"Size{letter}": str(sizes.get(letter, 1)) for letter in "XYZCT"},
    }
    for letter, size, unit in zip(image.axes, image.scale, image.units, strict=True):
        # One pixel per pixel is what a reader assumes; writing it would claim that it was measured.
        known = symbol(unit, letter) if letter in _SIZES else None
        if known and (size, unit) != (1.0, PIXEL):
            attribute = _SIZES[letter][0]
            attributes |= {attribute: repr(size), f"{attribute}Unit": known}
    return attributes


def _own_json(image: Image) -> str:
    # An origin of zero is left out, so that an image without one has the bytes it always had.
    origin = dict(zip(image.axes, image.origin, strict=True)) if any(image.origin) else None
    return json.dumps(
        {
            "axes": image.axes,
            "shape": image.shape,
            "dtype": image.dtype.name,
            "scale": dict(zip(image.axes, image.scale, strict=True)),
            "units": dict(zip(image.axes, image.units, strict=True)),
            **({"origin": origin} if origin else {}),
            "recipe": image.recipe.model_dump(mode="json") if image.recipe else None,
        }
    )


def parse_ome_xml(text: str) -> OmeImage:
    """Read what is said about the first image; text that is no XML says nothing."""
    try:
        # Entity bombs, the reason for S314, are refused by the expat that Python ≥ 3.11 ships.
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError:
        return OmeImage()
    # Any namespace: it has the year of the schema in it, and old files are still about.
    pixels = root.find("{*}Image/{*}Pixels")
    if pixels is None:
        return OmeImage()
    scale, units = _calibration(pixels)
    # A reader that wants a name per channel is better off without than with some empty ones.
    names = tuple(channel.get("Name", "") for channel in pixels.findall("{*}Channel"))
    own = _own(root)
    return OmeImage(
        # What OME-XML says wins, as another program may have corrected it there.
        scale={**(own.scale if own else {}), **scale},
        units={**(own.units if own else {}), **units},
        channel_names=names if all(names) else (),
        own=own,
    )


def _calibration(pixels: ET.Element) -> tuple[dict[str, float], dict[str, str]]:
    scale, units = {}, {}
    for letter, (attribute, default_unit) in _SIZES.items():
        try:
            scale[letter] = float(pixels.get(attribute, ""))
        except ValueError:
            continue
        # Where a unit is missing, the schema's default holds.
        units[letter] = unit_name(pixels.get(f"{attribute}Unit", default_unit))
    return scale, units


def _own(root: ET.Element) -> Own | None:
    """Our annotation; None where there is none, or another version of it, or a broken one."""
    path = f"{{*}}StructuredAnnotations/{{*}}CommentAnnotation[@Namespace='{METADATA_KEY}']"
    value = root.findtext(path + "/{*}Value", "")
    # Anything may stand there that another program wrote; what cannot be read counts as absent.
    try:
        said = json.loads(value)
        return Own(
            axes=str(said["axes"]),
            shape=tuple(int(size) for size in said["shape"]),
            dtype=np.dtype(said["dtype"]).name,
            scale={str(k): float(v) for k, v in said["scale"].items()},
            units={str(k): str(v) for k, v in said["units"].items()},
            origin={str(k): float(v) for k, v in said.get("origin", {}).items()},
            recipe=parse_recipe(said.get("recipe")),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def parse_recipe(values: object) -> Recipe | None:
    """The recipe a file holds; None where it holds none, or one of a version we cannot read."""
    try:
        return Recipe.model_validate(values)
    except ValidationError:
        return None
