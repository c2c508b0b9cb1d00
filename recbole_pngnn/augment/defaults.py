"""Defaults that the command line shows: nothing is imported for them."""

DEFAULT_TEMPLATE = "history-v1"
HISTORY_SIZE = 50
OPENAI_URL = "https://api.openai.com/v1"
TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")
