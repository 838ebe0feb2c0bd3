"""A standing SSV network in the background: `ssvctl devnet up|status|down`.

Also the parts that any run of a whole network is made of: the chains (`world`) and the operators on them
(`operators`).
"""
