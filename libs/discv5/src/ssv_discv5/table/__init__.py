"""The node table: whom we know, by distance."""
