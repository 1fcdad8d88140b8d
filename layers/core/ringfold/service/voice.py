"""The voice webhooks: a call comes in, its status changes, its relay session is over.

Each route looks up what the request names, verifies the signature with the token of the account that owns the
number, and only then believes or stores anything. A repeat is harmless: a call is keyed by its CallSid, a status by
its rank, a lost session by its SessionId. Whatever fails, the caller hears a sentence, before Twilio loses patience.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ringfold.core import twiml
from ringfold.errors import AppError, SignatureError, WireError
from ringfold.log import Log
from ringfold.ports import CallStore, Finisher, LineDirectory, SecretStore
from ringfold.service import answers
from ringfold.service.answers import Reply
from ringfold.service.deadline import Deadline
from ringfold.service.doorkeeper import Doorkeeper
from ringfold.service.incoming import Incoming
from ringfold.service.progress import Progress
from ringfold.service.webhook import WebhookRequest

PATIENCE_S: Final = 7.5
"""Twilio waits 15 s for the answer; a caller who hears nothing for ten hangs up."""

Route = Callable[[WebhookRequest, Deadline, Log], Reply]


class Voice:
    """Answers the voice webhooks.

    Args:
        directory: Reads what is configured.
        calls: Keeps calls.
        secrets: Holds auth tokens and the key of relay tokens.
        finish: Ends a call for good.
        public_base_url: Where Twilio reaches us unless an account or a number says otherwise.
        relay_url: The WebSocket API, without a query.
        log: Its lines carry no speech.
        clock: Epoch seconds.
        patience_s: How long an answer may take, whatever AWS does.
    """

    def __init__(  # noqa: PLR0913 - everything the webhooks touch, by name
        self,
        *,
        directory: LineDirectory,
        calls: CallStore,
        secrets: SecretStore,
        finish: Finisher,
        public_base_url: str,
        relay_url: str,
        log: Log,
        clock: Callable[[], float],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._log = log
        self._patience_s = patience_s
        # Its threads start with the first request, so none is frozen into a snapshot.
        self._pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="aws")
        doorkeeper = Doorkeeper(directory, secrets, public_base_url)
        self._incoming = Incoming(
            directory=directory,
            calls=calls,
            secrets=secrets,
            doorkeeper=doorkeeper,
            relay_url=relay_url,
            clock=clock,
        )
        self._progress = Progress(
            directory=directory,
            calls=calls,
            secrets=secrets,
            doorkeeper=doorkeeper,
            finish=finish,
            relay_url=relay_url,
            clock=clock,
        )

    def incoming(self, request: WebhookRequest) -> Reply:
        """A number is called: answer with the TwiML that opens the relay session."""
        return self._answered("incoming", self._incoming.answer, request, apology())

    def status(self, request: WebhookRequest) -> Reply:
        """The carrier reports how a call is; nobody reads the answer, but a 503 may be tried again."""
        return self._answered("status", self._progress.status, request, Reply(twiml.empty(), 503))

    def action(self, request: WebhookRequest) -> Reply:
        """A relay session is over: the call goes on in a new one, elsewhere, or ends."""
        return self._answered("action", self._progress.action, request, apology())

    def whisper(self, request: WebhookRequest) -> Reply:
        """Somebody takes a call that was handed over: they hear what it is about; whatever fails, both are joined."""
        return self._answered("whisper", self._progress.whisper, request, Reply(twiml.empty()))

    def _answered(self, name: str, route: Route, request: WebhookRequest, failed: Reply) -> Reply:
        """Run a route: the one place where errors become answers."""
        log = self._log.bind(route=name)
        try:
            return route(request, Deadline(self._pool, self._patience_s), log)
        except SignatureError as exc:
            log.warning("webhook refused", reason=exc.reason)
            return answers.refusal()
        except WireError as exc:
            log.warning("webhook refused", reason=str(exc))
            return answers.refusal()
        except AppError as exc:
            log.error("webhook failed", error=type(exc).__name__, detail=str(exc))
            return failed


def apology() -> Reply:
    """What a caller hears when nothing else can be said: no setting, no service and no state is needed for it."""
    return Reply(answers.sorry("", None))
