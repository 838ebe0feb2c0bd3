"""Doing it on a cluster: who leads, what is applied, what is said about it, and how a node ends."""
