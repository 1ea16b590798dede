"""The denoiser that works at once: a network trained on synthetic scenes, and that training."""
