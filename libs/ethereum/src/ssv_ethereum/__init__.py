"""Clients of the Ethereum nodes an operator depends on: beacon node, execution node, slot clock."""
