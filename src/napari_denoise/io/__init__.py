"""Reading and writing image files; :mod:`napari_denoise.io.images` is the way in."""
