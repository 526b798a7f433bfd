"""Which known name a misspelt one was meant to be."""

from collections.abc import Collection, Iterable

FEW = 12  # so many names are listed in full
_ALIKE = 0.7


def meant(name: str, known: Iterable[str]) -> str:
    """The known name that is most like this one, or an empty string where none is."""
    import difflib  # noqa: PLC0415  only who has misspelt something waits for it

    names = sorted(known)
    close = [one for one in names if is_slip(name, one)]
    return next(iter(close or difflib.get_close_matches(name, names, 1, _ALIKE)), "")


def slip_of(name: str, known: Collection[str]) -> str:
    """The known name of which this one is a slip of the keyboard, or an empty string; a known name is none."""
    if name in known or len(name) < 3:
        return ""
    return next((one for one in sorted(known) if is_slip(name, one)), "")


def is_slip(name: str, other: str) -> bool:
    """Whether one letter too many, too few, wrong or exchanged with its neighbour makes one name the other."""
    if abs(len(name) - len(other)) > 1 or name == other:
        return False
    start = next((at for at, pair in enumerate(zip(name, other, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        return True
    ours, theirs = name[start:], other[start:]
    is_exchanged = ours[:2] == theirs[1::-1] and ours[2:] == theirs[2:]
    return is_exchanged or theirs[1:] in (ours, ours[1:]) or ours[1:] == theirs


def hint(name: str, known: Collection[str], before: str = "") -> str:
    """What helps with an unknown name: `; did you mean ...?`, or all names where they are few, or nothing.

    before: what stands before each name where people write it, such as `attributes.`.
    """
    if found := meant(name, known):
        return f"; did you mean `{before}{found}`?"
    if known and len(known) <= FEW:
        return f"; there {'is' if len(known) == 1 else 'are'} {', '.join(f'`{before}{one}`' for one in sorted(known))}"
    return ""
