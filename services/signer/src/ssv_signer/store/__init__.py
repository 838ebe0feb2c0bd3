"""The signer's record and its shares: one idea a file, all of them functions over a `Connection` (`database.py`).

SQLite and PostgreSQL differ in `sqlite*.py` and `postgres*.py` and nowhere else.
"""
