"""Train Noise2Void on an image: ``python examples/train_and_apply.py noisy.tif out.tif [STEPS]``.

The model is kept beside the result, for other images of the same camera.
"""

import sys
from pathlib import Path

import napari_denoise as nd

source, out = map(Path, sys.argv[1:3])
steps = int(sys.argv[3]) if len(sys.argv) > 3 else None  # as many as the method has by default

noisy = nd.read_image(source)
model = nd.train(noisy, "n2v", steps=steps, seed=1, progress=True)

model_path = out.with_suffix(".safetensors")
nd.save_model(model, model_path)

# The file alone is enough, today or next year: it holds settings, normalisation and axes too.
clean = nd.denoise(noisy, model_path)
nd.write_image(out, clean)
print(f"{out} and {model_path}")
