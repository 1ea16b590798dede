"""The denoiser that works at once, and the procedural scenes that stand in for clean images."""
