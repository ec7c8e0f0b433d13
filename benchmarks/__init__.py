"""How fast the stream is, on this machine."""
