"""The command line: the same jobs as the docks, on files."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from napari_denoise import registry
from napari_denoise.axes import Layout
from napari_denoise.console import run_with_bar
from napari_denoise.denoiser import Denoiser, denoise
from napari_denoise.errors import DenoiseError, FileError, SettingsError
from napari_denoise.io.images import Image, check_destination, read_image, write_image
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.metrics import compare
from napari_denoise.noise import add_noise, calibrate, calibrate_repeats
from napari_denoise.recipe import Recipe, software_version
from napari_denoise.settings import make_settings
from napari_denoise.stabilized import Stabilized

__all__ = ["app", "main"]

app = typer.Typer(
    name="napari-denoise",
    help="Denoise fluorescence microscopy images, and measure how good the result is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
_NOISE_NAMES = ", ".join(noise.tag() for noise in registry.NOISES)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def _common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,  # noqa: FBT002
) -> None:
    if version:
        _print(software_version())
        raise typer.Exit


@app.command()
def methods(*, as_json: AsJson = False) -> None:
    """Every denoiser with its settings, their defaults and bounds."""
    described = registry.describe_methods()
    if as_json:
        _print(json.dumps(described, indent=2))
        return
    for method in described:
        _print(f"{method['name']} ({method['kind']}) – {method['title']}: {method['summary']}")
        for field in method["settings"]:
            _print(f"    {_setting_line(field)}")


@app.command()
def simulate(
    source: Input,
    out: Output,
    *,
    noise: Annotated[str, typer.Option(help=f"One of: {_NOISE_NAMES}.")],
    settings: Set = None,
    seed: Seed = 0,
    axes: Axes = None,
    dtype: DType = "same",
) -> None:
    """Add simulated noise to a clean image."""
    model = make_settings(registry.noise_class(noise), _parse_settings(settings))
    image = _open(source, axes, out)
    rng = np.random.default_rng(seed)
    kind = _dtype(dtype, image)
    result = run_with_bar(
        add_noise(model, image.pixels, rng=rng, axes=image.axes, dtype=kind),
        f"adding {model.title}",
    )
    recipe = Recipe.of(
        "simulate",
        model,
        dtype=str(kind),
        seed=seed,
        source=image.name,
        axes=image.axes,
        previous=image.recipe,
    )
    _save(out, result.image, image, recipe, result.n_clipped)


@app.command("denoise")
def denoise_command(
    source: Input,
    out: Output,
    *,
    method: Annotated[str, typer.Option(help="A filter's name; see methods.")],
    settings: Set = None,
    axes: Axes = None,
    spatial: SpatialAxes = Spatial.YX,
    dtype: DType = "float32",
    stabilize: Annotated[
        bool,
        typer.Option(
            "--stabilize",
            help="Even out photon noise first; the camera is measured on the image.",
        ),
    ] = False,
) -> None:
    """Apply a filter."""
    denoiser: Denoiser = make_settings(registry.filter_class(method), _parse_settings(settings))
    if stabilize:
        denoiser = Stabilized(denoiser=denoiser)
    image = _open(source, axes, out)
    _denoise(denoiser, image, Layout(image.axes, spatial.value), out, dtype)


@app.command()
def train(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Images to learn from.")],
    *,
    method: Annotated[str, typer.Option(help="A learned method's name; see methods.")],
    model: Annotated[Path, typer.Option(help="Model file to write (.safetensors).")],
    settings: Set = None,
    axes: Axes = None,
    spatial: SpatialAxes = Spatial.YX,
    channels: ChannelRole = Channels.INDEPENDENT,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a model. Ctrl-C once stops and keeps what was learned; twice discards it."""
    chosen = make_settings(registry.method_class(method), _parse_settings(settings))
    _check_model_path(model)
    images = [read_image(path, axes=axes) for path in sources]
    layouts = [Layout(image.axes, spatial.value, channels.value) for image in images]
    from napari_denoise.learning.bundle import save_model  # noqa: PLC0415
    from napari_denoise.learning.training import TrainingImage  # noqa: PLC0415
    from napari_denoise.learning.training import train as training  # noqa: PLC0415

    stacks = [
        TrainingImage(image.pixels, layout, image.name)
        for image, layout in zip(images, layouts, strict=True)
    ]
    start = time.perf_counter()
    job = training(chosen, stacks, seed=seed, device=device)
    trained = run_with_bar(job, f"training {chosen.title}", stoppable=True)
    seconds = time.perf_counter() - start
    save_model(trained, model)
    last = trained.history[-1]
    report = {
        "method": method,
        "model": str(model),
        "steps": last.step,
        "seconds": round(seconds, 3),
        "loss": last.loss,
        "validation_loss": last.validation_loss,
        "seed": seed,
    }
    _print(json.dumps(report) if as_json else _training_line(report))


@app.command()
def apply(
    source: Input,
    out: Output,
    *,
    model: Annotated[Path, typer.Option(help="Model file (.safetensors).")],
    axes: Axes = None,
    dtype: DType = "float32",
    device: Device = "auto",
) -> None:
    """Apply a trained model."""
    denoiser = ModelDenoiser(path=model, device=device)
    image = _open(source, axes, out)
    _denoise(denoiser, image, denoiser.layout_for(image.axes), out, dtype)


