"""Half the bits must not cost quality."""

import numpy as np
import pytest
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.learning import device
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training import trainer
from napari_denoise.learning.training.job import TrainingImage, train_job
from napari_denoise.metrics import psnr


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_training_in_half_precision_is_as_good_as_in_float32(rng, monkeypatch, seed, half):
    y, x = np.mgrid[:128, :128] / 8
    clean = 100 + 50 * np.sin(y) * np.cos(x) + 50 * (np.hypot(y - 8, x - 8) < 4)
    noisy = rng.poisson(clean).astype(np.uint16)
    method = N2V(n_steps=80, n_features=8, patch_size=32, learning_rate=4e-3)
    found = {}
    for dtype in (torch.float32, half):
        for module in (device, trainer):
            monkeypatch.setattr(module, "training_dtype", lambda place, n_spatial, d=dtype: d)
        image = TrainingImage.of(noisy, Layout("YX"), "spots")
        model = run(train_job(method, [image], seed=seed, device="cpu"))
        result = run(
            denoise_job(ModelDenoiser.of(model, device="cpu"), noisy, Layout("YX"))
        ).image.pixels
        found[dtype] = psnr(clean, result, data_range=float(np.ptp(clean)))
    assert found[half] > found[torch.float32] - 0.3
    assert found[half] != found[torch.float32]
