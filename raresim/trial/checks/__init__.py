"""What a scenario file must not contradict, and names in it that must lead somewhere."""
