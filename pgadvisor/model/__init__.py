"""The nouns: frozen records with units in their names."""
