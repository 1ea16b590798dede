"""Simulated noise: what a detector would have recorded of a clean image."""
