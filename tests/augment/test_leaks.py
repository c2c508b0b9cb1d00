"""Nothing of validation and test reaches candidates, prompts or edges."""

import random
from pathlib import Path

import pytest

from recbole_pngnn.cli import main

CANDIDATES = ("--base_model", "EASE", "--base_options", "{show_progress: False}")
WORDS = ("augment", "--dataset", "films", "--candidates", "4", "--overwrite", *CANDIDATES)


def swapped(parts):
    return parts[::-1]


def shuffled_over_both(parts):
    rows = [*parts[0], *parts[1]]
    random.Random(3).shuffle(rows)
    return rows[: len(parts[0])], rows[len(parts[0]) :]


def other_ratings(parts):
    return [[f"{row.rsplit(chr(9), 1)[0]}\t1" for row in rows] for rows in parts]


def all_stages(server_url):
    """Candidates, prompts (as a batch file) and edges, as bytes, made from the start."""
    for file in Path("output/augment/films").glob("*"):
        file.unlink()
    openai = ("--provider", "openai", "--model", "tiny", "--base_url", server_url)
    assert main([*WORDS, *openai, "--export_batch", "batch.jsonl"]) == 0
    assert main([*WORDS, *openai]) == 0
    assert main([*WORDS, "--provider", "random"]) == 0
    candidates = Path("output/augment/films/candidates-EASE-4.csv")
    edges = [
        Path(f"dataset/films-{name}/films-{name}.train.inter") for name in ("openai", "random")
    ]
    return [file.read_bytes() for file in (candidates, Path("batch.jsonl"), *edges)]


@pytest.mark.parametrize("permute", [swapped, shuffled_over_both, other_ratings])
def test_permuting_validation_and_test_changes_no_byte(dataset, server, permute):
    before = all_stages(server.url)
    files = [dataset / "films" / f"films.{part}.inter" for part in ("valid", "test")]
    headers, parts = zip(*((lines[0], lines[1:]) for lines in map(lines_of, files)), strict=True)
    for file, header, rows in zip(files, headers, permute(list(parts)), strict=True):
        file.write_text("\n".join([header, *rows]) + "\n")
    assert [lines_of(file)[1:] for file in files] != list(parts)
    assert all_stages(server.url) == before


def test_permuting_training_changes_them(dataset, server):
    """The test above could see a change."""
    before = all_stages(server.url)
    file = dataset / "films" / "films.train.inter"
    header, *rows = lines_of(file)
    file.write_text("\n".join([header, *(other_ratings([rows[:6]])[0]), *rows[6:]]) + "\n")
    assert not set(before) & set(all_stages(server.url))


def lines_of(file):
    return file.read_text().splitlines()
