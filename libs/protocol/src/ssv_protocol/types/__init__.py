"""Values of the SSV wire protocol and of the beacon chain, with strict SSZ codecs."""
