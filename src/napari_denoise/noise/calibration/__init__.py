"""What a noisy image, or repeats of one field, say about their detector."""
