"""Predict with CAREamics by its book, and say how long each prediction took; needs its interpreter.

    PYTHON benchmarks/peers/careamics_prediction.py --axes YX --threads 1

Run by ``benchmarks/prediction_speed.py``. Reads lines of JSON from standard input: ``shape`` of the
image, its ``tile`` (null: none) and ``overlap``; answers each with ``seconds``. The network is that
of its Noise2Void configuration, after a single step: how fast it is does not depend on its weights.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
import tempfile
import time
import warnings

with contextlib.suppress(ModuleNotFoundError):
    # Names the operators of a torchvision that was built for another torch, where one is installed.
    import torchvision_cpu  # noqa: F401

import numpy as np
import torch
from careamics import CAREamist
from careamics.config import create_n2v_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--axes", required=True)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(chosen.threads)
    os.chdir(tempfile.mkdtemp())
    patch = {2: (64, 64), 3: (8, 64, 64)}[len(chosen.axes)]
    configuration = create_n2v_config("peer", "array", chosen.axes, patch, 1, num_epochs=1)
    for name in ("train", "val", "pred"):
        parameters = getattr(configuration.data_config, f"{name}_dataloader_params")
        parameters |= {"num_workers": 0, "persistent_workers": False}
    rng = np.random.default_rng(0)
    peer = CAREamist(configuration, enable_progress_bar=False)
    with contextlib.redirect_stdout(sys.stderr):
        small = rng.normal(100, 20, [3 * size for size in patch]).astype(np.float32)
        peer.train(train_data=small)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        image = rng.normal(100, 20, task["shape"]).astype(np.float32)
        with contextlib.redirect_stdout(sys.stderr):
            start, process = time.perf_counter(), time.process_time()
            peer.predict(image, tile_size=task["tile"], tile_overlap=task["overlap"])
            seconds, process_s = time.perf_counter() - start, time.process_time() - process
        print(json.dumps({"seconds": seconds, "process_s": process_s}), flush=True)


if __name__ == "__main__":
    main()
