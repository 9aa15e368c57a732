"""Looks: what is analysed at a milestone, and what follows from it."""
