"""Functions from layer to layer, with annotations that magicgui makes a widget of.

``magicgui(denoise_layer)`` is a small dock of one's own; a function of one's own around them shows
what one wants to be asked for, and nothing else. They return when the work is done, and the window
waits for them: what takes longer belongs into the docks, which can be cancelled.

napari is not imported before a function is called, so that they can be listed among the public
names where there is no napari. magicgui finds the one annotation that is text by itself; the others
have to be there, so this module does without postponed annotations.
"""

from typing import TYPE_CHECKING, Annotated, Any

from napari_denoise.core.denoiser import Denoiser
from napari_denoise.noise import PRESETS, Noise
from napari_denoise.registry import denoisers, make_denoiser

if TYPE_CHECKING:
    import napari.layers

__all__ = ["add_noise_to_layer", "denoise_layer"]

_SPATIAL = ("YX", "ZYX", "TYX")


def _method_choices(_box: Any) -> list[tuple[str, str]]:
    return [(cls.title, cls.tag()) for cls in denoisers()]


def _noise_choices(_box: Any) -> list[tuple[str, Noise]]:
    return [(preset.title, preset.noise) for preset in PRESETS]


def denoise_layer(
    layer: "napari.layers.Image",
    method: Annotated[
        str | Denoiser, {"widget_type": "ComboBox", "choices": _method_choices}
    ] = "instant",
    spatial: Annotated[
        str | None, {"widget_type": "ComboBox", "choices": _SPATIAL, "nullable": True}
    ] = None,
) -> "napari.layers.Image":
    """Denoise a layer.

    Parameters
    ----------
    layer : napari.layers.Image
        Its axis labels say which axis is which.
    method : str or Denoiser
        The name of a denoiser, such as "instant" or "nlm"; or its settings, such as
        ``Median(size=5)``.
    spatial : str, optional
        The axes the method treats as space: "YX" (the default), "ZYX", or "TYX" for time as
        depth. A model knows its own.

    Returns
    -------
    napari.layers.Image
        A new layer, named ``<layer> · <method>``, where the layer is and with its colours. As a
        widget in napari adds it, it goes to the viewer.

    Raises
    ------
    InputError, AxesError, SettingsError
        If the layer, its axes or the method do not fit.
    """
    from napari_denoise._napari.shared.layers import read_layer  # noqa: PLC0415
    from napari_denoise._napari.shared.results import result_layer  # noqa: PLC0415
    from napari_denoise.api import denoise  # noqa: PLC0415

    denoiser = make_denoiser(method)
    result = denoise(read_layer(layer), denoiser, spatial=spatial)
    return result_layer(layer, result, label=denoiser.label, is_image=denoiser.gives_image)


def add_noise_to_layer(
    layer: "napari.layers.Image",
    noise: Annotated[Noise, {"widget_type": "ComboBox", "choices": _noise_choices}] = PRESETS[
        0
    ].noise,
    seed: int = 0,
) -> "napari.layers.Image":
    """Simulate what a detector would have recorded of a clean layer.

    Parameters
    ----------
    layer : napari.layers.Image
    noise : noise model
        Such as ``PoissonNoise(photons=20)``.
    seed : int
        The same seed gives the same noise.

    Returns
    -------
    napari.layers.Image
        A new layer, named ``<layer> · <noise> noise``, of the layer's type.

    Raises
    ------
    InputError, AxesError
        If the layer or its axes do not fit.
    """
    from napari_denoise._napari.shared.layers import read_layer  # noqa: PLC0415
    from napari_denoise._napari.shared.results import result_layer  # noqa: PLC0415
    from napari_denoise.api import add_noise  # noqa: PLC0415

    noisy = add_noise(read_layer(layer), noise, seed=seed)
    made = result_layer(layer, noisy, label=f"{noise.label} noise")
    if noise.has_own_units:
        made.reset_contrast_limits()
    return made
