"""The carrier as a web application, mounted by the local gateway below /local/carrier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from local.carrier.books import Books
from local.carrier.control import control_routes
from local.carrier.control_rest import RestControl
from local.carrier.control_texts import TextControl
from local.carrier.exchange import Exchange, Feed
from local.carrier.manners import Manners
from local.carrier.rest.api import RestApi


def build_carrier(
    run: Mapping[str, Any],
    feed: Feed | None = None,
    manners: Manners | None = None,
    books_file: Path | None = None,
    on_token: Callable[[], None] | None = None,
) -> Starlette:
    """Build the carrier.

    Args:
        run: The document of `.local/run.json`: where the system is, and its accounts and numbers.
        feed: Gets the violations of every call and of every REST request; the gateway's traffic feed fits.
        manners: How Twilio behaves, and how fast.
        books_file: Where its books are kept over restarts; by default they live in memory.
        on_token: Called when an account's token has changed.

    Returns:
        The application. ``app.state.exchange`` holds the calls and the books; before the system stops, ``await`` its
        ``close()``: it hangs up on everybody while the webhooks are still served, and ends the pages' event streams.

    Raises:
        ValueError: If the books cannot be read.
    """
    books = Books(books_file)
    if on_token is not None:
        books.on_token = on_token
    exchange = Exchange(run, feed, manners, books)
    api = RestApi(exchange, feed)
    app = Starlette(
        routes=[
            *control_routes(exchange),
            *TextControl(exchange.texting).routes(),
            *RestControl(api).routes(),
            *api.routes(),
        ]
    )
    app.state.exchange = exchange
    app.state.api = api
    return app
