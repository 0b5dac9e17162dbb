"""Crystals as CIF text, in the words and the layout of CrystaLLM."""
