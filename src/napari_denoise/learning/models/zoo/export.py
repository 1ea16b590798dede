"""Write a model as a package of the BioImage Model Zoo, and put it to the test."""

from __future__ import annotations

import os
import re
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from napari_denoise.core.atomic_write import atomic_write
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import FileError, ModelError
from napari_denoise.core.progress import Job, Progress
from napari_denoise.learning.models.file import save_model
from napari_denoise.learning.models.model import Model
from napari_denoise.learning.models.package import MODEL_FILE, is_package
from napari_denoise.learning.models.zoo.card import ZooCard
from napari_denoise.learning.models.zoo.extra import quiet, require_bioimageio

__all__ = ["export_model_job"]

_AXES = {"Z": ("space", "z"), "T": ("time", "time"), "Y": ("space", "y"), "X": ("space", "x")}
_DOI = re.compile(r"\bdoi:(10\.\S+)")
_ARXIV = re.compile(r"\barXiv:(\S+)")
_WEIGHTS = "weights.pt"
_TEST_FILES = ("test_input.npy", "test_output.npy")
_SPECIFICATION = "https://doi.org/10.1101/2022.06.07.495102"


def export_model_job(model: Model, path: str | os.PathLike[str], card: ZooCard) -> Job[None]:
    """Write a package that other programs can run without this one.

    The network is TorchScript that takes and gives images in their own intensities. Our model file
    lies beside it, so :func:`~napari_denoise.load_model` gives back the same model.
    Before it gets its name the package passes the zoo's own validator, and its network is run; an
    existing file is replaced.

    Raises
    ------
    SettingsError
        If the card lacks something.
    ModelError
        If models of this method cannot be exported, the extra ``bioimageio`` is not installed, or
        the validator refuses the package.
    FileError
        If the folder is missing or cannot be written to.
    """
    path = Path(path)
    card.check()
    _check_place(path)
    require_bioimageio()
    yield Progress(fraction=0.0, message="tracing the network")
    with TemporaryDirectory() as name:
        parts, package = Path(name) / "parts", Path(name) / "package"
        parts.mkdir()
        _write_parts(parts, model, card)
        yield Progress(fraction=0.3, message="describing the model")
        _write_package(package, parts, model, card)
        yield Progress(fraction=0.5, message="testing the package")
        _test(package)
        yield Progress(fraction=0.9, message="saving")
        _zip(package, path)


def _check_place(path: Path) -> None:
    if not is_package(path):
        raise FileError(f"A package of the zoo is a .zip file, and {path.name} is none. Rename it.")
    if not path.parent.is_dir():
        raise FileError(f"There is no folder {path.parent}. Choose one that exists.")


def _write_parts(folder: Path, model: Model, card: ZooCard) -> None:
    """All files of the package but its description."""
    # Imported here: the docks import this module, and must not pay for torch.
    import torch  # noqa: PLC0415

    from napari_denoise.learning.models.zoo.graph import image_graph, torchscript_of  # noqa: PLC0415

    graph = image_graph(model)
    noisy = _test_image(model)
    # The smallest size that needs no padding is enough to trace, and quick.
    corner = tuple(slice(size) for size in _traced_size(model))
    batch = torch.from_numpy(noisy)
    content = torchscript_of(graph, batch[(slice(None), slice(None), *corner)])
    (folder / _WEIGHTS).write_bytes(content)
    with torch.inference_mode():
        cleaned = graph(batch).numpy()
    for name, array in zip(_TEST_FILES, (noisy, cleaned), strict=True):
        np.save(folder / name, array)
    # A package is for sharing, not for going on with an interrupted training.
    save_model(model.model_copy(update={"checkpoint": None}), folder / MODEL_FILE)
    (folder / "README.md").write_text(_readme(model, card), encoding="utf-8")


def _traced_size(model: Model) -> tuple[int, ...]:
    """A few of the network's smallest steps; and planes enough to mirror."""
    return tuple(max(2 * step, 4) for step in model.architecture.alignment())


def _sizes(model: Model) -> list[tuple[int, int]]:
    """Per spatial axis the smallest size of which something remains without the halo; its step."""
    extents = zip(model.architecture.halo(), model.architecture.alignment(), strict=True)
    return [(ceil((2 * halo + 1) / step) * step, step) for halo, step in extents]


def _test_image(model: Model) -> FloatArray:
    """Noise of the strength the model knows around a few blobs, ``1C(Z)YX``."""
    rng = np.random.default_rng(0)
    shape = tuple(smallest for smallest, _ in _sizes(model))
    places = np.meshgrid(*(np.linspace(0, 3 * np.pi, n) for n in shape), indexing="ij")
    blobs = np.prod([1 + np.sin(place) for place in places], axis=0) / 2
    return model.normalization.example(blobs, rng)[None]


def _write_package(package: Path, parts: Path, model: Model, card: ZooCard) -> None:
    from bioimageio.spec import save_bioimageio_package_as_folder  # noqa: PLC0415

    with quiet():
        save_bioimageio_package_as_folder(_description(parts, model, card), output_path=package)


