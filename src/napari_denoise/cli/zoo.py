"""``export`` and ``import``: models to and from the BioImage Model Zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_denoise.cli.output import say
from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.models.zoo import ZooCard, export_model_job

__all__ = ["export", "import_package"]


def _help(name: str) -> str:
    return str(ZooCard.model_fields[name].description)


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file (.safetensors).")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Package to write (.zip).")],
    *,
    title: Annotated[str, typer.Option(help=_help("title"))],
    authors: Annotated[str, typer.Option(help=_help("authors"))],
    description: Annotated[str, typer.Option(help=_help("description"))] = "",
    licence: Annotated[str, typer.Option("--license", help=_help("license"))] = "CC-BY-4.0",
) -> None:
    """Write a model as a package of the BioImage Model Zoo, which other programs can run."""
    card = ZooCard(title=title, authors=authors, description=description, license=licence)
    card.check()
    run_with_bar(export_model_job(load_model(model), out, card), f"exporting {model.stem}")
    say(str(out))


def import_package(
    package: Annotated[Path, typer.Argument(metavar="PACKAGE", help="Package of the zoo (.zip).")],
    out: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file to write.")],
) -> None:
    """Take the model out of a package that napari-denoise exported."""
    save_model(load_model(package), out)
    say(str(out))
