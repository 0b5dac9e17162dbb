"""The discovery funnel: candidates through stages into one ledger, and out as a shortlist."""
