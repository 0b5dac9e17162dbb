"""From candidates to a shortlist."""
