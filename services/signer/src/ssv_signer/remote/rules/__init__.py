"""What may be signed with a plain key: one type of object a file, pure functions."""
