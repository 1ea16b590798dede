"""The Denoise dock: any method on a layer."""
