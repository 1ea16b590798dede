"""What several docks have in common."""
