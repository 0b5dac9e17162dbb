"""Comparisons of methods on equal terms: same network, data, budget and judge."""
