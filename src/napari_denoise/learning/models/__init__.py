"""What a trained model is, its file, and packages for the BioImage Model Zoo."""
