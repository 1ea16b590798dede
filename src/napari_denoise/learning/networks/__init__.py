"""Networks, and what is known of their shape.

:mod:`~napari_denoise.learning.networks.architecture` is numbers only; all else needs torch, so
importing this package imports nothing.
"""
