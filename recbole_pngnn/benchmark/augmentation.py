"""``make bench-augment``: what augmentation costs beside the model's answers.

The client and its journal are timed against a server on loopback, in a process of its own, that
answers after a fixed time; on MovieLens-1M, everything around the asking of all users.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tabulate import tabulate

from recbole_pngnn.augment import (
    AugmentSettings,
    ClientSettings,
    RequestSettings,
    export_batch,
    open_questions,
)
from recbole_pngnn.augment.client import KEY_VARIABLE, Asker
from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prompts import Prompt
from recbole_pngnn.benchmark.ratings import prepare_ratings
from recbole_pngnn.record import commit, peak_memory_mib, versions, write_json

N_REQUESTS, CONCURRENCY, LATENCY, ROUNDS = 1000, 32, 0.2, 5
_COMPLETION = json.dumps(
    {
        "id": "benchmark",
        "object": "chat.completion",
        "model": "none",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": '{"liked": "A", "disliked": "B"}'},
            }
        ],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 12, "total_tokens": 1012},
    }
).encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and write the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="folder or zip of MovieLens-1M")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    options = parser.parse_args(arguments)
    sys.argv = sys.argv[:1]  # RecBole's Config would read them
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "client": measure_client(options.rounds, Path(folder)),
            "preparation": measure_preparation(options.source, Path(folder)),
            "cpus": os.cpu_count(),
            "commit": commit(),
            "versions": versions(),
        }
    print(figures_table(figures))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(figures, options.output)
    return 0


def measure_client(
    rounds: int,
    folder: Path,
    n_requests: int = N_REQUESTS,
    concurrency: int = CONCURRENCY,
    latency: float = LATENCY,
) -> dict[str, Any]:
    """Time whole runs of the client, and its journal alone.

    Args:
        rounds: Number of runs.
        folder: Where journals go.
        n_requests: Requests a run, each of some 4,000 characters.
        concurrency: Requests under way at once.
        latency: Seconds that the server takes for each.

    Returns:
        Seconds of each run; their median in ideal times, of a client that costs nothing; and
        milliseconds that the journal takes to write a record.
    """
    seconds, per_record = [], []
    with _server(latency) as url:
        for number in range(rounds):
            file = folder / f"client-{number}.jsonl"
            seconds.append(_time_client(url, file, n_requests, concurrency, number))
            per_record.append(_time_journal(file, folder / f"journal-{number}.jsonl"))
    ideal = n_requests * latency / concurrency
    return {
        "requests": n_requests,
        "concurrency": concurrency,
        "latency_s": latency,
        "seconds": [round(value, 3) for value in seconds],
        "ideal_s": ideal,
        "median_to_ideal": round(statistics.median(seconds) / ideal, 3),
        "journal_ms_per_record": round(statistics.median(per_record), 4),
    }


def _time_client(url: str, file: Path, n_requests: int, concurrency: int, number: int) -> float:
    history = "\n".join(
        f"- A film of some length (year: 1994; genres: Drama): {n}" for n in range(80)
    )
    labels = {label: f"item {label}" for label in "ABCDEFGHIJ"}
    prompts = [
        Prompt(str(user), 0, ({"role": "user", "content": f"{number} {user}\n{history}"},), labels)
        for user in range(n_requests)
    ]
    key = os.environ.get(KEY_VARIABLE)
    os.environ[KEY_VARIABLE] = "none"
    try:
        with Journal(file, {"dataset": "benchmark"}) as journal:
            client = ClientSettings(concurrency=concurrency)
            asker = Asker(RequestSettings("none", url), client, journal)
            started = time.perf_counter()
            outcomes = asker.ask(prompts)
            seconds = time.perf_counter() - started
    finally:
        del os.environ[KEY_VARIABLE]
        if key is not None:
            os.environ[KEY_VARIABLE] = key
    if sum(bool(outcome.picks) for outcome in outcomes.values()) != n_requests:
        raise RuntimeError(f"{asker.progress.failed} of {n_requests} requests failed; see {file}")
    return seconds


def _time_journal(written: Path, file: Path) -> float:
    """Write the records of a journal again, with nothing between them."""
    records = [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()[1:]]
    with Journal(file, {"dataset": "benchmark"}) as journal:
        started = time.perf_counter()
        for record in records:
            journal.add(record)
        return 1000 * (time.perf_counter() - started) / len(records)


@contextmanager
def _server(latency: float) -> Any:
    """Run the server in a process of its own; gives its URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, latency), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def _serve(connection: Connection, latency: float) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.split(b"content-length:")[1].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                await asyncio.sleep(latency)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (len(_COMPLETION), _COMPLETION)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone
        finally:
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
        connection.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def measure_preparation(source: Path | None, folder: Path) -> dict[str, Any]:
    """Time what happens before anybody is asked, for all users.

    Args:
        source: MovieLens-1M; made-up ratings without it, which have no texts to ask about.
        folder: Where the dataset goes.

    Returns:
        Seconds by stage, sizes, and the peak memory of this process.
    """
    dataset = prepare_ratings(source, folder)
    if not (dataset / f"{dataset.name}.item").is_file():
        return {"dataset": dataset.name, "without": "texts of items; give --source"}
    seconds: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        found = work()
        seconds[stage] = round(time.perf_counter() - started, 2)
        return found

    settings = AugmentSettings(
        dataset.name,
        "openai",
        data_path=folder,
        work=folder / "work",
        base_options={"show_progress": False, "epochs": 1},  # a training's length is its own
        request=RequestSettings("none"),
    )

    def dry_run() -> Any:
        with open_questions(settings) as questions:
            return questions.estimate()

    def export() -> list[Path]:
        with open_questions(settings) as questions:
            return export_batch(questions, folder / "batch.jsonl")

    timed("candidates (one epoch of training with them) and dry run", dry_run)
    found = timed("dry run alone", dry_run)
    parts = timed("export of a batch file", export)
    return {
        "dataset": dataset.name,
        "users": found.n_questions,
        "seconds": seconds,
        "estimated_input_tokens": found.input_tokens,
        "batch_parts": len(parts),
        "batch_mib": round(sum(part.stat().st_size for part in parts) / 2**20, 1),
        "peak_memory_mib": peak_memory_mib(),
    }


def figures_table(figures: dict[str, Any], tablefmt: str = "simple") -> str:
    """Lay out the measured figures, in a format of tabulate."""
    client, preparation = figures["client"], figures["preparation"]
    rows = [
        [
            f"{client['requests']:,} requests of {client['latency_s']:g} s, "
            f"{client['concurrency']} at once",
            f"{client['median_to_ideal']:.2f} times the ideal",
        ],
        ["journal, a record", f"{client['journal_ms_per_record']:.3f} ms"],
    ]
    for stage, seconds in preparation.get("seconds", {}).items():
        rows.append([f"{preparation['dataset']}: {stage}", f"{seconds:.1f} s"])
    if "seconds" in preparation:
        rows.append(["batch file", f"{preparation['batch_mib']:.1f} MiB"])
        rows.append(["peak memory", f"{preparation['peak_memory_mib']:.0f} MiB"])
    headers = [f"{figures['cpus']} CPU cores", "median of runs, or seconds"]
    return tabulate(
        rows, headers, tablefmt=tablefmt, disable_numparse=True, colalign=("left", "right")
    )


if __name__ == "__main__":
    sys.exit(main())
