"""Measurements: `./run bench`. They are printed, never asserted."""
