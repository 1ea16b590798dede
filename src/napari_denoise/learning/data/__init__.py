"""What is learned from: images, the patches drawn of them, and what goes with them."""
