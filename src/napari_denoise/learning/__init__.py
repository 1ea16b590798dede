"""Methods that learn from the image: settings, training, prediction, model files.

Importing this package does not import torch; the modules that compute do.
"""
