"""Names and RecBole types of the columns written to atomic files."""

USER = "user_id"
ITEM = "item_id"
RATING = "rating"
TIMESTAMP = "timestamp"
TITLE = "movie_title"
YEAR = "release_year"
GENRE = "genre"

# Ways to write that there is no value.
MISSING = frozenset(["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "NaT", "\\N"])

FOLD = "fold"  # read from sources, never written

TYPES = {
    USER: "token",
    ITEM: "token",
    RATING: "float",
    TIMESTAMP: "float",
    TITLE: "token_seq",
    YEAR: "token",
    GENRE: "token_seq",
    "age": "token",
    "gender": "token",
    "occupation": "token",
    "zip_code": "token",
}
