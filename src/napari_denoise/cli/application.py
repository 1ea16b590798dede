"""The commands put together, and what happens to a user's mistake."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from napari_denoise.cli.calibrate import calibrate
from napari_denoise.cli.denoise import apply, denoise
from napari_denoise.cli.measure import measure
from napari_denoise.cli.methods import methods
from napari_denoise.cli.output import say
from napari_denoise.cli.simulate import simulate
from napari_denoise.cli.sweep import sweep
from napari_denoise.cli.train import train
from napari_denoise.cli.zoo import export, import_package
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.recipe import software_version

__all__ = ["app", "main"]

app = typer.Typer(
    name="napari-denoise",
    help="Denoise fluorescence microscopy images, and measure how good the result is.",
    no_args_is_help=True,
    add_completion=False,
    # A fault of ours shows as a plain traceback, which can be searched for and pasted.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,  # noqa: FBT002
) -> None:
    if version:
        say(software_version())
        raise typer.Exit


for _command in (methods, simulate, denoise, train, sweep, apply, measure, calibrate, export):
    app.command()(_command)
app.command(name="import")(import_package)


def main() -> None:
    """Run the command line; a user's mistake ends with one sentence and exit code 2."""
    try:
        app()
    except DenoiseError as error:
        # 2 as for a wrong option: both are put right by calling again, otherwise.
        sys.stderr.write(f"napari-denoise: {error}\n")
        sys.exit(2)
