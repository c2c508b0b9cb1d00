"""Atomic files with the mistakes that people make: the file, the line, and what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recbole.data import create_dataset, data_preparation

from recbole_pngnn.protocol import atomic_check
from recbole_pngnn.protocol.atomic_check import AtomicFile

HEAD = "user_id:token\titem_id:token\trating:float\n"
ROWS = "u\ta\t5\nv\tb\t2\n"
NEEDS = {"user_id": "token", "item_id": "token", "rating": "float"}
ROLES = {"user_id": "USER_ID_FIELD", "item_id": "ITEM_ID_FIELD", "rating": "like_threshold"}


@pytest.fixture
def check(tmp_path):
    def check_text(data, **options):
        file = tmp_path / "d.inter"
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
        return AtomicFile(file, needs=NEEDS, roles=ROLES, **options).check()

    return check_text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"d.inter is empty; its first line names the columns: user_id:token"),
        (
            HEAD.replace("\t", " ") + "u a 5\n",
            r"line 1: .*by spaces .*write tabs, or set --field_s",
        ),
        (HEAD.replace("\t", ",") + "u,a,5\n", r"by commas .*field_separator is tabs.*separator=,$"),
        (HEAD.replace("\t", ";"), r"by semicolons .*--field_separator=';'"),
        (
            "user_id,item_id,rating\nu,a,5\n",
            r"by commas .*the header also needs types: user_id:tok",
        ),
        ("user_id\titem_id\trating\n", r"'user_id' has no type; write user_id:token"),
        ("user_id:token\titem_id:token\trating\n", r"'rating' has no type; write rating:float"),
        ("1\t2\t5\n3\t4\t1\n", r"line 1: there is no header, only '1\\t2\\t5'; .*prepare csv"),
        ("\n1\t2\t5\n", r"line 1: there is no header"),
        (HEAD.replace("float", "flaot"), r"did you mean rating:float\?"),
        (
            HEAD.replace("float", "int"),
            r"'rating:int' has no type that RecBole knows; types are tok",
        ),
        (HEAD.replace("float", "token"), r"write rating:float, not rating:token"),
        (HEAD.replace("item_id:token", "item_id:float"), r"write item_id:token, not item_id:float"),
        (HEAD.replace("item_id", "user_id"), r"there are two columns named user_id"),
        (HEAD.replace("user_id", "uid"), r"no column user_id \(USER_ID_FIELD\), only uid, .*=NAME"),
        (HEAD.replace("rating", "stars"), r"no column rating \(like_threshold\).*name the column"),
        (HEAD.rstrip("\n"), r"line 1: there is a header and nothing below it"),
        (
            HEAD + ROWS + "w\tc\n",
            r"d.inter, line 4: 2 column\(s\) where the header has 3 \('w\\tc'\)",
        ),
        (HEAD + "w\tc\t1\t9\n" + ROWS, r"line 2: 4 column\(s\) where the header has 3"),
        (HEAD + "\n\nw\tc\n", r"line 4: 2 column\(s\)"),
        (HEAD + 'u\t"a\t5\nv\tb\t2\n', r"line 2: a quote .* goes on over lines"),
        (HEAD + "u\ta\0b\t5\n", r"line 2: there is a NUL byte in 'a\\x00b'"),
        ((HEAD + ROWS).encode("utf-16"), r"d.inter is UTF-16 text; save it as UTF-8, or set enc"),
        ((HEAD + ROWS).encode("utf-32"), r"d.inter is UTF-32 text"),
        (b"\x1f\x8b\x08\0", r"d.inter is packed by gzip; unpack it first"),
        (b"\xff" + HEAD.encode(), r"d.inter, line 1: this is no utf-8 text; .*--encoding=cp1252"),
    ],
)
def test_what_is_wrong_is_named(check, data, message):
    with pytest.raises(ValueError, match=message) as raised:
        check(data)
    assert "\n" not in str(raised.value)


def test_an_unknown_encoding(check):
    with pytest.raises(ValueError, match="encoding 'nonsense' is none that Python knows"):
        check(HEAD + ROWS, encoding="nonsense")


@pytest.mark.parametrize(
    ("data", "options", "encoding"),
    [
        (HEAD + ROWS, {}, "utf-8"),
        ((HEAD + ROWS).replace("\n", "\r\n"), {}, "utf-8"),
        ((HEAD + ROWS).replace("\n", "\r"), {}, "utf-8"),
        ("\ufeff" + HEAD + ROWS, {}, "utf-8-sig"),
        (HEAD + ROWS.rstrip("\n"), {}, "utf-8"),
        (HEAD + "\n" + ROWS + "\n\n", {}, "utf-8"),
        (HEAD + 'u\t"a ""b"" c"\t5\n', {}, "utf-8"),
        (HEAD + 'u\ta"b\t5\n', {}, "utf-8"),
        (HEAD.replace("\t", ";") + "u;a;5\n", {"separator": ";"}, "utf-8"),
        (HEAD.replace("\t", "::") + "u::a::5\n", {"separator": "::"}, "utf-8"),
        ((HEAD + ROWS).encode("utf-16"), {"encoding": "utf-16"}, "utf-16"),
        (HEAD + "Zoë\ta\t5\n", {}, "utf-8"),
    ],
)
def test_what_can_be_read_passes(check, data, options, encoding):
    assert check(data, **options) == encoding


@given(
    rows=st.lists(st.lists(st.sampled_from(["", "a", "b c", "ü"]), min_size=1, max_size=4)),
    chunk=st.integers(1, 40),
)
def test_lines_are_counted_as_splitting_them_would(tmp_path_factory, rows, chunk):
    lines = ["\t".join(row) for row in rows]
    file = tmp_path_factory.mktemp("d") / "d.inter"
    file.write_text(HEAD + "".join(line + "\n" for line in lines), encoding="utf-8")
    bad = [n for n, line in enumerate(lines, start=2) if line and line.count("\t") != 2]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(atomic_check, "_CHUNK", chunk)
        if not bad:
            AtomicFile(file, needs=NEEDS).check()
            return
        with pytest.raises(ValueError, match=rf"d.inter, line {bad[0]}: "):
            AtomicFile(file, needs=NEEDS).check()


@pytest.fixture
def load(tmp_path, make_config):
    """Write a dataset of one file, and load it as RecBole does."""

    def load_text(data, **options):
        folder = tmp_path / "dataset" / "d"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "d.inter").write_bytes(data if isinstance(data, bytes) else data.encode())
        return create_dataset(make_config("BPR", "d", **options))

    return load_text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (HEAD + ROWS + "w\ta\tgood\n", r"d.inter, line 4: rating is 'good', which is no number$"),
        (HEAD + "w\ta\t1999-01-02 03:04\n", r"line 2: .*seconds since 1970 .*prepare csv, which"),
        (HEAD + "\nw\ta\t4,5\n", r"line 3: rating is '4,5', .*write a decimal point"),
        (HEAD.encode() + b"u\t\xe9\t5\n", r"d.inter, line 2: this is no utf-8 text"),
        (HEAD, r"d.inter has a header and no interaction below it"),
    ],
)
def test_a_failed_reading_names_its_line(load, data, message):
    with pytest.raises(ValueError, match=message):
        load(data)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("\ufeff" + HEAD + ROWS, {}),
        ((HEAD + ROWS).replace("\t", ","), {"field_separator": ","}),
        ((HEAD + ROWS).replace("\t", " "), {"field_separator": " "}),
        ((HEAD + ROWS).encode("utf-16"), {"encoding": "utf-16"}),
        ((HEAD + "Zoë\tb\t5\n" + ROWS).encode("cp1252"), {"encoding": "cp1252"}),
        (HEAD + ROWS, {"encoding": None}),
    ],
)
def test_the_advice_can_be_followed(load, data, options):
    dataset = load(data, **options)
    assert {"u", "v"} <= set(dataset.field2id_token["user_id"])
    assert dataset.config["encoding"] == options.get("encoding")


def test_parts_and_features_are_checked_too(atomic, make_config):
    rows = [("u", "a", 5), ("v", "b", 4)]
    folder = atomic("d", rows, [], [("u", "b", 5)], item="item_id:token\nb\ta\n")
    data_preparation(config := make_config("BPR", "d", topk=[1]), create_dataset(config))
    columns = {"inter": ["user_id", "item_id", "rating"], "item": ["item_id"]}
    with pytest.raises(ValueError, match=r"d.item, line 2: 2 column\(s\) where the header has 1"):
        create_dataset(make_config("BPR", "d", load_col=columns))
    (folder / "d" / "d.test.inter").write_text("user_id:token\titem_id:token\nu\tb\n")
    with pytest.raises(ValueError, match=r"d.test.inter, line 1: there is no column rating"):
        create_dataset(make_config("BPR", "d"))


def test_a_column_of_zeros_and_ones_is_proposed(check):
    head = "user_id:token\titem_id:token\tclicked:float\tprice:float\n"
    with pytest.raises(ValueError, match=r"where clicked says .*=\"\{'clicked': 0.5\}\"$"):
        check(head + "u\ta\t1\t1\nv\tb\t0\t2.5\n")
    with pytest.raises(ValueError, match=r"name the column of ratings in like_threshold$"):
        check(head + "u\ta\t1\t1\nv\tb\t3\t2.5\n")


def test_features_that_recbole_would_misplace_or_die_of_are_refused(atomic, make_config):
    rows = [("u", "a", 5), ("v", "b", 4)]
    folder = atomic("d", rows, [], [("u", "b", 5)]) / "d"
    columns = {"inter": ["user_id", "item_id", "rating"], "item": ["item_id", "tags"]}
    head = "item_id:token\ttags:token_seq\n"
    (folder / "d.item").write_text(head + "a\tx\nb\ty\na\tz\n")
    with pytest.raises(ValueError, match=r"d.item: item_id a is there in 2 rows; keep one"):
        create_dataset(make_config("BPR", "d", load_col=columns))
    (folder / "d.item").write_text(head)
    with pytest.raises(ValueError, match=r"d.item has a header and no row below it"):
        create_dataset(make_config("BPR", "d", load_col=columns))


def test_a_byte_order_mark_is_told(load, caplog):
    with caplog.at_level("INFO"):
        load("\ufeff" + HEAD + ROWS)
    assert "d.inter begins with a byte order mark" in caplog.text
