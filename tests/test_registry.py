"""The registry: every method by name."""

import json

import pytest

from napari_denoise import registry
from napari_denoise.core.errors import SettingsError


def test_names_are_unique_and_found():
    for classes, find in (
        (registry.denoisers(), registry.denoiser_class),
        (registry.FILTERS, registry.filter_class),
        (registry.METHODS, registry.method_class),
        (registry.NOISES, registry.noise_class),
    ):
        names = [cls.tag() for cls in classes]
        assert len(set(names)) == len(names)
        assert [find(name) for name in names] == list(classes)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(SettingsError, match="Choose from: instant, gaussian, median"):
        registry.denoiser_class("blur")


def test_a_method_that_needs_training_says_so():
    with pytest.raises(SettingsError, match="has to be trained first"):
        registry.denoiser_class("n2v")


def test_methods_are_described_in_plain_json():
    described = json.loads(json.dumps(registry.describe_methods()))
    by_name = {method["name"]: method for method in described}
    assert by_name["gaussian"]["kind"] == "filter"
    assert by_name["n2v"]["kind"] == "learned"
    for method in described:
        assert method["title"]
        assert method["summary"].endswith(".")
        assert all(setting["description"] for setting in method["settings"])
