"""A hostile peer, in a process of its own, against an honest committee that goes on deciding."""
