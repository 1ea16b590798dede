"""The command line: the same jobs as the docks, on files."""

from napari_denoise.cli.application import app, main

__all__ = ["app", "main"]
