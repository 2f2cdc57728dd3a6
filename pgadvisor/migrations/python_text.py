"""Values as Python source."""

import json


def literal(text: str) -> str:
    """A string literal; what JSON escapes means the same in Python."""
    return json.dumps(text, ensure_ascii=False)


def literals(texts: tuple[str, ...]) -> str:
    """A list of string literals."""
    return f"[{', '.join(literal(each) for each in texts)}]"
