"""Self-tuning of filters on the noisy image alone."""
