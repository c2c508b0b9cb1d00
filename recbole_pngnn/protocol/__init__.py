"""What is learnt, masked and measured when ``like_threshold`` is set."""

# Registration imports this package's modules: done here, none of them is half loaded by then.
import recbole  # noqa: F401
