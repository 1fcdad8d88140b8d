"""A contact's texts are answered: all that wait, in one answer, once.

One thread is worked on by one worker at a time (the queue is FIFO, grouped by thread). The order of the steps is what
keeps the promise "answered once, or in the dead-letter queue" (ADR 0016):

1. What an earlier attempt may have sent is looked for at Twilio, and sent only if it is not there.
2. The answer is written. If another text came meanwhile, it is written again, with that one.
3. One transaction says: these texts are answered, these replies are about to be sent.
4. The replies are sent. Killed here, step 1 of the next delivery goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from ringfold.core import phone, texts
from ringfold.core.agent import Agent
from ringfold.core.calls import Persona
from ringfold.core.history import Message
from ringfold.core.ids import AccountId
from ringfold.core.lines import Account, LastCall, Number
from ringfold.core.memory import recall
from ringfold.core.segments import count_segments
from ringfold.core.session import Snapshot
from ringfold.core.texts import Text, Thread
from ringfold.errors import ConfigError, ConflictError, DependencyError
from ringfold.log import Log
from ringfold.ports import LineDirectory, SecretStore
from ringfold.service.answerer import Written
from ringfold.service.texting import INACTIVE, OPTED_OUT, STATUS_PATH
from ringfold.service.webhook import resolve_base_url

HONEST: Final = "Sorry, I can't answer right now. Please try again in a few minutes."
"""Sent when no model answered: once, like any answer."""
DAILY: Final = 200
"""As many answers a contact gets from a number in a day (UTC)."""
REWRITES: Final = 4
"""How often an answer is written again because another text came meanwhile."""
FRESH_MS: Final = 500
"""Clocks differ: a text sent this long before it was written down is still ours."""


class SentText(Protocol):
    """What Twilio says of a text it has."""

    @property
    def sid(self) -> str: ...
    @property
    def state(self) -> str: ...


class Sender(Protocol):
    """See :class:`ringfold.adapters.messages.Messages`."""

    def send(
        self, account_sid: str, auth_token: str, *, to: str, sender: str, body: str, status_callback: str
    ) -> SentText: ...
    def find(
        self, account_sid: str, auth_token: str, *, to: str, sender: str, body: str, since_ms: int
    ) -> SentText | None: ...


class TextStore(Protocol):
    """See :class:`ringfold.adapters.texts.Texts`."""

    def state(self, thread: Thread) -> Any: ...
    def recent(self, thread: Thread) -> list[Text]: ...
    def ignore(self, texts: Sequence[Text], reason: str) -> None: ...
    def commit(
        self,
        thread: Thread,
        state: Any,
        answered: Sequence[Text],
        replies: Sequence[Text],
        day: str,
        tail: Sequence[Mapping[str, str]],
        continues: str,
    ) -> None: ...
    def sent(self, text: Text, sid: str, state: str) -> None: ...
    def failed(self, text: Text, code: str) -> None: ...
    def opt_out(self, thread: Thread, *, by: str) -> None: ...


class Writer(Protocol):
    """See :class:`ringfold.service.answerer.Answerer`."""

    def answer(self, snapshot: Snapshot, messages: Sequence[Message], conversation_id: str) -> Written: ...


@dataclass(frozen=True)
class _Line:
    """Who answers a thread."""

    number: Number
    account: Account
    persona: Persona
    auth_token: str
    base_url: str


class Replies:
    """Answers threads.

    Args:
        directory: Knows numbers, accounts and agents.
        store: Keeps texts.
        secrets: Holds auth tokens.
        sender: Sends texts.
        writers: Who writes, by channel.
        shape: An answer as it is sent, in parts.
        public_base_url: Where Twilio reaches us unless an account or a number says otherwise.
        is_refusal: Whether an error means that Twilio will never send it.
        clock: Epoch seconds.
        remember: Has a thread remembered once it is quiet; told how many texts have come so far.
    """

    def __init__(  # noqa: PLR0913 - everything a reply touches, by name
        self,
        *,
        directory: LineDirectory,
        store: TextStore,
        secrets: SecretStore,
        sender: Sender,
        writers: dict[str, Writer],
        shape: Callable[[str], list[str]],
        public_base_url: str,
        is_refusal: Callable[[Exception], bool],
        log: Log,
        clock: Callable[[], float],
        remember: Callable[[Thread, int], None],
        daily: int = DAILY,
    ) -> None:
        self._directory, self._store, self._secrets, self._sender = directory, store, secrets, sender
        self._writers, self._shape, self._public_base_url = writers, shape, public_base_url
        self._remember = remember
        self._is_refusal, self._log, self._clock, self._daily = is_refusal, log, clock, daily

    def answer(self, thread: Thread, account_id: str) -> None:
        """Answer what waits in a thread; nothing, when nothing does.

        Raises:
            DependencyError: If it is to be tried again later.
            ConfigError: If nobody can answer: the number, its account or its agent cannot be used.
        """
        log = self._log.bind(organization_id=thread.organization_id, conversation_id=thread.conversation_id)
        line = self._line(thread, AccountId(account_id))
        for _ in range(REWRITES):
            state, recent = self._store.state(thread), self._store.recent(thread)
            for text in recent:
                if text.direction == "out" and text.state == texts.SENDING and not text.sid:
                    self._settle(text, line, log)
            waiting = [text for text in recent if text.direction == "in" and text.state == texts.RECEIVED]
            if not waiting:
                return
            reason = self._reason_not_to(line, state, recent)
            if reason:
                self._store.ignore(waiting, reason)
                log.warning("texts are not answered", reason=reason, texts=len(waiting))
                return
            replies = self._write(thread, line, recent, waiting, log)
            try:
                tail = texts.tail_of([*recent, *replies])
                self._store.commit(thread, state, waiting, replies, self._today(), tail, self._continued(line))
            except ConflictError:
                continue  # another text has come: it is answered along
            for reply in replies:
                self._send(reply, line, log)
            if line.persona.agent is None or line.persona.agent.memory:
                self._remember(thread, state.received)
            return
        raise DependencyError("texts", "new texts come quicker than they can be answered", retryable=True)

    def _line(self, thread: Thread, account_id: AccountId) -> _Line:
        account = self._directory.account(account_id)
        if account is None:
            raise ConfigError(f"account {account_id!r} is not there any more: add it again, then redrive the text")
        number = self._directory.find_line(thread.agent_number, account.account_sid).number
        if number is None or number.organization_id != thread.organization_id:
            raise ConfigError("the number is not the organization's any more: its texts stay unanswered")
        persona = self._directory.load_persona(number, thread.contact)
        tokens = self._secrets.account(account_id, number.account.secret_id).auth_tokens
        base_url = resolve_base_url(number, account, self._public_base_url)
        return _Line(number, account, persona, tokens[0], base_url)

    def _reason_not_to(self, line: _Line, state: Any, recent: Sequence[Text]) -> str:
        if state.opted_out:
            return "opted out"
        if not (line.number.is_active and line.account.is_active):
            return INACTIVE
        if state.day == self._today() and state.replies_today >= self._daily:
            return "daily limit"
        return texts.trouble_with(recent, int(self._clock() * 1000))

    def _write(
        self, thread: Thread, line: _Line, recent: Sequence[Text], waiting: Sequence[Text], log: Log
    ) -> list[Text]:
        """Write the answer, as the texts it becomes."""
        started = self._clock()
        agent = line.persona.agent
        if agent is None:
            log.error("no agent can answer", detail=line.persona.fault)
            written = Written("", line.persona.fault or "NoAgent")
        else:
            snapshot = Snapshot(
                agent=agent,
                caller_number=thread.contact,
                agent_number=thread.agent_number,
                organization_name=line.persona.organization_name,
                number={"number_id": line.number.number_id, "name": line.number.name},
                memory=self._known(line.persona, agent, waiting),
                elsewhere=_of_the_call(line.persona.last_call, agent, int(self._clock() * 1000)),
            )
            written = self._writers[thread.channel].answer(snapshot, texts.history(recent), thread.conversation_id)
        parts = self._shape(written.text) or [HONEST]
        log.info(
            "texts answered",
            texts=len(waiting),
            parts=len(parts),
            contact=phone.mask(thread.contact),
            model_ms=int((self._clock() - started) * 1000),
            rounds=written.rounds,
            tools=list(written.tools),
            failure=written.failure,
        )
        return [self._reply(thread, line, waiting[-1], part, at) for at, part in enumerate(parts)]

    def _continued(self, line: _Line) -> str:
        """The call that these texts may go on from."""
        last, agent = line.persona.last_call, line.persona.agent
        told = agent is not None and _of_the_call(last, agent, int(self._clock() * 1000))
        return last.conversation_id if last is not None and told else ""

    def _known(self, persona: Persona, agent: Agent, waiting: Sequence[Text]) -> tuple[str, ...]:
        """What is remembered of the person, the nearest to what they have just written first."""
        if persona.memory is None or not agent.memory:
            return ()
        about = " ".join(text.body for text in waiting)
        return tuple(recall(persona.memory, int(self._clock() * 1000), about=about))

    def _reply(self, thread: Thread, line: _Line, newest: Text, body: str, part: int) -> Text:
        # Behind what it answers, whatever the clocks of two workers say.
        now_ms = max(int(self._clock() * 1000), newest.at_ms + 1) + part
        counted = count_segments(body)
        digest = hashlib.sha256(f"{newest.message_id}|{part}".encode()).hexdigest()[:26]
        return Text(
            message_id=f"msg_{digest}",
            thread=thread,
            direction="out",
            body=body,
            at_ms=now_ms,
            account_id=line.account.account_id,
            state=texts.SENDING,
            state_ms=now_ms,
            encoding=counted.encoding,
            segments=counted.count,
            reply_to=newest.message_id,
        )

    def _settle(self, text: Text, line: _Line, log: Log) -> None:
        """A reply was about to be sent when its worker ended: Twilio has it, or it is sent now."""
        found = self._sender.find(
            line.account.account_sid,
            line.auth_token,
            to=str(text.thread.contact_address),
            sender=str(text.thread.agent_address),
            body=text.body,
            since_ms=text.at_ms - FRESH_MS,
        )
        if found is not None:
            log.info("reply was sent already", sid=found.sid)
            self._store.sent(text, found.sid, found.state)
        else:
            self._send(text, line, log)

    def _send(self, text: Text, line: _Line, log: Log) -> None:
        try:
            taken = self._sender.send(
                line.account.account_sid,
                line.auth_token,
                to=str(text.thread.contact_address),
                sender=str(text.thread.agent_address),
                body=text.body,
                status_callback=f"{line.base_url}{STATUS_PATH}?text={text.message_id}",
            )
        except DependencyError as exc:
            if not self._is_refusal(exc):
                raise
            log.warning("reply refused", code=exc.code)
            self._store.failed(text, exc.code)
            if exc.code == OPTED_OUT:
                self._store.opt_out(text.thread, by=OPTED_OUT)
            return
        self._store.sent(text, taken.sid, taken.state)

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d")


def _of_the_call(last: LastCall | None, agent: Agent, now_ms: int) -> tuple[Mapping[str, str], ...]:
    """The end of the contact's last call, if it ended a short while ago."""
    if last is None or last.ended_ms is None or not agent.recalls(last.ended_ms, now_ms):
        return ()
    return last.tail
