"""The carrier as a web application, mounted by the local gateway below /local/carrier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette

from local.carrier.control import control_routes
from local.carrier.exchange import Exchange, Feed
from local.carrier.manners import Manners
from local.carrier.rest import RestApi


def build_carrier(run: Mapping[str, Any], feed: Feed | None = None, manners: Manners | None = None) -> Starlette:
    """Build the carrier.

    Args:
        run: The document of `.local/run.json`: where the system is, and its accounts and numbers.
        feed: Gets the violations of every call; the gateway's traffic feed fits.
        manners: How Twilio behaves, and how fast.

    Returns:
        The application. ``app.state.exchange`` holds the calls; before the system stops, ``await`` its ``close()``:
        it hangs up on everybody while the webhooks are still served, and ends the pages' event streams.
    """
    exchange = Exchange(run, feed, manners)
    app = Starlette(routes=[*control_routes(exchange), *RestApi(exchange).routes()])
    app.state.exchange = exchange
    return app
