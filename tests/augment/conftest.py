"""A small dataset with texts, and a server on loopback that misbehaves as it is told."""

import contextlib
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recbole_pngnn.augment.dataset import read_training_data

ITEMS = [f"m{n}" for n in range(1, 13)]
TITLES = {item: f"Film {item[1:]}" for item in ITEMS}
GENRES = {item: ("Comedy", "Drama", "War")[n % 3] for n, item in enumerate(ITEMS)}
N_USERS = 6
KEY = "sk-a-secret-that-nobody-may-see"


def training_rows():
    """Each user rated six items of twelve, the even places liked."""
    return [
        (f"u{user}", ITEMS[(user + place) % 12], 5 - place % 2 * (2 + place % 3))
        for user in range(N_USERS)
        for place in range(6)
    ]


def item_file():
    header = "item_id:token\tmovie_title:token_seq\trelease_year:token\tgenre:token_seq\n"
    return header + "".join(
        f"{item}\t{TITLES[item]}\t{1990 + n}\t{GENRES[item]}\n" for n, item in enumerate(ITEMS)
    )


@pytest.fixture
def dataset(atomic):
    """Write the dataset ``films``; returns the folder of datasets."""
    valid = [("u0", "m7", 5), ("u1", "m8", 1)]
    test = [(f"u{user}", ITEMS[(user + 8) % 12], 4) for user in range(N_USERS)]
    return atomic("films", training_rows(), valid, test, item=item_file())


@pytest.fixture
def data(dataset):
    return read_training_data("films", dataset, text_columns=("movie_title",))


@pytest.fixture
def candidates_file(tmp_path):
    """Candidates of each user: what it did not rate, four each."""
    lines = ["user_id,item_id,score,rank"]
    for user in range(N_USERS):
        for rank in range(1, 5):
            lines.append(f"u{user},{ITEMS[(user + 5 + rank) % 12]},{1 - rank / 10},{rank}")
    file = tmp_path / "candidates.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def completion(content, reason="stop", **message):
    """A chat completion as servers write it."""
    return {
        "id": "x",
        "object": "chat.completion",
        "model": "tiny-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": reason,
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


GOOD = completion('{"liked": "A", "disliked": "B"}')


class Server:
    """The server: ``script`` maps a request's body and how often it came to a reply.

    A reply is (status, headers, body), "hang", "close", or a function that is given the handler.
    """

    def __init__(self):
        self.script = lambda body, times: (200, {}, GOOD)
        self.latency = 0.0
        self.requests = []
        self.keys = []
        self.paths = []
        self._times = {}
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.answer(self)

            def log_message(self, *args):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, handler):
        raw = handler.rfile.read(int(handler.headers["Content-Length"]))
        body = json.loads(raw)
        digest = hashlib.sha256(raw).hexdigest()
        with self._lock:
            self.requests.append(body)
            self.keys.append(handler.headers["Authorization"])
            self.paths.append(handler.path)
            times = self._times[digest] = self._times.get(digest, 0) + 1
        time.sleep(self.latency)
        reply = self.script(body, times)
        if reply == "hang":
            time.sleep(3)
            reply = "close"
        if callable(reply):
            with contextlib.suppress(OSError):  # the client has had enough
                reply(handler)
            reply = "close"
        if reply == "close":
            handler.close_connection = True
            handler.connection.close()
            return
        status, headers, content = reply
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        try:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:
            pass  # the client is gone

    def close(self):
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = Server()
    yield found
    found.close()
