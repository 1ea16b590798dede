"""Everything that can be told of an image, with a clean one beside it or without."""

from napari_denoise.evaluation.assessment import (
    EACH_PLANE,
    Assessment,
    assess_job,
    possible_metrics,
)
from napari_denoise.evaluation.checked import Checked, checked_job
from napari_denoise.evaluation.maps import Map, MapKind, MapSettings, draw_map_job
from napari_denoise.evaluation.scene import (
    check_same_scene,
    is_raw,
    max_minus_min_job,
    sliceable,
    stack_of,
)

__all__ = [
    "EACH_PLANE",
    "Assessment",
    "Checked",
    "Map",
    "MapKind",
    "MapSettings",
    "assess_job",
    "check_same_scene",
    "checked_job",
    "draw_map_job",
    "is_raw",
    "max_minus_min_job",
    "possible_metrics",
    "sliceable",
    "stack_of",
]
