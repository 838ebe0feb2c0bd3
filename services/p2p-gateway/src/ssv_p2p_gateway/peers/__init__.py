"""Whom to stay connected to: limits at the door, and who is let go to make room for better ones."""
