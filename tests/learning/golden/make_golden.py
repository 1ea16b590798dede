"""Write the golden models of the present format; run it once per format, never again."""

from pathlib import Path

import numpy as np

from napari_denoise.axes import Layout
from napari_denoise.denoiser import denoise
from napari_denoise.learning.bundle import save_model
from napari_denoise.learning.config import N2V
from napari_denoise.learning.model import FORMAT
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training import TrainingImage, train
from napari_denoise.progress import run

METHOD = N2V(n_steps=20, batch_size=2, n_features=4, depth=1)

if __name__ == "__main__":
    for name, shape in {"2d": (21, 26), "3d": (5, 13, 12)}.items():
        y, x = np.indices(shape)[-2:] / 4
        noise = np.random.default_rng(0).normal(0, 20, shape)
        noisy = (100 + 40 * np.sin(y) * np.cos(x) + noise).astype(np.float32)
        layout = Layout("ZYX"[-len(shape) :], "ZYX"[-len(shape) :])
        model = run(train(METHOD, [TrainingImage(noisy, layout, "golden")], device="cpu"))
        denoised = run(denoise(ModelDenoiser.of(model, device="cpu"), noisy, layout)).image
        path = Path(__file__).parent / f"format_{FORMAT}_{name}"
        save_model(model, path.with_suffix(".safetensors"))
        np.savez_compressed(path.with_suffix(".npz"), noisy=noisy, denoised=denoised)
