"""Answers: different structures for a composition, proposed by several generators, merged and ranked by probability."""
