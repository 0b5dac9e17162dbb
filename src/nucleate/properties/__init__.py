"""Properties of crystals: predicted, with intervals and beside a baseline, and as what a sampler is steered by."""
