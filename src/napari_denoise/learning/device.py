"""Where torch computes: which devices really work, and what their errors mean."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.errors import DeviceError, OutOfMemoryError

__all__ = [
    "DeviceInfo",
    "empty_cache",
    "free_memory",
    "list_devices",
    "memory_errors",
    "mixed_precision",
    "native_dtype",
    "resolve_device",
    "training_dtype",
]

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """One device, and whether it computes.

    Attributes
    ----------
    name : str
        "cpu", "cuda:0", "mps": what a user chooses.
    description : str
        In words.
    usable : bool
        Whether a convolution ran on it and gave the right numbers.
    reason : str
        Why not, if not.
    """

    name: str
    description: str
    usable: bool
    reason: str = ""


def list_devices() -> list[DeviceInfo]:
    """All devices torch knows of, fastest first, each tried out."""
    return [
        DeviceInfo(name, description, not (reason := _try_out(name)), reason)
        for name, description in _known_devices()
    ]


def resolve_device(name: str) -> torch.device:
    """The device a user means.

    Parameters
    ----------
    name : str
        "auto" for the fastest that works, else as :attr:`DeviceInfo.name`.

    Raises
    ------
    DeviceError
        If there is no such device, or it cannot compute.
    """
    known = [known_name for known_name, _ in _known_devices()]
    if name == "auto":
        return torch.device(next(each for each in known if each == "cpu" or not _try_out(each)))
    name = "cuda:0" if name == "cuda" else name
    if name not in known:
        raise DeviceError(
            f"There is no device {name!r} here. Choose auto or one of: {', '.join(known)}."
        )
    if reason := _try_out(name):
        raise DeviceError(f"The device {name} cannot compute: {reason} Choose auto or cpu.")
    return torch.device(name)


def mixed_precision(device: torch.device, n_spatial: int) -> AbstractContextManager[Any]:
    """Compute in :func:`training_dtype`."""
    dtype = training_dtype(device, n_spatial)
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def native_dtype(device: torch.device, n_spatial: int) -> torch.dtype:
    """bfloat16 where the hardware computes in it natively and rightly, else float32."""
    if device.type == "cpu":
        # oneDNN 3.12 with AMX reads and writes outside the arrays of some 3D convolutions in
        # bfloat16: wrong numbers, NaN, crashes. Its 2D ones are sound.
        is_native = n_spatial == 2 and _has_bfloat16()
    else:
        is_native = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.bfloat16 if is_native else torch.float32


def training_dtype(device: torch.device, n_spatial: int) -> torch.dtype:
    """As :func:`native_dtype`, or float16 on GPUs that have nothing better (V100, RTX 20).

    Gradients in float16 need a ``GradScaler``.
    """
    is_older = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] == 7
    # GTX 16 cards lack the units that make float16 fast, and are known to give NaN in it.
    if is_older and "GTX 16" not in torch.cuda.get_device_name(device):
        return torch.float16
    return native_dtype(device, n_spatial)


def _has_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 faster than float32."""
    # Not known before torch 2.10.
    features: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if features.get("amx_bf16"):
        return True
    # Intel's AVX-512 takes twice as long for it, as on virtual machines that hide AMX.
    return bool(features.get("avx512_bf16")) and "Intel" not in features.get("cpu_name", "")


@contextmanager
def memory_errors(device: torch.device) -> Iterator[None]:
    """Say in words when a device has run out of memory; other errors of torch pass.

    Raises
    ------
    OutOfMemoryError
        If memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error).lower()
        if isinstance(error, RuntimeError) and not any(sign in text for sign in _OUT_OF_MEMORY):
            raise
        # The frames that failed still hold what filled the memory.
        traceback.clear_frames(error.__traceback__)
        empty_cache(device)
        raise OutOfMemoryError(
            f"The device {device} has run out of memory. Close other programs, choose another "
            f"device, or train with a smaller batch_size or patch_size."
        ) from None


def free_memory(device: torch.device) -> int:
    """Bytes that a device has left for another tensor, what torch keeps in reserve included."""
    if device.type == "cuda":
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + reserved)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def empty_cache(device: torch.device) -> None:
    """Give a GPU's memory that torch keeps in reserve back to other programs."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _known_devices() -> list[tuple[str, str]]:
    """Name and description of each device, fastest first."""
    n_threads = torch.get_num_threads()
    devices = [("cpu", f"CPU ({n_threads} thread{'s' if n_threads > 1 else ''})")]
    if torch.backends.mps.is_available():
        devices.insert(0, ("mps", "Apple GPU (MPS)"))
    gpus = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        about = torch.cuda.get_device_properties(index)
        memory = about.total_memory / 2**30
        gpus.append((f"cuda:{index}", f"{about.name} (CUDA, {memory:.0f} GB)"))
    return gpus + devices


def _try_out(name: str) -> str:
    """Run a small convolution; what went wrong in words, or nothing.

    A device that is said to be there may lack kernels for its generation.
    """
    image, kernel = torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3)
    try:
        result = F.conv2d(image.to(name), kernel.to(name)).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        return f"{str(error).strip().splitlines()[0].rstrip('.')}."
    return "" if bool((result == 9).all()) else "it gives wrong numbers."
