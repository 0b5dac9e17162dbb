"""Prototypes: known crystals as structure types, an index of them, and structures proposed by retrieving them."""
