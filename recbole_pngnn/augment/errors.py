"""What can go wrong while augmenting, in the user's words."""


class AugmentError(ValueError):
    """Something that the user can correct: options, files, or an answer of the server's."""
