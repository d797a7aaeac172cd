"""Look up a model or data set on the Hugging Face Hub with a short timeout.

huggingface_hub itself retries each file for 25 seconds before it reports that there is no network.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import Any

_TIMEOUT_SECONDS = 2.5
_KIND_NAMES = {"dataset": "data set", "model": "model"}


class HubError(ValueError):
    """The Hub answered that a repository cannot be had; str() is one sentence for the user."""


def query_hub(repository: str, kind: str) -> Any | None:
    """Return what the Hub knows of a "dataset" or "model": its `.sha`, its `.card_data`.

    Returns None when there is no answer within a few seconds or HF_HUB_OFFLINE is set; then only a
    cached copy can help. Raises HubError when the repository does not exist or is not accessible.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    info = functools.partial(HfApi().repo_info, repo_type=kind, timeout=_TIMEOUT_SECONDS)
    try:
        return _call_with_timeout(_TIMEOUT_SECONDS, functools.partial(info, repository))
    except GatedRepoError:
        raise HubError(
            f"{repository}: the Hub gives this {_KIND_NAMES[kind]} only to whom its owners let in; "
            "ask on its page, then log in with `hf auth login`"
        ) from None
    except RepositoryNotFoundError:
        raise HubError(
            f"{repository}: the Hub has no such {_KIND_NAMES[kind]} (a private one needs "
            "`hf auth login`), and there is no such folder here"
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status < 500:
            raise HubError(f"{repository}: the Hub refused with status {status}") from None
        return None
    except Exception:  # no network takes many forms: resolver, proxy, TLS, timeout, offline mode
        return None


def unreachable_message(repository: str) -> str:
    """Return the first half of a sentence for when `query_hub` gave None and no copy is cached."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return f"{repository}: HF_HUB_OFFLINE is set and no copy is cached"
    return (
        f"{repository}: no folder of that name here, no cached copy, and no answer from the Hub at "
        f"{constants.ENDPOINT} (with HF_HUB_OFFLINE=1 only cached copies are used)"
    )


def _call_with_timeout(seconds: float, call: Callable[[], Any]) -> Any:
    """Return the result of `call`; raises TimeoutError: a resolver or server may never answer."""
    results: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()

    def work() -> None:
        try:
            results.put((call(), None))
        except BaseException as error:  # re-raised in the waiting thread
            results.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        result, error = results.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result
