"""What networks are told of the detector, and how it is found out."""
