"""Flows that begin from the crystals of another generator instead of noise."""
