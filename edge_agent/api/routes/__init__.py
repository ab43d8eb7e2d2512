"""The routes, a module per subject; each takes the ports that it needs and nothing else."""
