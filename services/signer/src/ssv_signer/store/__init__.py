"""The signer's record and its shares, in SQLite: one idea a file, all of them functions over a connection."""
