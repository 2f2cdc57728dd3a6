"""One spelling for one expression, so that a query's text and a catalog's can be compared."""


def canonical(text: str) -> str:
    """The canonical spelling of a SQL expression.

    Column qualifiers, redundant parentheses and casts that change nothing (`::text` on a text or varchar column or
    literal) are dropped, names are lower case unless quoted, synonyms get one name: `lower(email)` and
    `lower((email)::text)` are equal. A text that cannot be parsed comes back with its white space folded.
    """
    raise NotImplementedError
