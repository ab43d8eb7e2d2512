"""Data sets, fitting and export to a model pack (extra `train`)."""
