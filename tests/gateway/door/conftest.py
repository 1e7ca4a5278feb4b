"""What is told on real sockets runs on the loop of the standard library and on the one that the gateway runs on."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

SOCKETS = {"test_sinks", "test_egress"}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if isinstance(item, pytest.Function) and item.module.__name__.rpartition(".")[2] in SOCKETS:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
