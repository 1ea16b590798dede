"""What a command says on standard output."""

from __future__ import annotations

import sys

__all__ = ["say"]


def say(text: str) -> None:
    """Print one line on standard output."""
    sys.stdout.write(text + "\n")
