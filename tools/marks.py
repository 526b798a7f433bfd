"""What `make docs` writes into a file that people write, too: the lines between two marks."""


def between(text: str, name: str, lines: str) -> str:
    """The text with these lines between `<!-- name -->` and `<!-- end of name -->`."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"There is no {begin.strip()} with its end.")
    return f"{before}{begin}{lines}{end}{after}"
