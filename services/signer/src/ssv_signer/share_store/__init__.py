"""Share keys in an external store that speaks the ethereum remote-signing API.

The only part of the signer that opens a connection outwards, in `client.py`; imported when `share_store = "remote"`.
"""
