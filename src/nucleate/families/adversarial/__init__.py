"""A generative adversarial network of crystals with a fixed number of atoms and given elements."""
