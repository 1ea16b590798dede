"""How each kind of network learns, and how its answer becomes an image; needs torch."""
