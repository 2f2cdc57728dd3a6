"""Text to meaning: parse, query facts, canonical expressions, fingerprints, tags."""
