"""The cut: from ledger and tick to the table that a method analyses."""
