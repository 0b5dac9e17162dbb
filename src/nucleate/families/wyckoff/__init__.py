"""Wyckoff sequences: a space group and its occupied positions with their elements, drawn one after another."""
