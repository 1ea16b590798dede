"""Everything that can be told of an image, with a clean one beside it or without."""

from napari_denoise.assessment.assess import Assessment, assess, possible_parts
from napari_denoise.assessment.checked import Checked, checked
from napari_denoise.assessment.maps import Map, MapKind, MapSettings, draw_map
from napari_denoise.assessment.quantities import (
    EACH_PLANE,
    EXTENDED,
    QUANTITIES,
    Part,
    Quantity,
    parts_of,
    rows,
    values,
)
from napari_denoise.assessment.scene import (
    check_same_scene,
    is_raw,
    max_minus_min,
    sliceable,
    stack_of,
)

__all__ = [
    "EACH_PLANE",
    "EXTENDED",
    "QUANTITIES",
    "Assessment",
    "Checked",
    "Map",
    "MapKind",
    "MapSettings",
    "Part",
    "Quantity",
    "assess",
    "check_same_scene",
    "checked",
    "draw_map",
    "is_raw",
    "max_minus_min",
    "parts_of",
    "possible_parts",
    "rows",
    "sliceable",
    "stack_of",
    "values",
]
