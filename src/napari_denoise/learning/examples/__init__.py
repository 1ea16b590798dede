"""What each method shows the network, and what it asks of it: hidden pixels, halves, pairs."""
