"""Space groups, their Wyckoff positions, and crystals written as occupied positions."""
