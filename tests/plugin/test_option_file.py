"""Files of options as people write them."""

from pathlib import Path

import pytest

from recbole_pngnn.plugin.option_file import check_file, check_files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "o.yaml is empty"),
        (b"# nothing\n", "o.yaml is empty"),
        (b"- a\n", "o.yaml, line 1: this is a list"),
        (b"epochs=20\n", "o.yaml, line 1: this is a text, and an option is written as"),
        (b"seed: 1\nepochs:20\ntopk: [5]\n", "o.yaml, line 3: "),
        (b"a:\n\tb: 1\n", "o.yaml, line 2: .* by spaces, not by tabs"),
        (b"seed: 1\nepochs: 2\nseed: 1\n", "o.yaml, line 3: seed is there already in line 1"),
        (b"a:\n  b: 1\n  b: 2\n", "o.yaml, line 3: b is there already in line 2"),
        (b"seed: 1\nname: gr\xfcn\n", "o.yaml, line 2: the byte 0xfc is not utf-8"),
        ("seed: 1\n".encode("utf-16"), "o.yaml is in UTF-16"),
        (b"seed: 1\nx: \x00\n", r"o.yaml, line 2: the character U\+0000"),
        (b"x: !!python/object/apply:os.getcwd []\n", "line 1: the tag !!python/object/apply"),
        (b"x: 1\ny: !mine 2\n", "o.yaml, line 2: the tag !mine"),
        (b"1: 2\n", "o.yaml, line 1: '1' is no name of an option"),
        (b"yes: 2\n", "o.yaml, line 1: 'yes' is no name of an option"),
        (b"x: *y\n", "o.yaml, line 1: found undefined alias"),
        (b"x: " + b"[" * 500, "nested too deep"),
        (b"topk: [5, 10\nseed: 1\n", "o.yaml, line 2: "),
    ],
)
def test_what_is_wrong_is_named_by_its_line(content, message):
    Path("o.yaml").write_bytes(content)
    with pytest.raises(ValueError, match=message) as raised:
        check_file(Path("o.yaml"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfseed: 1\n",
        b"learning_rate: 1e-3\ntopk: [5, 10]\nx: {a: 1}\n",
        b"base: &b {a: 1}\nx:\n  <<: *b\n  c: 2\n",
        b"x: !!python/tuple [1, 2]\n",
    ],
)
def test_what_recbole_reads_is_taken(content):
    Path("o.yaml").write_bytes(content)
    check_file(Path("o.yaml"))
    assert check_files(["o.yaml", "preset"], ["preset"]) == ["o.yaml", "preset"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.yml", r"there is no config file mine.yml.* did you mean mine.yaml\?"),
        ("presett", r"did you mean preset\?"),
        ("folder", "the config file folder is a folder"),
        ("a.yaml,b.yaml", "several are separated by spaces"),
    ],
)
def test_a_file_that_is_none(name, message):
    Path("mine.yaml").touch()
    Path("folder").mkdir()
    with pytest.raises(ValueError, match=message):
        check_files([name], ["preset"])
