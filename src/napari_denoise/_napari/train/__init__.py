"""The Train dock: a model from images."""
