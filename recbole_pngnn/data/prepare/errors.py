"""The error of this package."""


class PrepareError(ValueError):
    """Something the user can correct: a wrong file, a bad rating, an impossible split.

    The message says what was expected, what was found (file, line, value) and what to do.
    """
