"""Synthetic scenes: clean images as a fluorescence microscope would record them."""
