"""The standard Beacon API, as one client for one beacon node."""
