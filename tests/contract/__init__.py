"""Contracts: the same tests run against the real adapter and against its fake."""
