"""What all metrics have in common, and that one more is one entry of a list."""

import csv
import json

import numpy as np

from napari_denoise.core.progress import Progress, run
from napari_denoise.evaluation import assess_job
from napari_denoise.io.images import read_image, write_image
from napari_denoise.metrics import METRICS, QUANTITIES, Metric, Quantity, Scene


def _brightest_job(image):
    yield Progress(fraction=0.5)
    return float(np.max(image))


BRIGHTEST = Metric(
    "brightest",
    "nothing",
    lambda scene: _brightest_job(scene.image),
    "Brightest pixel {:g}".format,
    (Quantity("brightest", "Brightest", "The largest intensity.", float),),
)


def test_names_and_keys_are_told_apart():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert len({quantity.key for quantity in QUANTITIES}) == len(QUANTITIES)
    assert len({quantity.title for quantity in QUANTITIES}) == len(QUANTITIES)


def test_what_is_shown_always_comes_first():
    is_main = [quantity.is_main for quantity in QUANTITIES]
    assert is_main == sorted(is_main, reverse=True)


def test_nothing_is_measured_before_the_job_is_run():
    class Unread:
        shape = (40, 40)
        dtype = np.dtype(float)

    image = Unread()
    scene = Scene(image, clean=image, noisy=image, data_range=1.0, pixel_size_um=(1.0, 1.0))
    assert sum(metric.start(scene) is not None for metric in METRICS) == len(METRICS) - 1


def test_a_new_metric_is_measured_and_told_wherever_metrics_are(monkeypatch, command, tmp_path):
    metrics, path = (*METRICS, BRIGHTEST), tmp_path / "image.ome.tif"
    for user in ("evaluation.assessment", "cli.report"):
        monkeypatch.setattr(f"napari_denoise.{user}.METRICS", metrics)
    by_name = {metric.name: metric for metric in metrics}
    monkeypatch.setattr("napari_denoise.cli.measure._METRICS", by_name)
    quantities = (*QUANTITIES, *BRIGHTEST.quantities)
    monkeypatch.setattr("napari_denoise.cli.report.QUANTITIES", quantities)
    write_image(path, np.arange(12, dtype=np.uint16).reshape(3, 4), axes="YX")
    assert run(assess_job(read_image(path), metrics=metrics)).values()["brightest"] == 11
    table = tmp_path / "table.csv"
    _, words, _ = command("measure", path, "--metric", "brightest", "--csv", table)
    assert "Brightest pixel 11" in words
    titles, row = csv.reader(table.read_text().splitlines())
    assert dict(zip(titles, row, strict=True))["brightest"] == "11.0"
    _, told, _ = command("measure", path, "--metric", "brightest", "--json")
    assert json.loads(told)["brightest"] == 11
