"""The models themselves: how one is described, stored, loaded and asked. Nothing here knows of HTTP."""
