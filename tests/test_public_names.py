"""What a notebook imports: complete, documented, and free until used."""

import subprocess
import sys

import pytest

import napari_denoise


@pytest.mark.parametrize("name", napari_denoise.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert getattr(napari_denoise, name).__doc__


def test_the_public_names_are_listed_and_others_refused():
    assert set(napari_denoise.__all__) < set(dir(napari_denoise))
    assert napari_denoise.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = napari_denoise.magic


@pytest.mark.parametrize(
    "module", ["napari_denoise", "napari_denoise.registry", "napari_denoise.cli"]
)
def test_importing_loads_neither_torch_nor_qt_nor_napari(module):
    heavy = "{'torch', 'qtpy', 'PyQt6', 'PySide6', 'napari'}"
    code = f"import sys, {module}; sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
