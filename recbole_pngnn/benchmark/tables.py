"""Tables in Markdown, made from records and put between their marks in a document.

``make tables`` (``python -m recbole_pngnn.benchmark.tables README.md``) replaces what is between
``<!-- table NAME -->`` and ``<!-- end -->``; ``suite:NAME`` stands for the tables of a benchmark's
suite, ``suite:NAME/brief`` for a few of their columns, ``suite:NAME/1`` for the first of them,
``trials:GROUP`` for a group of recorded trials. No figure of a table is typed.
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from recbole_pngnn.benchmark.alike import check_results
from recbole_pngnn.benchmark.augmentation import figures_table
from recbole_pngnn.benchmark.differences import Pairs, differences_table, named, suggestions
from recbole_pngnn.benchmark.layout import markdown_table, metric_cells
from recbole_pngnn.benchmark.records import Record, Results, read_record
from recbole_pngnn.benchmark.report.markdown import markdown
from recbole_pngnn.benchmark.report.summary import Table, summarise
from recbole_pngnn.benchmark.suite import Suite, find_suite, read_suite
from recbole_pngnn.benchmark.trials import ablation_table, trials_table

RESULTS = Path("results")
PAPER_METRICS = [f"{name}@{k}" for k in (5, 10, 15, 20) for name in ("precision", "recall")]
PRESET = "PNGNN, preset pngnn-softmax"
WITHOUT_NEGATIVE_GRAPH = "PNGNN, preset without negative graph"
BRIEF = ("precision@5", "recall@5", "ndcg@10", "precision@20", "recall@20", "signauc")
_MARKED = re.compile(r"(<!-- table (?P<name>[\w:/-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(document: str) -> str:
    """Return a document with each marked table made anew.

    Args:
        document: Markdown with marks.

    Raises:
        ValueError: A mark names no table.
        FileNotFoundError: A record is missing.
    """

    def filled(match: re.Match[str]) -> str:
        name = match["name"]
        if name.startswith("suite:"):
            return f"{match[1]}{of_suite(name.removeprefix('suite:'))}\n{match[3]}"
        if name.startswith("trials:"):
            table = trials_table(RESULTS / "trials-fold1.jsonl", name.removeprefix("trials:"))
            return f"{match[1]}{table}\n{match[3]}"
        if name not in TABLES:
            raise ValueError(f"there is no table {name!r}; there are {', '.join(TABLES)}")
        try:
            return f"{match[1]}{TABLES[name]()}\n{match[3]}"
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"table {name}: a record below {RESULTS} is not as it was written: "
                f"{type(error).__name__}: {error}"
            ) from error

    return _MARKED.sub(filled, document)


def _record(name: str) -> Record:
    return read_record(RESULTS / name)


def of_suite(name: str) -> str:
    """Lay out what is recorded of a benchmark's suite, or of a part of its columns.

    Args:
        name: The suite's; ``NAME/brief`` for a few columns, ``NAME/1`` for the first of its tables.

    Raises:
        ValueError: There is no such suite or part.
    """
    name, _, part = name.partition("/")
    suite = read_suite(find_suite(name))
    parts = {str(number): columns for number, columns in enumerate(suite.tables, 1)}
    parts["brief"] = BRIEF
    if part and part not in parts:
        raise ValueError(f"there is no {name}/{part}; there are {name}/{{{', '.join(parts)}}}")
    if part:
        suite = replace(suite, tables=(parts[part],))
    return markdown(summarise(suite, Results(RESULTS)))


def of_suggestions() -> str:
    """Lay out what suggested interactions change in the paper's Table 1."""
    suite = read_suite(find_suite("table1"))
    return _differences(suite, suite.tables[0], suggestions)


