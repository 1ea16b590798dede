"""How a network is trained, whatever the method."""
