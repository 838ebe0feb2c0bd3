"""What may be signed: one rule per file, pure functions over a record."""
