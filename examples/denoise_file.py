"""Denoise a file: ``python examples/denoise_file.py noisy.tif clean.ome.tif [METHOD]``."""

import sys

import napari_denoise as nd

source, out, *method = sys.argv[1:]

# Nothing is loaded yet: the pixels are read tile by tile while they are denoised.
noisy = nd.read_image(source)
print(noisy)

# "instant" needs neither training nor settings; others are "nlm", "bm3d", "gaussian", ….
clean = nd.denoise(noisy, *method, progress=True)

# Axes, pixel size, units and the recipe of the result go with it.
nd.write_image(out, clean)
print(f"{out}: {clean.recipe.settings['name']}")
