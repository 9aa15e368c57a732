"""Which analysis methods a scenario file may name, and what they read."""
