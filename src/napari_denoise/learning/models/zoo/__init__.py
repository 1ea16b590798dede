"""Models to and from the BioImage Model Zoo (bioimage.io); nothing here imports torch at once."""

from napari_denoise.learning.models.zoo.card import ZooCard
from napari_denoise.learning.models.zoo.export import export_model_job
from napari_denoise.learning.models.zoo.foreign import ZooDenoiser, denoiser_class_of

__all__ = ["ZooCard", "ZooDenoiser", "denoiser_class_of", "export_model_job"]
