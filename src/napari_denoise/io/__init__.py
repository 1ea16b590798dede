"""Reading and writing image files; ``images`` is the way in."""
