"""Scores of peers: what they delivered, failed to deliver, promised, and where they connect from."""
