"""The Compare dock: numbers, maps, plots, side by side."""
