"""The scenario file: what each of its blocks may hold."""