@app.command()
def measure(
    clean: Annotated[Path, typer.Argument(metavar="CLEAN", help="The reference.")],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The image to measure.")],
    *,
    data_range: Annotated[
        float, typer.Option(help="Largest minus smallest possible intensity; 255 for 8 bit.")
    ],
    axes: Axes = None,
    as_json: AsJson = False,
) -> None:
    """PSNR, SSIM and NRMSE against a clean image."""
    reference, other = (read_image(path, axes=axes) for path in (clean, image))
    job = compare(_planes_last(reference), _planes_last(other), data_range=data_range)
    scores = asdict(run_with_bar(job, "measuring"))
    if as_json:
        finite = {k: v if math.isfinite(v) else None for k, v in scores.items()}
        _print(json.dumps(finite))
    else:
        _print(
            f"PSNR {scores['psnr']:.2f} dB (data range {data_range:g})   "
            f"SSIM {scores['ssim']:.4f}   NRMSE {scores['nrmse']:.4f}"
        )


@app.command("calibrate")
def calibrate_command(
    source: Input,
    *,
    axes: Axes = None,
    channel: Annotated[
        int | None, typer.Option(help="Channel to measure, from 0; needed if there are several.")
    ] = None,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="The frames along T show one unchanging field.")
    ] = False,
    dark: Annotated[
        Path | None, typer.Option(help="Frames without light; with --repeats only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure gain, offset and read noise of a detector on one of its images."""
    if dark and not repeats:
        raise SettingsError("--dark needs repeats to go with it. Add --repeats.")
    image = read_image(source, axes=axes)
    if repeats:
        darkness = read_image(dark).pixels if dark else None
        job = calibrate_repeats(image.pixels, image.axes, dark=darkness, channel=channel)
    else:
        job = calibrate(image.pixels, image.axes, channel=channel)
    found = run_with_bar(job, "measuring the noise")
    _print(found.model_dump_json() if as_json else found.summary())


def main() -> None:
    """Run the command line; a user's mistake ends with one sentence and exit code 2."""
    try:
        app()
    except DenoiseError as error:
        sys.stderr.write(f"napari-denoise: {error}\n")
        sys.exit(2)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _setting_line(field: dict[str, Any]) -> str:
    bounds = [
        f"{sign} {field[key]:g}"
        for key, sign in (
            ("minimum", ">" if field["exclusive_minimum"] else "≥"),
            ("maximum", "<" if field["exclusive_maximum"] else "≤"),
        )
        if field[key] is not None
    ]
    allowed = " | ".join(field["choices"]) or ", ".join(bounds)
    unit = f" {field['unit']}" if field["unit"] else ""
    return f"{field['name']}={field['default']}{unit} [{allowed}]: {field['description']}"


def _training_line(report: dict[str, Any]) -> str:
    validation = report["validation_loss"]
    return (
        f"{report['steps']} steps in {report['seconds']:.1f} s, loss {report['loss']:.4g}"
        + (f", validation loss {validation:.4g}" if validation is not None else "")
        + f" → {report['model']}"
    )


def _parse_settings(pairs: Sequence[str] | None) -> dict[str, str]:
    values = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"--set {pair!r} cannot be read. Write it as NAME=VALUE.")
        values[name.strip()] = value.strip()
    return values


def _open(source: Path, axes: str | None, out: Path) -> Image:
    """Read the input, and find out now whether the result can be written later."""
    image = read_image(source, axes=axes)
    if out.exists() and source.exists() and out.samefile(source):
        raise FileError(f"{out} is the input itself. Choose another name for the result.")
    check_destination(out)
    return image


def _check_model_path(path: Path) -> None:
    if path.suffix != ".safetensors":
        raise FileError(f"{path} is no name for a model. Let it end in .safetensors.")
    if not path.parent.is_dir():
        raise FileError(f"There is no folder {path.parent}. Make it first, or choose another.")


def _dtype(name: str, image: Image) -> np.dtype[Any]:
    try:
        dtype = image.pixels.dtype if name == "same" else np.dtype(name)
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in "uif":
        raise SettingsError(f"There is no dtype {name!r}. Use same, float32, uint8, uint16, ….")
    return dtype


def _denoise(denoiser: Denoiser, image: Image, layout: Layout, out: Path, dtype: str) -> None:
    kind = _dtype(dtype, image)
    job = denoise(denoiser, image.pixels, layout, dtype=kind)
    result = run_with_bar(job, f"applying {denoiser.label}")
    recipe = Recipe.of(
        "denoise", denoiser, layout, source=image.name, dtype=str(kind), previous=image.recipe
    )
    _save(out, result.image, image, recipe, result.n_clipped)


def _save(out: Path, pixels: Any, source: Image, recipe: Recipe, n_clipped: int) -> None:
    write_image(
        out,
        pixels,
        axes=source.axes,
        scale=source.scale,
        units=source.units,
        channel_names=source.channel_names,
        recipe=recipe,
    )
    clipped = f" ({n_clipped} pixels clipped to {pixels.dtype})" if n_clipped else ""
    _print(f"{out}{clipped}")


def _planes_last(image: Image) -> Any:
    """The pixels with axes in the canonical order, Y and X last, so that planes are planes."""
    order = sorted(image.axes, key="STCZYX".index)
    return image.pixels.transpose([image.axes.index(letter) for letter in order])