def of_main() -> str:
    """Lay out the differences between rows of ``main`` that the documents speak of."""
    bpr, gcn, siren, softmax = "PNGNN, dual_bpr", "LightGCN", "SiReN", "PNGNN, dual_softmax"
    pairs = [
        (bpr, "BPR"),
        (bpr, gcn),
        (siren, "BPR"),
        (siren, gcn),
        (siren, bpr),
        ("SGL", "BPR"),
        (softmax, bpr),
        (PRESET, softmax),
        (PRESET, WITHOUT_NEGATIVE_GRAPH),
    ]
    return _differences(read_suite(find_suite("main")), BRIEF, named(pairs))


def of_preset() -> str:
    """Lay out the same of the suite ``preset``."""
    pairs = [(PRESET, "PNGNN, the paper's options"), (PRESET, WITHOUT_NEGATIVE_GRAPH)]
    return _differences(read_suite(find_suite("preset")), BRIEF, named(pairs))


def _differences(suite: Suite, columns: Sequence[str], pairs_of: Callable[[Table], Pairs]) -> str:
    return differences_table(summarise(suite, Results(RESULTS)), columns, pairs_of)


def fold1() -> str:
    """Lay out the readings on fold 1 of MovieLens-1M beside the paper's rows."""
    rows, records = [], []
    for file, label in (
        ("pngnn-softmax", "**PNGNN, preset `pngnn-softmax`**"),
        ("fused", "PNGNN, reading `fused`"),
        ("disinterest", "PNGNN, reading `disinterest`"),
        ("partitioned", "PNGNN, reading `partitioned`"),
        ("SignedEASE", "EASE, disliked weigh .3 (`SignedEASE`)"),
        ("EASE", "EASE, liked only, RecBole's defaults"),
    ):
        record = _record(f"fold1/{file}.json")
        records.append((label, record))
        figures = metric_cells(record["test_result"], [*PAPER_METRICS, "signauc"])
        rows.append([label, *figures])
    check_results(records)
    for label, result in _record("paper.json")["test_result"].items():
        rows.append([label, *metric_cells(result, PAPER_METRICS), ""])
    headers = [metric.replace("precision", "P").replace("recall", "R") for metric in PAPER_METRICS]
    return markdown_table(["", *headers, "SignAUC"], rows)


def ml_100k() -> str:
    """Lay out the run of ``make run``."""
    record = _record("ml-100k/PNGNN.json")
    rows = [
        [name, *metric_cells(record["test_result"], [f"{key}@{k}" for k in (5, 10, 15, 20)])]
        for name, key in (("Precision", "precision"), ("Recall", "recall"), ("NDCG", "ndcg"))
    ]
    return markdown_table(["PNGNN on ml-100k", "@5", "@10", "@15", "@20"], rows)


def speed() -> str:
    """Lay out what ``make bench`` recorded."""
    figures = _record("speed.json")
    median = figures["median_ms"]
    rows = [[name, f"{value:.0f} ms"] for name, value in median.items()]
    rows += [[name, f"{value:.1f} times"] for name, value in figures["ratios"].items()]
    rows.append(["PNGNN, peak memory", f"{figures['pngnn_peak_memory_mib']:.0f} MiB"])
    return markdown_table([f"{figures['dataset']}, {figures['threads']} threads", "median"], rows)


def augmentation() -> str:
    """Lay out models on ml-100k with and without suggested interactions, over seeds."""
    metrics = ("precision@10", "recall@10", "ndcg@10", "recall@20", "signauc")
    rows, named = [], []
    for model in ("LightGCN", "PNGNN"):
        for variant in ("none", "base_topk", "random", "popular", "text_similarity"):
            records = _records(f"augmentation/{model}-{variant}-seed*.json")
            named += [(f"{model}, {variant}", record) for record in records]
            rows.append([model, variant, *_spread(records, metrics)])
    check_results(named)
    headers = ["P@10", "R@10", "NDCG@10", "R@20", "SignAUC"]
    return markdown_table(["model", "edges of", *headers], rows)


