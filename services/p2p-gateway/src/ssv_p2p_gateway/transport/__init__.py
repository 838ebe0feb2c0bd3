"""Bytes of established connections: Noise messages and Yamux frames, cut and made many at a time.

py-libp2p dials, listens, shakes hands and negotiates; from the choice of the muxer on a connection is ours. Its own
byte path takes some 20 scheduler steps for each message, this one a few for each chunk of the socket.
"""
