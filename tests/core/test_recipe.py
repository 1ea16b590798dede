"""Recipes: enough to do it again."""

from importlib.metadata import PackageNotFoundError

from napari_denoise.core.axes import Layout
from napari_denoise.core.recipe import Recipe, software_version
from napari_denoise.filters import Gaussian
from napari_denoise.noise import PoissonNoise


def test_a_recipe_survives_json_with_its_history():
    first = Recipe.of("simulate", PoissonNoise(photons=5), seed=3, source="cells")
    second = Recipe.of(
        "denoise", Gaussian(sigma=(1, 2)), Layout("ZYX"), dtype="uint16", previous=first
    )
    again = Recipe.model_validate_json(second.model_dump_json())
    assert again == second
    assert [step.operation for step in again.steps()] == ["simulate", "denoise"]


def test_a_recipe_rebuilds_its_settings():
    recipe = Recipe.of("denoise", Gaussian(sigma=(1, 2)), Layout("ZYX"))
    assert Gaussian.model_validate(recipe.settings) == Gaussian(sigma=(1, 2))
    assert Layout(recipe.axes, recipe.spatial, recipe.channels) == Layout("ZYX")


def test_a_recipe_names_the_software():
    recipe = Recipe.of("denoise", Gaussian())
    assert recipe.software == "napari-denoise"
    assert recipe.version == software_version() != "unknown"


def test_a_bare_source_tree_has_an_unknown_version(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("napari_denoise.core.recipe.version", absent)
    assert software_version() == "unknown"
