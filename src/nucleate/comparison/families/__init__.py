"""Families of models compared at one budget of training and one of sampling: what is in, made, drawn and judged."""
