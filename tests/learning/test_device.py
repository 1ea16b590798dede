"""Devices are tried out, and what goes wrong on them is said in words."""

import gc
import weakref
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from napari_denoise.core.errors import DeviceError
from napari_denoise.learning import device as device_module
from napari_denoise.learning.device import (
    empty_cache,
    list_devices,
    memory_errors,
    mixed_precision,
    native_dtype,
    resolve_device,
)

CPU = torch.device("cpu")


def test_the_cpu_is_always_there_and_works():
    cpu = list_devices()[-1]
    assert cpu.name == "cpu"
    assert cpu.usable
    assert not cpu.reason
    assert "thread" in cpu.description


def test_auto_gives_a_device_that_works():
    assert resolve_device("auto").type in {"cpu", "cuda", "mps"}
    assert resolve_device("cpu") == CPU


@pytest.mark.parametrize("name", ["cuda:7", "tpu", ""])
def test_an_unknown_device_is_refused_with_those_there_are(name):
    with pytest.raises(DeviceError, match=r"no device .* Choose auto or one of: .*cpu"):
        resolve_device(name)


@pytest.fixture
def broken_gpu(monkeypatch):
    """A GPU that torch lists, but has no kernels for."""

    def fail(image, kernel):
        if image.device.type == "meta":
            raise RuntimeError("no kernel image is available\nfor execution")
        return torch.full((1, 1, 6, 6), 9.0)

    monkeypatch.setattr(device_module, "_known_devices", lambda: [("meta", "GPU"), ("cpu", "CPU")])
    monkeypatch.setattr(device_module.F, "conv2d", fail)


@pytest.mark.usefixtures("broken_gpu")
def test_a_device_that_cannot_compute_is_told_apart():
    gpu, cpu = list_devices()
    assert not gpu.usable
    assert gpu.reason == "no kernel image is available."
    assert cpu.usable
    assert resolve_device("auto") == CPU
    with pytest.raises(DeviceError, match="cannot compute: no kernel image"):
        resolve_device("meta")


def test_a_device_that_computes_wrongly_is_told_apart(monkeypatch):
    monkeypatch.setattr(device_module.F, "conv2d", lambda image, kernel: torch.zeros(1))
    assert list_devices()[-1].reason == "it gives wrong numbers."


def test_gpus_are_named_and_come_before_the_cpu(monkeypatch):
    card = SimpleNamespace(name="Some Card", total_memory=8 * 2**30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: card)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    devices = list_devices()
    assert [device.name for device in devices] == ["cuda:0", "mps", "cpu"]
    assert devices[0].description == "Some Card (CUDA, 8 GB)"
    # Neither is really there, and that is found out.
    assert not devices[0].usable
    assert devices[0].reason.endswith(".")


@pytest.mark.parametrize("backend", ["cuda", "mps"])
def test_a_gpu_gets_its_reserve_of_memory_emptied(monkeypatch, backend):
    emptied = []
    monkeypatch.setattr(getattr(torch, backend), "empty_cache", lambda: emptied.append(backend))
    empty_cache(torch.device(backend))
    assert emptied == [backend]


@pytest.mark.parametrize(
    ("name", "capability", "trained", "applied"),
    [
        ("A100", (8, 0), torch.bfloat16, torch.bfloat16),
        ("GeForce RTX 2070", (7, 5), torch.float16, torch.float32),
        ("GeForce GTX 1660", (7, 5), torch.float32, torch.float32),
        ("GeForce GTX 1080", (6, 1), torch.float32, torch.float32),
    ],
)
def test_a_gpu_computes_in_what_its_generation_is_fast_at(
    monkeypatch, name, capability, trained, applied
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    monkeypatch.setattr(torch, "autocast", lambda kind, dtype: (kind, dtype))
    gpu = torch.device("cuda")
    context = mixed_precision(gpu, 3)
    assert isinstance(context, nullcontext) if trained == torch.float32 else context[1] == trained
    assert native_dtype(gpu, 3) == applied


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
        MemoryError(),
    ],
)
def test_running_out_of_memory_is_a_device_error(error):
    with pytest.raises(DeviceError, match="cpu has run out of memory"), memory_errors(CPU):
        raise error


def test_running_out_of_memory_lets_go_of_what_filled_it():
    held = []

    def fill():
        large = torch.zeros(10)
        held.append(weakref.ref(large))
        raise MemoryError

    with pytest.raises(DeviceError) as caught, memory_errors(CPU):
        fill()
    gc.collect()
    assert caught.value.__context__ is not None
    assert held[0]() is None


def test_other_errors_of_torch_pass():
    with pytest.raises(RuntimeError, match="shapes"), memory_errors(CPU):
        raise RuntimeError("shapes cannot be multiplied")


@pytest.mark.parametrize(
    ("features", "n_spatial", "expected"),
    [
        ({"amx_bf16": True}, 2, torch.bfloat16),
        ({"avx512_bf16": True, "cpu_name": "AMD EPYC"}, 2, torch.bfloat16),
        ({"avx512_bf16": True, "cpu_name": "Intel Xeon"}, 2, torch.float32),  # AMX is hidden
        ({"amx_bf16": True, "cpu_name": "Intel Xeon"}, 2, torch.bfloat16),
        ({"avx512_bf16": False}, 2, torch.float32),
        ({}, 2, torch.float32),
        ({"amx_bf16": True}, 3, torch.float32),  # wrong in oneDNN
    ],
)
def test_precision_is_mixed_only_where_it_is_native_and_right(
    monkeypatch, features, n_spatial, expected
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features, raising=False)
    with mixed_precision(CPU, n_spatial):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == expected
    assert not torch.is_autocast_enabled("cpu")


def test_emptying_the_cache_of_a_cpu_does_nothing():
    empty_cache(CPU)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_works():
    assert resolve_device("cuda").type == "cuda"
    empty_cache(torch.device("cuda:0"))
