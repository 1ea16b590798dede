"""Tiles as large as memory allows: what a network takes is known before it is run."""

import weakref

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import Notice, run
from napari_denoise.learning import device
from napari_denoise.learning.networks.architecture import UNetArchitecture, choose_pooling
from napari_denoise.learning.networks.tile_memory import activation_bytes, choose_core
from napari_denoise.learning.networks.unet import UNet
from napari_denoise.learning.prediction import ModelDenoiser

PLANE = UNetArchitecture(n_channels=1, n_features=8, pooling=choose_pooling((64, 64), 2))
SMOOTH = PLANE.model_copy(update={"n_channels": 2, "shrinking": "max-blur", "skips": "deep"})
VOLUME = PLANE.model_copy(update={"pooling": choose_pooling((8, 32, 32), 2)})


class Held(TorchDispatchMode):
    """Counts the bytes of the tensors that are alive."""

    def __init__(self):
        super().__init__()
        self.sizes, self.most = {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.sizes:
                    self.sizes[storage._cdata] = storage.nbytes()
                    weakref.finalize(storage, self.sizes.pop, storage._cdata)
        self.most = max(self.most, sum(self.sizes.values()))
        return result


@pytest.mark.parametrize(
    ("architecture", "tile", "core"),
    [
        (PLANE, [192, 192], [144, 144]),
        (PLANE, [192, 192], [192, 192]),
        (SMOOTH, [192, 192], [96, 96]),
        (VOLUME, [32, 96, 96], [32, 48, 48]),
    ],
)
def test_the_memory_a_tile_takes_is_known_beforehand(architecture, tile, core):
    network = UNet(architecture).requires_grad_(requires_grad=False)
    batch = torch.zeros(1, architecture.n_channels, *tile)
    window = tuple(
        slice((all_ - kept) // 2, (all_ - kept) // 2 + kept)
        for all_, kept in zip(tile, core, strict=True)
    )
    with Held() as held:
        run(network.steps(batch, window))
    # On the safe side, as arrays beside the network count as well, but not by much.
    assert held.most <= activation_bytes(architecture, tile, core) < 1.6 * held.most


def test_less_memory_makes_smaller_tiles_until_they_are_as_small_as_can_be():
    frees = (10**10, 5 * 10**7, 10**7, 0)
    sizes = [choose_core(PLANE, (2000, 2000), "cpu", free) for free in frees]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4
    assert min(sizes[-1]) >= 1


def test_a_gpu_gets_larger_tiles_than_a_cpu():
    for architecture in (PLANE, VOLUME):
        extents = (4000,) * architecture.n_spatial
        cpu, gpu = (choose_core(architecture, extents, kind, 10**11) for kind in ("cpu", "gpu"))
        assert np.prod(gpu) > np.prod(cpu)


def test_what_a_thin_volume_saves_makes_its_tiles_wider():
    wide = VOLUME.model_copy(update={"n_features": 16})
    thin, thick = (choose_core(wide, (n, 512, 512), "cpu", 10**11) for n in (64, 500))
    assert thin == (64, 256, 256)
    assert np.prod(thick) < np.prod(thin)
    assert choose_core(wide, (5, 20, 30), "cpu", 10**11) == (5, 20, 30)


def test_tiles_are_small_where_little_memory_is_free(make_model, monkeypatch):
    denoiser = ModelDenoiser.of(make_model(n_features=32), device="cpu")
    monkeypatch.setattr(device, "free_memory", lambda device: 10**7)
    assert max(denoiser.tile_size((1000, 1000))) < 128


def test_when_memory_runs_out_the_result_is_the_same(make_model, rng, monkeypatch):
    model, image = make_model(), rng.uniform(0, 255, size=(90, 120)).astype(np.float32)
    denoiser, steps = ModelDenoiser.of(model, device="cpu"), UNet.steps
    whole = run(denoise_job(denoiser, image, denoiser.layout_for("YX"))).image.pixels

    def fail_on_large_batches(self, batch, core=None):
        if batch.numel() > 80 * 100:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return (yield from steps(self, batch, core))

    monkeypatch.setattr(UNet, "steps", fail_on_large_batches)
    seen = []
    halved = run(denoise_job(denoiser, image, denoiser.layout_for("YX")), seen.append).image.pixels
    assert np.abs(halved - whole).max() < 1e-4 * np.ptp(image)
    assert "tiles half as large" in next(e.message for e in seen if isinstance(e, Notice))
