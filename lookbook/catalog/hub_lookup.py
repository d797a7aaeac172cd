"""Whether the Hugging Face Hub has a repository, asked in seconds: models and data sets alike.

Its own libraries try for 25 seconds a file before they say that there is no network.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import Any

_ANSWER_SECONDS = 2.5
_WORDS = {"dataset": "data set", "model": "model"}


class HubError(ValueError):
    """The Hub was reached and said no; str() is one sentence for a person."""


def query_hub(repository: str, kind: str) -> Any | None:
    """What the Hub says about a "dataset" or "model": its revision `.sha`, its card `.card_data`.

    None when there is no answer in a few seconds or HF_HUB_OFFLINE forbids to ask; then only a
    cached copy can help. Raises HubError when there is no such repository or one may not have it.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    info = functools.partial(HfApi().repo_info, repo_type=kind, timeout=_ANSWER_SECONDS)
    try:
        return _within(_ANSWER_SECONDS, functools.partial(info, repository))
    except GatedRepoError:
        raise HubError(
            f"{repository}: the Hub gives this {_WORDS[kind]} only to whom its owners let in; "
            "ask on its page, then log in with `hf auth login`"
        ) from None
    except RepositoryNotFoundError:
        raise HubError(
            f"{repository}: the Hub has no such {_WORDS[kind]} (a private one needs "
            "`hf auth login`), and there is no such folder here"
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status < 500:
            raise HubError(f"{repository}: the Hub refused with status {status}") from None
        return None
    except Exception:  # no network has many names: resolver, proxy, TLS, time, offline mode
        return None


def unreachable_message(repository: str) -> str:
    """The first half of the sentence for when `query_hub` gave None and no copy is cached."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return f"{repository}: HF_HUB_OFFLINE is set and no copy is cached"
    return (
        f"{repository}: no folder of that name here, no cached copy, and no answer from the Hub at "
        f"{constants.ENDPOINT} (with HF_HUB_OFFLINE=1 only cached copies are used)"
    )


def _within(seconds: float, ask: Callable[[], Any]) -> Any:
    """The answer of `ask`, or TimeoutError: a resolver or a server may keep us waiting for ever."""
    answers: queue.Queue = queue.Queue()

    def work() -> None:
        try:
            answers.put((ask(), None))
        except BaseException as error:  # carried over to the thread that waits
            answers.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return answer
