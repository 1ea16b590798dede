"""Files, samples and models in and out of the viewer."""
