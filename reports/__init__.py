"""How it is shown: a Report becomes text; a file a format."""
