"""Models as RecBole knows them: adapters from its Config and Dataset to :mod:`recbole_pngnn.nn`."""

# Registration imports this package's modules: done here, none of them is half loaded by then.
import recbole  # noqa: F401
