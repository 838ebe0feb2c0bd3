"""The devnet's own validator client: it runs every validator that is not given to SSV.

What it aggregates and contributes is the node's, SSV's votes included. One aggregator a committee is enough here,
because the one beacon node sees all votes.

It has no slashing protection and is for interop keys on a devnet only: started twice at once, it votes twice.
"""
