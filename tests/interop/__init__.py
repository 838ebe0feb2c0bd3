"""Our libraries against other implementations of the same protocols."""
