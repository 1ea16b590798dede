"""What all networks have in common."""

from __future__ import annotations

from torch import nn

from napari_denoise.learning.networks.architecture import Architecture

__all__ = ["Network"]


class Network(nn.Module):
    """A network that knows its shape.

    Attributes
    ----------
    architecture : Architecture
        From which :meth:`Architecture.make_network` makes another one like it.
    """

    architecture: Architecture
