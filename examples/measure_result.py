"""How good is it? ``python examples/measure_result.py result.tif noisy.tif [reference.tif]``.

Without a clean reference there is no PSNR; what the noisy image tells is whether intensities can
still be measured, and whether structure was taken out with the noise.
"""

import sys

import napari_denoise as nd

result, noisy, *reference = (nd.read_image(path) for path in sys.argv[1:])

found = nd.measure(result, noisy=noisy)
print(found)

for clean in reference:
    # The data range is part of a PSNR: name it, and say it with the number.
    print(nd.measure(result, clean, noisy=noisy, data_range=255).to_dict())
