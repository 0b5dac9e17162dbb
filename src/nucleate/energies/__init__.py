"""Energies of crystals: interatomic potentials, relaxation, convex hulls."""
