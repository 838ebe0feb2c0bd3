"""A block builder of our own for the devnet: it bids for registered validators and publishes their blinded blocks.

It plays relay and builder in one, over the builder API. Its payloads stand on the beacon node's mock execution layer.
"""
