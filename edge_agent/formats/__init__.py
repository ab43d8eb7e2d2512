"""The files and messages of the outside, read strictly into domain values (pydantic, YAML, JSON lines)."""
