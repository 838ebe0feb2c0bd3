"""What bench/gossip.py is made of."""
