"""Pairs of events of two streams that have equal keys and lie near each other in time."""
