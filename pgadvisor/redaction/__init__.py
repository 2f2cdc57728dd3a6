"""Reports without names and literals: stable pseudonyms, and the key that tells what they stand for."""
