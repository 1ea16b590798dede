"""Denoise fluorescence microscopy images, and know how good the result is."""
