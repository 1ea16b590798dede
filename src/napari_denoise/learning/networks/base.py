"""What all networks have in common."""

from __future__ import annotations

from typing import Any

from torch import nn

from napari_denoise.core.progress import Job, Progress, run
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

    def steps(self, *args: Any, **kwargs: Any) -> Job[Any]:
        """The forward pass as a job, so it can be cancelled; for most networks the fast way, too.

        Networks that take long report after each layer, as the time between two reports is the
        time that Cancel takes.
        """
        yield Progress(fraction=0.0)
        return self(*args, **kwargs)

    def focused(self, core: tuple[slice, ...]) -> Any:
        """The network for a tile of which only a part is wanted, one slice per spatial axis.

        Where that saves no work, it is the network itself.
        """
        del core
        return self

    def compute(self, *args: Any, **kwargs: Any) -> Any:
        """The forward pass the fast way, in one go: what :meth:`steps` gives."""
        return run(self.steps(*args, **kwargs))
