"""The napari plugin: one folder per dock, the files it opens and writes, and what all share."""
