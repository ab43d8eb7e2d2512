"""Replays, scores over trays, reports and benchmarks."""
