"""The order checker and its scores: observations and orders in, events out; no I/O, no threads, no clock."""
