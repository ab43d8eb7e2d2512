"""What goes out on the wire: made from domain values here, and nowhere else."""
