"""Run what is asynchronous from anywhere: a program, a thread, a notebook; Ctrl-C twice."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


class Interrupts:
    """What Ctrl-C does: the first drains, the second cancels."""

    def __init__(self) -> None:
        self.draining = False
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drain: Callable[[], None] = lambda: None

    def interrupt(self) -> None:
        """Take a Ctrl-C, in the event loop's own thread."""
        if self.draining and self._task is not None:
            self._task.cancel()
        self.draining = True
        self._drain()

    def interrupt_from_outside(self) -> None:
        """Take a Ctrl-C in another thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.interrupt)

    @contextmanager
    def handled(self, drain: Callable[[], None]) -> Iterator[None]:
        """Inside, Ctrl-C calls ``drain``, and the second time cancels the running task.

        The handler that was there before is there again afterwards.
        """
        self._drain = drain
        self._task, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        try:
            before = signal.getsignal(signal.SIGINT)
            self._loop.add_signal_handler(signal.SIGINT, self.interrupt)
        except (NotImplementedError, ValueError, RuntimeError):  # Windows; not the main thread
            yield
            return
        try:
            yield
        finally:
            self._loop.remove_signal_handler(signal.SIGINT)
            if before is not None:  # None where it was not set from Python
                signal.signal(signal.SIGINT, before)


@contextmanager
def _handler(handler: Callable[..., None]) -> Iterator[None]:
    """Handle Ctrl-C inside, where this is the main thread; asyncio's own would only note it."""
    try:
        before = signal.signal(signal.SIGINT, handler)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def run_to_the_end(main: Callable[[], Coroutine[Any, Any, None]], interrupts: Interrupts) -> None:
    """Run a coroutine, in a thread of its own where an event loop is running here already.

    Raises:
        KeyboardInterrupt: It was cancelled by a second Ctrl-C.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        return
    raised: list[BaseException] = []

    def target() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=target, name="augment")
    with _handler(lambda *_: interrupts.interrupt_from_outside()):
        thread.start()
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt:  # raised by hand, where signals are not ours to handle
                interrupts.interrupt_from_outside()
    for error in raised:
        if isinstance(error, asyncio.CancelledError):
            raise KeyboardInterrupt from None
        raise error
