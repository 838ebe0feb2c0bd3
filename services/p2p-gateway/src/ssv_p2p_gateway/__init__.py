"""The gateway between the gossip of the SSV network and the bus of one operator."""
