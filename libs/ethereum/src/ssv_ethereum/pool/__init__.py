"""Several beacon nodes as one: who is asked, who is asked next, and whose word counts."""
