"""The Noise dock: simulate, inspect."""
