"""How the plugin enters RecBole: registration, configuration, outputs, and mends."""

# Registration imports this package's modules: done here, none of them is half loaded by then.
import recbole  # noqa: F401
