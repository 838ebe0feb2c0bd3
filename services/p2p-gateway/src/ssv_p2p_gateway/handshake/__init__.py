"""`/ssv/info/0.0.1`: peers tell each other which network and topics they are for, before they are kept."""
