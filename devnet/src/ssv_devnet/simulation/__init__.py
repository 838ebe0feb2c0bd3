"""A committee on a made-up chain and a fake clock: hundreds of slots in seconds, any kind of weather."""
