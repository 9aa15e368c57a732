"""Fate: what luck and the files decide before anybody conducts a trial."""
