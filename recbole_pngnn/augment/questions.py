"""The questions of a dataset, and the journal that knows the answers of some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from recbole_pngnn.augment.budget import estimated_tokens, tokens_used
from recbole_pngnn.augment.client import Asker, Progress
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prepared import Prepared, prepare
from recbole_pngnn.augment.prompts import Prompt, PromptMaker, read_template
from recbole_pngnn.augment.requests import RequestSettings, make_request
from recbole_pngnn.augment.settings import AugmentSettings


@dataclass(frozen=True)
class Estimate:
    """What the open questions would take, before any is sent.

    Attributes:
        n_questions: All questions.
        n_open: Questions that the journal does not answer.
        input_tokens: Tokens of the open ones, by the rule of thumb of four characters a token.
        output_tokens: Tokens of their answers.
        cost: What they cost at the prices of the settings.
    """

    n_questions: int
    n_open: int
    input_tokens: int
    output_tokens: int
    cost: float


@dataclass(frozen=True)
class Questions:
    """The questions of a dataset; see :func:`open_questions`.

    Attributes:
        ready: The training part, the candidates and the texts.
        prompts: All questions, user by user, vote by vote.
        request: How a server is asked.
        journal: The answers so far.
        asker: Asks the rest.
    """

    ready: Prepared
    prompts: tuple[Prompt, ...]
    request: RequestSettings
    journal: Journal
    asker: Asker

    def unanswered(self) -> list[Prompt]:
        """Return the questions that the journal does not answer."""
        return [prompt for prompt in self.prompts if self.asker.cached(prompt) is None]

    def tokens(self) -> tuple[int, int]:
        """Return the tokens sent and answered for all answers in the journal, of any run."""
        n_in = n_out = 0
        for prompt in self.prompts:
            for request in self.asker.requests(prompt):
                for record in self.journal.find(request.key):
                    body = record.get("body")
                    if record.get("status") == 200 and isinstance(body, str):
                        used = tokens_used(body, request)
                        n_in, n_out = n_in + used.input, n_out + used.output
        return n_in, n_out

    def estimate(self) -> Estimate:
        """Estimate tokens and cost of the unanswered questions; sends nothing."""
        unanswered = self.unanswered()
        n_in = n_out = 0
        for prompt in unanswered:
            tokens = estimated_tokens(make_request(prompt, self.request, "json_schema"))
            n_in, n_out = n_in + tokens[0], n_out + tokens[1]
        cost = self.asker.prices.cost(n_in, n_out)
        return Estimate(len(self.prompts), len(unanswered), n_in, n_out, cost)


@contextmanager
def open_questions(
    settings: AugmentSettings,
    report: Callable[[Progress, int], None] = lambda progress, total: None,
) -> Iterator[Questions]:
    """Make the questions of a dataset and open their journal; nothing is sent.

    Args:
        settings: What is augmented; the provider must be ``openai``.
        report: Called by the asker with what came of the questions so far, and their number.

    Raises:
        AugmentError: The provider asks nobody, or a file cannot be used.
    """
    if settings.request is None:
        raise AugmentError(
            f"the provider {settings.provider} asks nobody: there are no questions, and nothing to "
            f"estimate, export or import"
        )
    ready = prepare(settings)
    prompts = _prompts(settings, ready)
    identity = {"dataset": ready.data.name, "train_sha256": ready.data.train_sha256}
    with Journal(settings.journal_file, identity) as journal:
        asker = Asker(settings.request, settings.client, journal, lambda p: report(p, len(prompts)))
        yield Questions(ready, prompts, settings.request, journal, asker)


def _prompts(settings: AugmentSettings, ready: Prepared) -> tuple[Prompt, ...]:
    maker = PromptMaker(
        ready.data,
        read_template(settings.template),
        ready.text_columns,
        settings.picks,
        settings.history_size,
        settings.seed,
    )
    return tuple(
        maker.prompt(user, items, vote)
        for user, items in ready.candidates.by_user.items()
        for vote in range(settings.votes)
    )
