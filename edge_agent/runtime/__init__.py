"""Threads and their supervision."""
