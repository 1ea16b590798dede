"""Real images that others publish: where they are, what they cost, and how to open them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pooch

from napari_denoise.core.errors import FileError, SettingsError
from napari_denoise.core.image import Image
from napari_denoise.io.images import read_image

__all__ = ["PUBLIC", "PublicSet", "fetch_public"]

_UM = "micrometer"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """A real image that others publish.

    Attributes
    ----------
    title : str
        What a menu calls it.
    url, sha256 : str
        Where the file is, and the checksum without which it is not opened.
    size_mb : float
        What the download takes at most, to be shown before it starts.
    licence, origin : str
        On which terms, and who took it or where that is told.
    axes, scale, units, channel_names
        What the file itself does not say.
    """

    title: str
    url: str
    sha256: str
    size_mb: float
    licence: str
    origin: str
    axes: str
    scale: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()


# One commit, so that a file and its checksum cannot drift apart. Checksums, scales and origins are
# those that scikit-image publishes beside its data; a test compares addresses and checksums.
_SCIKIT_IMAGE = (
    "https://gitlab.com/scikit-image/data/-/raw/2cdc5ce89b334d28f06a58c9f0ca21aa6992a5ba"
)

PUBLIC: dict[str, PublicSet] = {
    "cells3d": PublicSet(
        title="Human cells: membranes and nuclei (3D, two channels)",
        url=f"{_SCIKIT_IMAGE}/cells3d.tif",
        sha256="afc7c7d80d38bfde09788b4064ac1e64ec14e88454ab785ebdc8dbba5ca3b222",
        size_mb=15.8,
        licence="see origin",
        origin="Allen Institute for Cell Science, through scikit-image",
        axes="ZCYX",
        scale=(0.29, 1.0, 0.26, 0.26),
        units=(_UM, "pixel", _UM, _UM),
        channel_names=("membranes", "nuclei"),
    ),
    "kidney": PublicSet(
        title="Mouse kidney, confocal (3D, three channels)",
        url=f"{_SCIKIT_IMAGE}/kidney-tissue-fluorescence.tif",
        sha256="80c0799bc58b08cf6eaa53ecd202305eb42fd7bc73746cb6c5064dbeae7e8476",
        size_mb=25.2,
        licence="CC0-1.0",
        origin="Genevieve Buckley, Monash Micro Imaging 2018, through scikit-image",
        axes="ZYXC",
        scale=(1.25, 1.24, 1.24, 1.0),
        units=(*(_UM,) * 3, "pixel"),
        channel_names=("450 nm", "515 nm", "605 nm"),
    ),
    "lily": PublicSet(
        title="Lily of the valley, confocal (2D, four channels)",
        url=f"{_SCIKIT_IMAGE}/lily-of-the-valley-fluorescence.tif",
        sha256="395c2f0194c25b9824a8cd79266920362a0816bc9e906dd392adce2d8309af03",
        size_mb=6.9,
        licence="CC0-1.0",
        origin="Genevieve Buckley, Monash Micro Imaging 2018, through scikit-image",
        axes="YXC",
        scale=(1.24, 1.24, 1.0),
        units=(_UM, _UM, "pixel"),
    ),
    "mitosis": PublicSet(
        title="Human cells in mitosis, high-content screen (2D)",
        url=f"{_SCIKIT_IMAGE}/AS_09125_050116030001_D03f00d0.tif",
        sha256="2751ba667c4067c5d30817cff004aa06f6f6287f1cdbb5b8c9c6a500308cb456",
        size_mb=0.4,
        licence="CC0-1.0",
        origin="Moffat et al. 2006, doi:10.1016/j.cell.2006.01.040, through scikit-image",
        axes="YX",
    ),
    "nuclear_envelope": PublicSet(
        title="Protein moving to the nuclear envelope (time-lapse, two channels)",
        url=f"{_SCIKIT_IMAGE}/NPCsingleNucleus.tif",
        sha256="a8e24e8d187f33e92ee28508d5615286c850ca75374af7e74e527d290e8b06ea",
        size_mb=1.1,
        licence="see origin",
        origin="https://gitlab.com/scikit-image/data",
        axes="TCYX",
    ),
    "flywing": PublicSet(
        title="Fly wing at low light (3D)",
        url="https://download.fht.org/jug/n2v/flywing-data.zip",
        sha256="01106b6dc096c423babfca47ef27059a01c2ca053769da06e8649381089a559f",
        size_mb=10.2,
        licence="CC-BY-4.0",
        origin="Buchholz et al. 2020, doi:10.48550/arXiv.2005.02987",
        axes="ZYX",
    ),
}
"""Public images by name, none of which is fetched before someone asks for it."""


def fetch_public(name: str, *, folder: Path | None = None) -> Image:
    """Open a public image, downloading it the first time.

    Parameters
    ----------
    name : str
        A key of :data:`PUBLIC`.
    folder : Path, optional
        Where downloads are kept; the user's cache if not given.

    Returns
    -------
    Image
        Lazy, with the axes, scale and channel names that its makers state.

    Raises
    ------
    SettingsError
        If there is no such image.
    FileError
        If it cannot be downloaded, or is not the file that was published.
    """
    if name not in PUBLIC:
        raise SettingsError(
            f"There is no public image {name!r}. Choose one of {', '.join(PUBLIC)}."
        )
    public = PUBLIC[name]
    image = read_image(_download(name, public, folder), axes=public.axes)
    return replace(
        image,
        scale=public.scale or image.scale,
        units=public.units or image.units,
        channel_names=public.channel_names or image.channel_names,
        name=name,
    )


def _download(name: str, public: PublicSet, folder: Path | None) -> Path:
    """The file in the cache; of an archive, the image in it."""
    ending = Path(public.url).suffix
    # pooch says on stderr what it fetches; the docks say it themselves.
    pooch.get_logger().setLevel("WARNING")
    try:
        found = pooch.retrieve(
            public.url,
            f"sha256:{public.sha256}",
            fname=name + ending,
            path=folder or pooch.os_cache("napari-denoise"),
            processor=pooch.Unzip() if ending == ".zip" else None,
        )
    except ValueError as error:  # how pooch says that the checksum differs
        raise FileError(
            f"What {public.url} delivers is not the published file. Try again later; the "
            f"download was thrown away."
        ) from error
    except OSError as error:
        raise FileError(
            f"{public.title} could not be downloaded from {public.url}. Check the network and "
            f"the space left, then try again."
        ) from error
    files = sorted(Path(path) for path in ([found] if isinstance(found, str) else found))
    return next(path for path in files if path.suffix in {".tif", ".tiff"})
