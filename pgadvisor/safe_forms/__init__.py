"""The way to the same schema that holds no lock for long: the SQL of it, and words for the harm of the short way."""
