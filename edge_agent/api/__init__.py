"""The HTTP API: FastAPI over the ports, with roles, limits and problems that say what to do."""
