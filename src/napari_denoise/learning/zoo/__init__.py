"""Models to and from the BioImage Model Zoo (bioimage.io); nothing here imports torch at once."""

from napari_denoise.learning.zoo.card import ZooCard
from napari_denoise.learning.zoo.export import export_model
from napari_denoise.learning.zoo.foreign import ZooDenoiser, denoiser_class_of

__all__ = ["ZooCard", "ZooDenoiser", "denoiser_class_of", "export_model"]
