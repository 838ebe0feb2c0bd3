"""Duties and head events, from the beacon nodes to the bus."""
