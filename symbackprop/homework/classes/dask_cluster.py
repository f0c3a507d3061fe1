"""A cluster of Dask's as somebody who works: found by its address, or by the file that its scheduler writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from symbackprop.errors import MissingLibraryError, OutputError
from symbackprop.homework.classes.chunks import Workers, check_versions, versions
from symbackprop.messages import message

SECONDS = 30
"""How long a scheduler may take to answer."""


@contextlib.contextmanager
def workers_of(scheduler: str) -> Iterator[Workers]:
    """Give the workers of a scheduler, `tcp://host:8786` or a file; their versions are compared first.

    Raises `OutputError` where nobody answers or where a worker has other versions, `MissingLibraryError` without Dask.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise MissingLibraryError(message("homework.no_dask"), where="--scheduler") from None
    is_file = Path(scheduler).is_file()
    try:
        client = Client(  # type: ignore[no-untyped-call]
            **{"scheduler_file" if is_file else "address": scheduler}, timeout=SECONDS, set_as_default=False
        )
        client.wait_for_workers(1, timeout=SECONDS)
    except (OSError, ValueError) as error:
        raise OutputError(message("homework.no_scheduler", reason=str(error)), where=scheduler) from None
    with client:
        try:
            client.run(check_versions, dict(versions()))
        except (ImportError, AttributeError):
            raise OutputError(message("homework.no_program"), where=scheduler) from None
        yield Workers(client.get_executor, deadly=(KilledWorker,))
