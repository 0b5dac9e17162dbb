"""A funnel that goes round: candidates, stages, a few calls of an oracle, and what they teach the next round."""
