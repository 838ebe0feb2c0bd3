"""`ssvctl`: keys, shares and the life of an operator, from the command line."""
