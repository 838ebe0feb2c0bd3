"""Beacon chain containers, by fork."""
