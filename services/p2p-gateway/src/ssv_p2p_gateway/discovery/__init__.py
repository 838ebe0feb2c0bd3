"""Finding peers by their node records, and choosing whom to dial."""
