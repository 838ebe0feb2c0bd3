"""Tests that need more than one package: official vectors, end to end."""
