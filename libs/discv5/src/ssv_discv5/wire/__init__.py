"""What goes over the wire: packets and the messages inside them."""
