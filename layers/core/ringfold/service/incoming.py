"""A number is called: who answers is settled and stored, and Twilio is told to open the relay session.

At most three requests to AWS one after another: the number; side by side the account's tokens, the relay key and one
read of account, agent, organization and last call; one transaction that stores the call.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from ringfold.core import phone
from ringfold.core.calls import CallRecord, Line, Opening, Persona
from ringfold.core.lines import Number, conversation_id_of
from ringfold.errors import ConfigError, ConflictError, DependencyError, SignatureError
from ringfold.log import Log
from ringfold.ports import CallStore, LineDirectory, SecretStore
from ringfold.service import answers
from ringfold.service.answers import Reply
from ringfold.service.deadline import Deadline
from ringfold.service.doorkeeper import Doorkeeper, Named, read_names
from ringfold.service.webhook import WebhookRequest


class Incoming:
    """Answers ``POST /api/voice/incoming``; see :class:`ringfold.service.voice.Voice`."""

    def __init__(
        self,
        *,
        directory: LineDirectory,
        calls: CallStore,
        secrets: SecretStore,
        doorkeeper: Doorkeeper,
        relay_url: str,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._calls = calls
        self._secrets = secrets
        self._doorkeeper = doorkeeper
        self._relay_url = relay_url
        self._clock = clock

    def answer(self, request: WebhookRequest, deadline: Deadline, log: Log) -> Reply:
        """Answer one call.

        Raises:
            SignatureError: If Twilio did not send this, or it is about another account's call.
            AppError: Any other, while it has not been verified; afterwards the caller is sent on politely.
        """
        named = read_names(request)
        log = log.bind(call_sid=named.call_sid)
        line = deadline.run(self._directory.find_line, named.to, named.account_sid)
        if line.number is None:
            return self._not_ours(request, named, line, deadline, log)
        number = line.number
        if number.account.account_sid != named.account_sid:
            raise SignatureError("AccountSid is not the account that owns the number")
        tokens = self._doorkeeper.ask_tokens(number, deadline)
        key = deadline.start(self._secrets.relay_key)
        persona = deadline.run(self._directory.load_persona, number, _contact(named.caller))
        account = persona.account or number.account
        base_url = self._doorkeeper.base_url(number, account)
        self._doorkeeper.verify(request, self._doorkeeper.base_urls(number, account), account, tokens, deadline)

        log = log.bind(organization_id=number.organization_id, number=phone.mask(number.phone_number))
        if not (number.is_active and number.account.is_active and account.is_active):
            log.warning("call to an inactive number or account")
            return Reply(answers.sorry("", None, say=answers.NOT_IN_SERVICE))
        try:
            opening = self._settle(request, named, number, persona, base_url)
            return self._open(opening, key, deadline, log)
        except (ConfigError, DependencyError, ConflictError) as exc:
            log.error("call could not be answered", error=type(exc).__name__, detail=str(exc))
            return Reply(answers.sorry_for(number))

    def _not_ours(self, request: WebhookRequest, named: Named, line: Line, deadline: Deadline, log: Log) -> Reply:
        """A number we do not know, dialled at an account we do."""
        self._doorkeeper.verify_by_account(request, line, deadline)
        log.warning("call to an unknown number", number=phone.mask(named.to))
        return Reply(answers.sorry("", None, say=answers.NOT_IN_SERVICE))

    def _settle(
        self, request: WebhookRequest, named: Named, number: Number, persona: Persona, base_url: str
    ) -> Opening:
        """Settle who answers. A dynamic number uses its default agent until routing comes."""
        if number.fault or persona.agent is None:
            raise ConfigError(number.fault or persona.fault)
        now_ms = int(self._clock() * 1000)
        caller_number = _contact(named.caller)
        return Opening(
            call_sid=named.call_sid,
            account_sid=named.account_sid,
            organization_id=number.organization_id,
            conversation_id=conversation_id_of(named.account_sid, named.call_sid),
            number_id=number.number_id,
            agent_id=persona.agent.agent_id,
            caller_contact=caller_number,
            call_status=request.get("CallStatus"),
            snapshot=answers.build_snapshot(number, persona.agent, persona, caller_number, base_url, now_ms),
            created_ms=now_ms,
        )

    def _open(self, opening: Opening, key: Future[str], deadline: Deadline, log: Log) -> Reply:
        fresh = CallRecord(
            opening.call_sid,
            opening.account_sid,
            opening.organization_id,
            opening.conversation_id,
            opening.created_ms,
            snapshot=opening.snapshot,
        )
        # Built before anything is stored: settings that make no legal TwiML must not leave a call behind.
        body = answers.connect(fresh, self._relay_url, deadline.wait(key))
        stored = deadline.run(self._calls.open_call, opening)
        if (stored.account_sid, stored.organization_id) != (opening.account_sid, opening.organization_id):
            raise SignatureError("CallSid belongs to a call of another account")
        repeated = stored != fresh
        if repeated:
            body = answers.connect(stored, self._relay_url, key.result())
        log.info(
            "call answered",
            conversation_id=stored.conversation_id,
            caller=phone.mask(opening.snapshot.caller_number),
            agent_id=opening.agent_id,
            repeated=repeated,
            resumed=bool(opening.snapshot.previous),
            pool=len(opening.snapshot.pool),
        )
        return Reply(body)


def _contact(caller: str) -> str:
    """The caller's number if it names a person: withheld numbers and other addresses share nothing."""
    return caller if phone.address_kind(caller) is phone.AddressKind.NUMBER else ""
