"""What a user can say on the command line: the options the commands share."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_denoise.core.errors import SettingsError

__all__ = [
    "AsJson",
    "Axes",
    "ChannelRole",
    "Channels",
    "DType",
    "Device",
    "Input",
    "Output",
    "Seed",
    "Set",
    "Spatial",
    "SpatialAxes",
    "parse_settings",
]


class Spatial(StrEnum):
    """Which axes are space."""

    YX = "YX"
    ZYX = "ZYX"
    TYX = "TYX"


class Channels(StrEnum):
    """How channels are seen."""

    INDEPENDENT = "independent"
    JOINT = "joint"


Input = Annotated[Path, typer.Argument(metavar="IN", help="TIFF, OME-TIFF, PNG or OME-Zarr.")]
Output = Annotated[Path, typer.Argument(metavar="OUT", help="OME-TIFF to write (.tif).")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting; may be given several times."),
]
Axes = Annotated[
    str | None, typer.Option(help="The image's axes, such as ZYX; overrides what the file says.")
]
SpatialAxes = Annotated[Spatial, typer.Option(help="The axes a method treats as space.")]
ChannelRole = Annotated[Channels, typer.Option(help="Channels one at a time, or all at once.")]
DType = Annotated[
    str, typer.Option(help="Type of the result: float32, same (as the input), uint16, …")
]
Seed = Annotated[int, typer.Option(help="Seed of the random numbers.", min=0)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda:0, …, or mps.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def parse_settings(pairs: Sequence[str] | None) -> dict[str, str]:
    """The settings given as NAME=VALUE.

    Raises
    ------
    SettingsError
        If one of them has no name or no equals sign.
    """
    values = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"--set {pair!r} cannot be read. Write it as NAME=VALUE.")
        values[name.strip()] = value.strip()
    return values
