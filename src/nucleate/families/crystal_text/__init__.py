"""Crystals as the short texts on which large language models are fine-tuned: a line for each thing."""
