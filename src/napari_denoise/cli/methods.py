"""``methods``: every denoiser there is."""

from __future__ import annotations

import json
from typing import Any

from napari_denoise import registry
from napari_denoise.cli.options import AsJson
from napari_denoise.cli.output import say

__all__ = ["methods"]


def methods(*, as_json: AsJson = False) -> None:
    """Every denoiser with its settings, their defaults and bounds."""
    described = registry.describe_methods()
    if as_json:
        say(json.dumps(described, indent=2))
        return
    for method in described:
        say(f"{method['name']} ({method['kind']}) – {method['title']}: {method['summary']}")
        for field in method["settings"]:
            say(f"    {_setting_line(field)}")
        for name, values in method["presets"].items():
            changed = ", ".join(f"{key}={value}" for key, value in values.items())
            say(f"    preset {name}: {changed}")


def _setting_line(field: dict[str, Any]) -> str:
    bounds = [
        f"{sign} {field[key]:g}"
        for key, sign in (
            ("minimum", ">" if field["exclusive_minimum"] else "≥"),
            ("maximum", "<" if field["exclusive_maximum"] else "≤"),
        )
        if field[key] is not None
    ]
    allowed = " | ".join(field["choices"]) or ", ".join(bounds)
    unit = f" {field['unit']}" if field["unit"] else ""
    return f"{field['name']}={field['default']}{unit} [{allowed}]: {field['description']}"
