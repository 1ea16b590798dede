"""Write the golden models of the present format; run it once per format, never again."""

import tempfile
from pathlib import Path

import numpy as np

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.learning.methods import CARE, N2V, N2V2, DecoNoising
from napari_denoise.learning.models.file import save_model
from napari_denoise.learning.models.model import FORMAT
from napari_denoise.learning.networks import shipped
from napari_denoise.learning.networks.architecture import N_PLANES, InstantArchitecture
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job

N2V_METHOD = N2V(n_steps=20, batch_size=2, n_features=4, depth=1)
N2V2_METHOD = N2V2(n_steps=20, batch_size=2, n_features=4, depth=2, pooling="max-blur")
DECONOISING = DecoNoising(n_steps=20, batch_size=2, n_features=4, depth=1)
CARE_METHOD = CARE(n_steps=20, batch_size=2, patch_size=16)


def shrink_instant(folder: Path) -> None:
    """Let trainings begin with small networks: a golden file is not to weigh megabytes."""
    for n_spatial, n_planes in N_PLANES.items():
        architecture = InstantArchitecture(n_planes=n_planes, widths=(8, 8), n_blocks=(1, 1))
        path = folder / f"{n_spatial}.safetensors"
        shipped.save_network(InstantNetwork(architecture), path, {})
        shipped.FILES[n_spatial] = path


def write(name: str, method: N2V | N2V2 | CARE | DecoNoising, shape: tuple[int, ...]) -> None:
    """Train a model, save it, and beside it what it makes of an image."""
    y, x = np.indices(shape)[-2:] / 4
    clean = 100 + 40 * np.sin(y) * np.cos(x)
    noise = np.random.default_rng(0).normal(0, 1, shape)
    noisy = (clean + 2 * noise * np.sqrt(clean)).astype(np.float32)
    layout = Layout("ZYX"[-len(shape) :], "ZYX"[-len(shape) :])
    target = clean if isinstance(method, CARE) else None
    image = TrainingImage.of(noisy, layout, "golden", target=target)
    model = run(train_job(method, [image], device="cpu"))
    crop = noisy[..., :21, :26]
    denoised = run(denoise_job(ModelDenoiser.of(model, device="cpu"), crop, layout)).image.pixels
    path = Path(__file__).parent / f"format_{FORMAT}_{name}"
    save_model(model, path.with_suffix(".safetensors"))
    np.savez_compressed(path.with_suffix(".npz"), noisy=crop, denoised=denoised)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        shrink_instant(Path(folder))
        write("2d", N2V_METHOD, (21, 26))
        write("3d", N2V_METHOD, (5, 13, 12))
        write("n2v2_2d", N2V2_METHOD, (21, 26))
        write("deconoising_2d", DECONOISING, (64, 64))
        write("instant_2d", CARE_METHOD, (64, 64))
        write("instant_3d", CARE_METHOD, (6, 64, 64))
