"""How a call goes on: the carrier reports its status, or its relay session is over.

Both callbacks come in any order, more than once, or never. A status is kept by its rank, a lost session is answered
by its SessionId, and a call is finished once however often its end is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from ringfold.core import call_status, twiml
from ringfold.core.calls import CallRecord, Line
from ringfold.core.end_reasons import AGENT_ENDED, HANDOFF, LINK_FAILED, reason_of_status
from ringfold.core.handoff import OUTCOMES, whisper
from ringfold.core.lines import conversation_id_of
from ringfold.core.session import MAX_RECOVERIES
from ringfold.errors import AppError, ConfigError, ConflictError, DependencyError, SignatureError
from ringfold.log import Log
from ringfold.ports import CallStore, Finisher, LineDirectory, SecretStore
from ringfold.service import answers
from ringfold.service.answers import Reply
from ringfold.service.deadline import Deadline
from ringfold.service.doorkeeper import Doorkeeper, Named, read_names
from ringfold.service.webhook import WebhookRequest

TAKEN: Final = "taken"
"""Somebody has talked with the caller: when that is over, so is the call."""
_SESSION_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Progress:
    """Answers the status and action callbacks; see :class:`ringfold.service.voice.Voice`."""

    def __init__(
        self,
        *,
        directory: LineDirectory,
        calls: CallStore,
        secrets: SecretStore,
        doorkeeper: Doorkeeper,
        finish: Finisher,
        relay_url: str,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._calls = calls
        self._secrets = secrets
        self._doorkeeper = doorkeeper
        self._finish_call = finish
        self._relay_url = relay_url
        self._clock = clock

    def status(self, request: WebhookRequest, deadline: Deadline, log: Log) -> Reply:
        """Store a status; a final one ends the call."""
        named = read_names(request)
        log = log.bind(call_sid=named.call_sid)
        line = deadline.run(self._directory.find_line, named.to, named.account_sid, named.call_sid)
        self._doorkeeper.verify_by_account(request, line, deadline)
        if line.call is not None and line.call.account_sid != named.account_sid:
            raise SignatureError("CallSid belongs to a call of another account")
        status = request.get("CallStatus")
        if status in call_status.RANKS:
            self._keep_status(named, line, status, deadline, log)
        else:
            log.warning("unknown call status", status=status[:40])
        return Reply(twiml.empty())

    def action(self, request: WebhookRequest, deadline: Deadline, log: Log) -> Reply:
        """Say how the call goes on after its relay session."""
        named = read_names(request)
        log = log.bind(call_sid=named.call_sid)
        find = self._directory.find_line
        line = deadline.run(find, named.to, named.account_sid, named.call_sid, with_snapshot=True)
        call = line.call
        self._doorkeeper.verify_by_account(request, line, deadline)
        if call is None:
            log.error("relay session of a call that is not stored")
            return Reply(answers.sorry_for(line.number) if line.number else answers.sorry("", None))
        if call.account_sid != named.account_sid or call.conversation_id != request.conversation_id:
            raise SignatureError("action of another call")
        log = log.bind(organization_id=call.organization_id, conversation_id=call.conversation_id)
        try:
            return Reply(self._after_session(request, named, line, call, deadline, log))
        except (ConfigError, DependencyError, ConflictError) as exc:
            log.error("relay session could not be followed", error=type(exc).__name__, detail=str(exc))
            return Reply(answers.lost(call))

    def _after_session(
        self, request: WebhookRequest, named: Named, line: Line, call: CallRecord, deadline: Deadline, log: Log
    ) -> str:
        if "menu" in dict(parse_qsl(request.raw_query)):
            return self._after_menu(request, named, line, call, deadline, log)
        if request.get("DialCallStatus"):
            return self._after_handoff(request, named, line, call, deadline, log)
        outcome, status = request.get("SessionStatus"), request.get("CallStatus")
        error_code = request.get("ErrorCode")[:10]
        log.info("relay session over", outcome=outcome[:20], call_status=status[:20], error_code=error_code)
        if call_status.is_final(status) or outcome == "completed":
            final = status if call_status.is_final(status) else "completed"
            self._keep_status(named, line, final, deadline, log, reason=LINK_FAILED if outcome == "failed" else "")
            return twiml.empty()
        if call.handoff and not call.ended:
            # However the session went: what was announced to the caller happens.
            log.info(
                "caller handed over", handoff=int(call.handoff.get("n", 1)), code=str(call.handoff.get("code", ""))
            )
            return answers.hand_off(call)
        if outcome == "ended" and call.returned and not call.ended:
            log.warning("a session handed over long ago is told again")
            return twiml.empty()
        if outcome == "ended" or call.ended:
            # HandoffData decides nothing: where a call goes was settled when it came in.
            self._finish(call, call.ended or AGENT_ENDED, deadline, log)
            return answers.ended(call)
        return self._recover(request, call, deadline, log)

    def _after_handoff(
        self, request: WebhookRequest, named: Named, line: Line, call: CallRecord, deadline: Deadline, log: Log
    ) -> str:
        """The dialled leg is over: a caller whom nobody has taken comes back to the agent, who is told."""
        outcome, status = outcome_of(request), request.get("CallStatus")
        log.info("handoff over", outcome=outcome, call_status=status[:20])
        if call_status.is_final(status):
            self._keep_status(named, line, status, deadline, log, reason=HANDOFF)
            return twiml.empty()
        if outcome == TAKEN or call.ended:
            self._finish(call, call.over or HANDOFF, deadline, log)
            return twiml.hang_up()
        key = deadline.start(self._secrets.relay_key)
        number, now_ms = _handoff_number(request), int(self._clock() * 1000)
        back = deadline.run(self._calls.grant_return, call.call_sid, number, outcome, now_ms)
        if back is None:
            log.error("caller could not be taken back", handoff=number)
            self._finish(call, HANDOFF, deadline, log)
            return answers.sorry("", answers.language_of(call), say=answers.NOBODY_THERE)
        return answers.connect(call, self._relay_url, deadline.wait(key), attempt=back.attempt, at_ms=back.at_ms)

    def _after_menu(
        self, request: WebhookRequest, named: Named, line: Line, call: CallRecord, deadline: Deadline, log: Log
    ) -> str:
        """A caller whose sessions kept being lost has pressed a key: 1 is one more session, all else is the end."""
        status = request.get("CallStatus")
        if call_status.is_final(status):
            self._keep_status(named, line, status, deadline, log, reason=LINK_FAILED)
            return twiml.empty()
        if request.get("Digits") == "1" and not call.ended:
            key, now_ms = deadline.start(self._secrets.relay_key), int(self._clock() * 1000)
            more = deadline.run(self._calls.grant_recovery, call.call_sid, "menu", now_ms, MAX_RECOVERIES + 1)
            if more is not None:
                log.warning("call recovered by key", attempt=more.attempt)
                relay_key = deadline.wait(key)
                return answers.connect(call, self._relay_url, relay_key, attempt=more.attempt, at_ms=more.at_ms)
        self._finish(call, call.over or LINK_FAILED, deadline, log)
        return answers.lost(call)

    def whisper(self, request: WebhookRequest, deadline: Deadline, log: Log) -> Reply:
        """Tell whoever takes a call what it is about; ``CallSid`` is of the dialled leg, the call's is in the URL."""
        named = read_names(request)
        call_sid = dict(parse_qsl(request.raw_query)).get("call", "")
        if conversation_id_of(named.account_sid, call_sid) != request.conversation_id:
            raise SignatureError("whisper of another call")
        find = self._directory.find_line
        line = deadline.run(find, "", named.account_sid, call_sid, with_snapshot=True)
        self._doorkeeper.verify_by_account(request, line, deadline)
        call = line.call
        if call is None or call.account_sid != named.account_sid or call.snapshot is None:
            return Reply(twiml.empty())
        log.info("handoff taken", conversation_id=call.conversation_id)
        told = whisper(call.handoff or {}, call.snapshot.organization_name)
        return Reply(twiml.say(told, answers.language_of(call)))

    def _recover(self, request: WebhookRequest, call: CallRecord, deadline: Deadline, log: Log) -> str:
        """The caller is still on the line: open another session, unless that was done too often."""
        key = deadline.start(self._secrets.relay_key)
        session_id = request.get("SessionId")
        if not _SESSION_ID.fullmatch(session_id):
            log.warning("SessionId is none", length=len(session_id))
            session_id = "none"
        now_ms = int(self._clock() * 1000)
        recovery = deadline.run(self._calls.grant_recovery, call.call_sid, session_id, now_ms)
        if recovery is None and (asked := answers.menu(call)):
            log.warning("caller is asked for a key after too many lost sessions")
            return asked
        if recovery is None:
            log.error("call given up after too many lost sessions")
            self._finish(call, LINK_FAILED, deadline, log)
            return answers.lost(call)
        log.warning("call recovered", attempt=recovery.attempt)
        twiml_key = deadline.wait(key)
        return answers.connect(call, self._relay_url, twiml_key, attempt=recovery.attempt, at_ms=recovery.at_ms)

    def _keep_status(
        self, named: Named, line: Line, status: str, deadline: Deadline, log: Log, *, reason: str = ""
    ) -> None:
        """Store a status of a verified request; a final one ends the call, for ``reason`` if one is known better."""
        call, now_ms = line.call, int(self._clock() * 1000)
        number = line.number if line.number and line.number.account.account_sid == named.account_sid else None
        organization_id = call.organization_id if call else number.organization_id if number else None
        if not organization_id:
            log.warning("status of an unknown call", status=status)
            return
        conversation_id = conversation_id_of(named.account_sid, named.call_sid)
        changed = deadline.run(self._calls.set_status, organization_id, conversation_id, status, now_ms)
        log.info("call status", conversation_id=conversation_id, status=status, changed=changed)
        if not call_status.is_final(status):
            return
        if call is None:
            why = reason or reason_of_status(status, ended="", connected=True)
            deadline.run(self._calls.close_conversation, organization_id, conversation_id, why, now_ms)
        else:
            why = reason_of_status(status, ended=call.over or reason, connected=call.link_gen > 0)
            self._finish(call, why, deadline, log)

    def _finish(self, call: CallRecord, reason: str, deadline: Deadline, log: Log) -> None:
        """End a call for good; what fails here is told in the log and found by the sweep, the caller goes on."""
        now_ms = int(self._clock() * 1000)
        try:
            deadline.run(self._finish_call, call.call_sid, reason, now_ms=now_ms)
            log.info("call ended", reason=reason)
        except AppError as exc:
            log.error("call not finished", error=type(exc).__name__, detail=str(exc))
            self._close(call, reason, deadline, log)

    def _close(self, call: CallRecord, reason: str, deadline: Deadline, log: Log) -> None:
        now_ms = int(self._clock() * 1000)
        try:
            close = self._calls.close_conversation
            deadline.run(close, call.organization_id, call.conversation_id, reason, now_ms)
        except AppError as exc:
            log.error("conversation not closed", error=type(exc).__name__, detail=str(exc))


def outcome_of(request: WebhookRequest) -> str:
    """What came of a dialled leg: :data:`TAKEN`, or one of :data:`ringfold.core.handoff.OUTCOMES`.

    A leg that was answered but never bridged was refused by whoever heard the whisper.
    """
    dialled = request.get("DialCallStatus")
    if dialled in {"completed", "answered"}:
        return "declined" if request.get("DialBridged") == "false" else TAKEN
    return dialled if dialled in OUTCOMES else "failed"


def _handoff_number(request: WebhookRequest) -> int:
    told = dict(parse_qsl(request.raw_query)).get("handoff", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 4 else 0
