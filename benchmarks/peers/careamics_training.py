"""Train CAREamics by its book and print how good it is after each epoch; needs its interpreter.

    PYTHON benchmarks/peers/careamics_training.py task.npz --method n2v --axes YX

Run by ``benchmarks/careamics.py``. The task holds ``image`` to learn from, for methods that learn
from pairs its ``target``, the noisy image to be cleaned (``noisy``), the ``clean`` one, and their
``data_range``; results are clipped to its ``limits`` and measured from ``first_row`` on. One line
of JSON per look: seconds and processor seconds of the training so far, without imports, set-up and
these looks, and PSNR. A line with the PSNR of its own tiled prediction ends it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import tempfile
import time
import warnings

with contextlib.suppress(ModuleNotFoundError):
    # Names the operators of a torchvision that was built for another torch, where one is installed.
    import torchvision_cpu  # noqa: F401

import numpy as np
import torch
from careamics import CAREamist
from careamics.config import create_care_config, create_n2n_config, create_n2v_config
from lightning.pytorch.callbacks import Callback

CONFIGURATIONS = {"n2v": create_n2v_config, "n2n": create_n2n_config, "care": create_care_config}


def process_seconds() -> float:
    """Processor time of this process and of those it has started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Task:
    """What is to be learned, and what it is measured on."""

    def __init__(self, path: str) -> None:
        arrays = np.load(path)
        self.image, self.noisy = (arrays[name].astype(np.float32) for name in ("image", "noisy"))
        self.target = arrays["target"].astype(np.float32) if "target" in arrays else None
        self.clean = arrays["clean"].astype(np.float64)
        self.data_range = float(arrays["data_range"])
        self.limits = arrays["limits"]
        self.rows = slice(int(arrays["first_row"]), None)

    def psnr(self, cleaned: np.ndarray) -> float:
        error = (cleaned.clip(*self.limits) - self.clean)[..., self.rows, :]
        return float(10 * np.log10(self.data_range**2 / np.mean(error**2)))

    def clean_whole(self, module: torch.nn.Module) -> np.ndarray:
        """The noisy image, normalised as in training, through the network in one piece."""
        shown, given = self.image, self.image if self.target is None else self.target
        batch = torch.from_numpy((self.noisy - shown.mean()) / shown.std())[None, None]
        with torch.no_grad():
            cleaned = module.model(batch)[0, 0].numpy()
        return cleaned * given.std() + given.mean()


class Looks(Callback):
    """Measures now and then, and ends the training when its time is up."""

    def __init__(self, task: Task, every: int, budget_s: float) -> None:
        self._task, self._every, self._budget_s = task, every, budget_s

    def on_train_start(self, trainer, module) -> None:  # noqa: ARG002
        self._wall, self._process = time.perf_counter(), process_seconds()

    def on_train_epoch_end(self, trainer, module) -> None:
        wall, process = time.perf_counter(), process_seconds()
        n_done = trainer.current_epoch + 1
        is_over = process - self._process > self._budget_s
        if n_done % self._every and not is_over and n_done < trainer.max_epochs:
            return
        module.eval()
        psnr = self._task.psnr(self._task.clean_whole(module))
        module.train()
        say(epoch=n_done, wall_s=wall - self._wall, cpu_s=process - self._process, db=psnr)
        self._wall += time.perf_counter() - wall
        self._process += process_seconds() - process
        trainer.should_stop = is_over


def say(**figures: float) -> None:
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task")
    parser.add_argument("--method", choices=CONFIGURATIONS, required=True)
    parser.add_argument("--axes", required=True)
    parser.add_argument("--patch-size", type=int, nargs="+", default=(64, 64))
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--every", type=int, default=1, help="epochs between two looks")
    parser.add_argument("--budget", type=float, default=float("inf"), help="processor seconds")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(chosen.threads)
    task = Task(chosen.task)
    os.chdir(tempfile.mkdtemp())
    configuration = CONFIGURATIONS[chosen.method](
        experiment_name="peer",
        data_type="array",
        axes=chosen.axes,
        patch_size=tuple(chosen.patch_size),
        batch_size=chosen.batch_size,
        num_epochs=chosen.epochs,
    )
    # CARE would stop when the loss has not fallen for a few epochs; here it gets all its time.
    configuration.training_config.early_stopping_params = None
    # Its data loaders' processes cost more than they bring here, and would not be counted.
    for name in ("train", "val", "pred"):
        parameters = getattr(configuration.data_config, f"{name}_dataloader_params")
        parameters |= {"num_workers": 0, "persistent_workers": False}
    looks = Looks(task, chosen.every, chosen.budget)
    trainer = CAREamist(configuration, callbacks=[looks], enable_progress_bar=False)
    trainer.train(train_data=task.image, train_data_target=task.target)
    depth = tuple(chosen.patch_size[:-2])
    start = time.perf_counter()
    # It wants images to predict on in the axes of those it was trained on.
    has_samples = "S" in chosen.axes
    cleaned, _ = trainer.predict(
        task.noisy[None] if has_samples else task.noisy,
        tile_size=(*depth, 256, 256),
        tile_overlap=(*(n // 2 for n in depth), 48, 48),
    )
    psnr = task.psnr(np.squeeze(cleaned[0]))
    say(prediction_s=time.perf_counter() - start, db=psnr)


if __name__ == "__main__":
    main()
