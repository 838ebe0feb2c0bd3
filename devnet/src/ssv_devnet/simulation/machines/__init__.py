"""The machines alone: every runner and signing rule of a committee on an event queue, without asyncio or sockets.

A thousand slots of all duties in about a minute, with committees of up to thirteen and as many liars as they bear.
"""
