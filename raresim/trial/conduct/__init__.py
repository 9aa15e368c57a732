"""Conduct, twice: event by event with SimPy, and over blocks of replicates."""