def _description(folder: Path, model: Model, card: ZooCard) -> Any:
    import torch  # noqa: PLC0415
    from bioimageio.spec.model import v0_5  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    words = f"{model.method.title} for {model.in_words()}."
    try:
        return v0_5.ModelDescr(
            name=card.title,
            description=card.description or words,
            authors=[v0_5.Author(name=name) for name in card.author_names()],
            license=card.license,
            cite=[v0_5.CiteEntry(**entry) for entry in _citations(model)],
            documentation=v0_5.FileDescr(source=folder / "README.md"),
            attachments=[v0_5.FileDescr(source=folder / MODEL_FILE)],
            tags=_tags(model),
            inputs=[v0_5.InputTensorDescr(**_tensor(folder, model, is_input=True))],
            outputs=[v0_5.OutputTensorDescr(**_tensor(folder, model, is_input=False))],
            weights=v0_5.WeightsDescr(
                torchscript=v0_5.TorchscriptWeightsDescr(
                    source=folder / _WEIGHTS,
                    pytorch_version=v0_5.Version(torch.__version__.partition("+")[0]),
                )
            ),
        )
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"][:1])
        raise ModelError(
            f"The zoo's format does not take this {place or 'model'} ({problem['msg']}). Change it "
            f"and export again."
        ) from error


def _tensor(folder: Path, model: Model, *, is_input: bool) -> dict[str, Any]:
    """A tensor's description as plain values."""
    name = "input" if is_input else "output"
    channels = [f"channel{i}" for i in range(model.n_channels)]
    axes: list[dict[str, Any]] = [
        {"type": "batch"},
        {"type": "channel", "channel_names": channels},
    ]
    extents = zip(model.spatial, _sizes(model), model.architecture.halo(), strict=True)
    for letter, (smallest, step), halo in extents:
        kind, axis = _AXES[letter]
        own = {"size": {"min": smallest, "step": step}}
        same = {"size": {"tensor_id": "input", "axis_id": axis}, "halo": halo}
        axes.append({"type": kind, "id": axis, **(own if is_input else same)})
    return {
        "id": name,
        "description": "the noisy image" if is_input else "the image without its noise",
        "axes": axes,
        "test_tensor": {"source": folder / _TEST_FILES[not is_input]},
        "data": {"type": "float32"},
    }


def _citations(model: Model) -> list[dict[str, str]]:
    """The method's papers; the zoo's own, which every package may cite, where there is none."""
    entries = []
    for text in filter(None, model.method.citation.split(";")):
        doi, arxiv = _DOI.search(text), _ARXIV.search(text)
        name = text.partition(", doi:")[0].partition(", arXiv:")[0].strip()
        if doi:
            entries.append({"text": name, "doi": doi[1].rstrip(".,")})
        elif arxiv:
            entries.append({"text": name, "doi": f"10.48550/arXiv.{arxiv[1].rstrip('.,')}"})
    return entries or [{"text": "BioImage Model Zoo", "url": _SPECIFICATION}]


def _tags(model: Model) -> list[str]:
    dimensions = f"{len(model.spatial)}d"
    return ["denoising", "fluorescence-light-microscopy", dimensions, model.method.tag(), "pytorch"]


def _readme(model: Model, card: ZooCard) -> str:
    title, words = model.method.title, model.in_words()
    return f"""# {card.title}

{card.description}

A denoiser for {words}, trained with {title} ({model.method.citation or "no publication"}) for
{model.n_steps} steps with napari-denoise {model.version}.

It takes and gives images in their own intensities as float32: normalisation is part of the network.
A model is made for its microscope: on images of another camera, gain or exposure train a new one.

## Use
Any program that runs TorchScript can apply it. In napari-denoise open the package in the *Denoise*
dock, or run `napari-denoise apply noisy.tif clean.tif --model package.zip`. It holds the model as
napari-denoise saves it, too (`{MODEL_FILE}`).

## Validation
Compare the result with an image of the same field that was taken with more light (PSNR, SSIM).
Without one, look at the noisy image less the result: it should be noise without structure, and its
mean should be zero wherever the image is bright or dark.
"""


def _test(package: Path) -> None:
    """Read the package as another program would, and run its network on the test image.

    Raises
    ------
    ModelError
        If the zoo's validator finds fault with it, or the result is another.
    """
    import torch  # noqa: PLC0415
    from bioimageio.spec import load_description  # noqa: PLC0415

    from napari_denoise.learning.models.zoo.graph import read_torchscript  # noqa: PLC0415

    with quiet():
        summary = load_description(package / "rdf.yaml").validation_summary
    if summary is None or summary.status == "failed":
        details = summary.details if summary else ()
        faults = [error.msg for detail in details for error in detail.errors]
        raise ModelError(f"The zoo's validator refuses the package: {'; '.join(faults)}.")
    network = read_torchscript((package / _WEIGHTS).read_bytes(), torch.device("cpu"))
    noisy, cleaned = (np.load(package / name) for name in _TEST_FILES)
    with torch.inference_mode():
        again = network(torch.from_numpy(noisy)).numpy()
    if not np.allclose(again, cleaned, rtol=1e-3, atol=1e-3 * float(np.ptp(cleaned))):
        raise ModelError(
            "The exported network gives another result than the model. Tell the developers; the "
            "model itself is sound."
        )


def _zip(package: Path, path: Path) -> None:
    with atomic_write(path) as part, ZipFile(part, "w", ZIP_DEFLATED) as archive:
        for file in sorted(package.iterdir()):
            archive.write(file, file.name)
