"""Gossip: the router of `ssv_gossipsub` on the streams of a host."""
