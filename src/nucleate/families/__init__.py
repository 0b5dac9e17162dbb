"""Kinds of generative models beside diffusions and flows of whole crystals."""
