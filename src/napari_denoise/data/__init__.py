"""Images to try things on and to learn from: samples, public sets, synthetic scenes."""
