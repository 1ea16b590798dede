"""What the zoo asks about a model that its file does not tell."""

from __future__ import annotations

import re

from napari_denoise.core.errors import SettingsError
from napari_denoise.core.settings import Settings, setting

__all__ = ["ZooCard"]

_TITLE = re.compile(r"[\w+\- ()]{5,64}", re.ASCII)


class ZooCard(Settings):
    """How a model is presented in the BioImage Model Zoo."""

    title: str = setting("", "5 to 64 letters, digits, spaces, or + - _ ( ); what it cleans.")
    authors: str = setting("", "Who trained it; several with commas between.")
    description: str = setting("", "One sentence: on what images it was trained, and for which.")
    license: str = setting("CC-BY-4.0", "Under which others may use it, as in spdx.org/licenses.")

    def author_names(self) -> tuple[str, ...]:
        """The authors one by one."""
        return tuple(name.strip() for name in self.authors.split(",") if name.strip())

    def check(self) -> None:
        """Refuse a card that the zoo would not take.

        Raises
        ------
        SettingsError
            If the title is missing, too long, or has other characters; if there is no author.
        """
        if not _TITLE.fullmatch(self.title):
            raise SettingsError(
                f"The title {self.title!r} cannot be used. Give one of 5 to 64 letters, digits, "
                f"spaces, or + - _ ( )."
            )
        if not self.author_names():
            raise SettingsError("The zoo asks who made a model. Give at least one author.")
