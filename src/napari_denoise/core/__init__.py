"""What every other room builds on: numpy and pydantic, no method, no file format, no window."""
