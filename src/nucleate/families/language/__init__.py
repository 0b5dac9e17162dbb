"""Language models of crystals as text: a small GPT, its training, its draws under a grammar."""
