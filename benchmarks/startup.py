"""What the plugin adds to opening napari, and how long each dock takes to open.

Run with ``xvfb-run -a python benchmarks/startup.py`` (or on a real display). Each measurement is
a fresh interpreter. The goals: torch is not imported, and a dock opens within 0.5 s, imports of
the plugin included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

GOAL_S = 0.5

_PROGRAM = """
import json, sys, time
begin = time.perf_counter()
import napari
viewer = napari.Viewer(show=True)
from qtpy.QtWidgets import QApplication
QApplication.processEvents()
result = {"napari": time.perf_counter() - begin, "torch_before": "torch" in sys.modules}
import numpy as np
viewer.add_image(np.zeros((24, 512, 512), np.uint16), contrast_limits=(0, 1))
QApplication.processEvents()
if len(sys.argv) > 1:
    begin = time.perf_counter()
    viewer.window.add_plugin_dock_widget("napari-denoise", sys.argv[1])
    QApplication.processEvents()
    result["dock"] = time.perf_counter() - begin
result["torch"] = "torch" in sys.modules
print(json.dumps(result))
viewer.close()
"""


def measure(*args: str) -> dict[str, float | bool]:
    """Open napari, and a dock if one is named, in a fresh interpreter."""
    command = [sys.executable, "-c", _PROGRAM, *args]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    runs = [measure() for _ in range(repeats)]
    seconds = statistics.median(run["napari"] for run in runs)
    has_torch = any(run["torch_before"] for run in runs)
    print(f"{'napari with the plugin':24} {seconds:6.2f} s   torch imported: {has_torch}")
    for name in ("Noise", "Denoise", "Train", "Compare"):
        runs = [measure(name) for _ in range(repeats)]
        slowest = max(run["dock"] for run in runs)
        has_torch = any(run["torch"] for run in runs)
        verdict = "ok" if slowest < GOAL_S and not has_torch else "TOO SLOW"
        median = statistics.median(run["dock"] for run in runs)
        print(f"{name:24} {median:6.2f} s   torch imported: {has_torch}   {verdict}")


if __name__ == "__main__":
    main()
