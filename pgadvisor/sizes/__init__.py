"""How big an index gets: from its shape and the statistics of its keys, without any row."""
