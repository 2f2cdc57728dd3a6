"""A small web shop on Django, driven for real: one loop, one duplicate, one slow search, and the same shop mended."""