def mask() -> str:
    """Lay out one model with what was rated masked, and with what was liked masked alone."""
    metrics = ("precision@10", "recall@10", "ndcg@10")
    rows, named = [], []
    for masked in ("rated", "liked"):
        records = _records(f"mask/EASE-{masked}-split*.json")
        named += [(f"what the user {masked}", record) for record in records]
        rows.append([f"what the user {masked}", *_spread(records, metrics)])
    check_results(named, measured_alike=False)  # the masks are what is compared
    return markdown_table(
        ["masked (EASE on ml-100k, three splits)", "P@10", "R@10", "NDCG@10"], rows
    )


def _records(pattern: str) -> list[Record]:
    files = sorted(RESULTS.glob(pattern))
    if len(files) < 2:
        raise FileNotFoundError(f"a spread needs two records {RESULTS / pattern} or more")
    return list(map(read_record, files))


def _spread(records: Sequence[Record], metrics: Sequence[str]) -> list[str]:
    """Mean and standard deviation of each metric."""
    results = [record["test_result"] for record in records]
    figures = []
    for metric in metrics:
        values = [result[metric] for result in results]
        mean, deviation = statistics.mean(values), statistics.stdev(values)
        figures.append(f"{mean:.4f} ± {deviation:.4f}".replace("0.", "."))
    return figures


def augmentation_report() -> str:
    """Return the table that ``recbole-pngnn augment report`` wrote."""
    lines = (RESULTS / "augmentation/report/report.md").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("|"))


def augmentation_speed() -> str:
    """Lay out what ``make bench-augment`` recorded."""
    return figures_table(_record("augmentation-speed.json"), tablefmt="pipe")


def prompt() -> str:
    """Return the recorded prompt of a dry run."""
    text = (RESULTS / "augmentation/prompt.txt").read_text(encoding="utf-8")
    return f"```text\n{text.strip()}\n```"


def ablation() -> str:
    """Lay out what each part of the preset ``pngnn-softmax`` is worth."""
    labels = {
        "preset": "**pngnn-softmax**",
        "no_negative_graph": "A: no negative graph",
        "item_item_only_in_ranking": "A, item-item term in the ranking alone",
        "ratings_alike": "A, ratings of a sign weigh alike (disliked .3)",
        "embeddings": "B: A without item-item term, **embeddings on the positive graph alone**",
        "embeddings-attention": "B, negative graph by attention (the paper's)",
        "embeddings-sum": "B, negative graph by a sum",
        "embeddings-sign": "B, negative graph as a score of signs",
        "embeddings-ratings_alike": "B, ratings of a sign weigh alike (disliked .3)",
        "embeddings-dislikes_left_out": "B, dislikes left out of the loss",
        "embeddings-dislikes_as_unobserved": "B, dislikes as unobserved items",
    }
    return ablation_table(RESULTS / "ablation", labels)


def ablation_ml_100k() -> str:
    """Lay out whether the preset's choices carry over to ml-100k, over seeds of the split."""
    labels = {
        "preset": "**pngnn-softmax**, batches of 80",
        "no_negative_graph": "A: no negative graph",
        "embeddings": "B: A without item-item term",
        "embeddings-ratings_alike": "B, ratings of a sign weigh alike (disliked .3)",
        "SignedEASE": "SignedEASE",
    }
    by_seed = {f"{name}-seed*": label for name, label in labels.items()}
    return ablation_table(RESULTS / "ablation" / "ml-100k", by_seed)


TABLES: dict[str, Callable[[], str]] = {
    "fold1": fold1,
    "ablation": ablation,
    "ablation-ml-100k": ablation_ml_100k,
    "ml-100k": ml_100k,
    "augmentation": augmentation,
    "augmentation-report": augmentation_report,
    "augmentation-speed": augmentation_speed,
    "prompt": prompt,
    "suggestions": of_suggestions,
    "differences": of_main,
    "differences-preset": of_preset,
    "mask": mask,
    "speed": speed,
}


def main(files: Sequence[str]) -> int:
    """Fill the tables of documents in place."""
    for name in files:
        file = Path(name)
        try:
            file.write_text(fill(file.read_text(encoding="utf-8")), encoding="utf-8")
        except (ValueError, OSError) as error:
            print(f"error: {file}: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
