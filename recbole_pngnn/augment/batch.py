"""The Batch API's files: requests out, answers in, by whichever program answers JSONL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.prompts import Prompt
from recbole_pngnn.augment.questions import Questions
from recbole_pngnn.augment.requests import ENDPOINT, RequestSettings, make_request
from recbole_pngnn.augment.strict_json import read_json
from recbole_pngnn.augment.texts import read_text
from recbole_pngnn.files import write_whole

# The Batch API's limits for one file.
MOST_LINES, MOST_BYTES = 50_000, 200_000_000


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes:
        answered: Answers put into the journal.
        known: Answers that the journal had already.
        failed: Requests that the server did not answer, put into the journal as failures.
        unknown: Answers to requests that are none of this dataset's and settings'.
        missing: Questions that are still open.
    """

    answered: int
    known: int
    failed: int
    unknown: int
    missing: int


def export_batch(
    questions: Questions,
    file: Path,
    answer_format: str = "json_schema",
    most_lines: int = MOST_LINES,
    most_bytes: int = MOST_BYTES,
) -> list[Path]:
    """Write the requests of all open questions as the Batch API takes them.

    Args:
        questions: What is asked; answers in the journal are left out.
        file: The file; further parts get ``-2``, ``-3`` ... behind its stem.
        answer_format: One of :data:`requests.FORMATS`.
        most_lines: Lines a part.
        most_bytes: Bytes a part.

    Returns:
        The files written, none where nothing is open.

    Raises:
        AugmentError: The disk refuses.
    """
    lines = (
        _request_line(prompt, questions.request, answer_format) for prompt in questions.unanswered()
    )
    written: list[Path] = []
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(_parts(lines, most_lines, most_bytes), 1):
            path = file if number == 1 else file.with_stem(f"{file.stem}-{number}")
            write_whole(path, b"".join(part))
            written.append(path)
    except OSError as error:
        raise AugmentError(f"cannot write {file}: {error.strerror or error}") from error
    return written


def _request_line(prompt: Prompt, settings: RequestSettings, answer_format: str) -> bytes:
    request = make_request(prompt, settings, answer_format)
    line = {
        "custom_id": request.key,
        "method": "POST",
        "url": f"/v1{ENDPOINT}",
        "body": request.body,
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _parts(lines: Iterable[bytes], most_lines: int, most_bytes: int) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and (len(part) == most_lines or size + len(line) > most_bytes):
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part


def import_batch(questions: Questions, files: Sequence[Path]) -> Imported:
    """Put answers of batch files into the journal, from where the rest goes on as if asked online.

    Output and error files may come together, in any order, in parts. A line needs ``custom_id``
    and ``response`` with ``status_code`` and ``body``; a line of an error file has ``error`` or a
    status other than 200.

    Args:
        questions: What was asked; the answers go into its journal.
        files: Files of the Batch API's format.

    Raises:
        AugmentError: A file is not there or cannot be decoded; or lines are none of that format,
            after all others were put into the journal.
    """
    journal, asker = questions.journal, questions.asker
    known_keys = {request.key for prompt in questions.prompts for request in asker.requests(prompt)}
    answered = known = failed = unknown = 0
    unreadable: list[str] = []
    for file, text in [(file, read_text(file)) for file in files]:
        for number, line in _lines(text):
            try:
                key, status, body = _read_line(line)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                unreadable.append(f"{file}, line {number}")
                continue
            body = asker.redactor(body)
            if key not in known_keys:
                unknown += 1
                continue
            records = journal.find(key)
            if any(r.get("status") == 200 and r.get("body") == body for r in records):
                known += 1
                continue
            attempt = 1 + sum(record.get("status") == 200 for record in records)
            journal.add(
                {
                    "key": key,
                    "status": status,
                    "attempt": attempt,
                    "batch": file.name,
                    "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "body": body,
                }
            )
            answered += status == 200
            failed += status != 200
    if unreadable:
        raise AugmentError(
            f"{len(unreadable)} line(s) are none of the Batch API's output (custom_id, response), "
            f"first: {unreadable[0]}; the others are in {journal.path}: {answered} answers, "
            f"{known} known before, {failed} failed, {unknown} of other requests. Mend the lines "
            f"and import again, or go on without"
        )
    return Imported(answered, known, failed, unknown, len(questions.unanswered()))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _read_line(line: str) -> tuple[str, int, str]:
    record: Any = read_json(line)
    response = record.get("response") or {}
    status = response.get("status_code", 0)
    if isinstance(status, str):
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int):
        raise ValueError(f"{status!r} is no status")
    body = response.get("body", record.get("error"))
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return str(record["custom_id"]), status, text
