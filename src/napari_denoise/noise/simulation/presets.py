"""Noise as typical detectors have it, under names that a microscopist knows."""

from __future__ import annotations

from dataclasses import dataclass

from napari_denoise.core.errors import SettingsError
from napari_denoise.noise.simulation.base import Noise
from napari_denoise.noise.simulation.detectors import CameraNoise, ScmosNoise
from napari_denoise.noise.simulation.kinds import GaussianNoise

__all__ = ["PRESETS", "Preset", "preset"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A noise model with settings that belong together.

    Attributes
    ----------
    name : str
        For the command line.
    title : str
        For people.
    noise : Noise
    """

    name: str
    title: str
    noise: Noise


PRESETS: tuple[Preset, ...] = (
    Preset("emccd", "EMCCD, few photons", CameraNoise.emccd()),
    Preset("scmos", "sCMOS, fixed pattern", ScmosNoise()),
    Preset("pmt", "PMT, confocal 8 bit", CameraNoise.pmt()),
    Preset("gaussian_0.07", "Gaussian, 0.07 of range", GaussianNoise(sigma=0.07, unit="range")),
)


def preset(name: str) -> Noise:
    """The noise of the preset called `name`; SettingsError if there is none."""
    by_name = {known.name: known.noise for known in PRESETS}
    if name not in by_name:
        raise SettingsError(f"There is no preset {name!r}. Choose from: {', '.join(by_name)}.")
    return by_name[name]
