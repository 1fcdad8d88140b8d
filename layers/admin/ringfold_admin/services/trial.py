"""A trial call: what Twilio would do with a number, done once, so that it is seen whether it works.

The webhook is asked as Twilio asks it, a relay session is opened, the agent is asked something, and the call is hung
up. Nobody is called and Twilio is not told. The call's id says that it is a trial, and its conversation is taken away
when it is over.
"""

from __future__ import annotations

import secrets
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any, Final, Protocol

from ringfold.errors import AppError, DependencyError
from ringfold_admin.probe import Answer
from ringfold_admin.services.sites import STATUS_PATH, WEBHOOK_PATH
from ringfold_admin.stores.numbers import NumberRecord
from ringfold_admin.stores.trials import PREFIX, Trials

WEBHOOK_S: Final = 6.0
HANDSHAKE_S: Final = 6.0
FIRST_WORD_S: Final = 7.0
HANG_UP_S: Final = 2.0
BEHIND_S: Final = 0.2
"""How long after a key press a question follows."""
WITHHELD: Final = "+266696687"
"""A withheld caller: nothing is remembered of them."""
QUESTION: Final = "Hello, can you hear me?"


class RelaySession(Protocol):
    """See :class:`ringfold_admin.probe.Session`."""

    def send(self, frame: Mapping[str, Any]) -> None: ...
    def receive(self, timeout_s: float) -> dict[str, Any] | None: ...


class TwilioSide(Protocol):
    """See :class:`ringfold_admin.probe.Probe`."""

    def post(
        self, url: str, form: Mapping[str, str], auth_token: str, timeout_s: float, *, sign: bool = True
    ) -> Answer: ...
    def session(self, url: str, auth_token: str, timeout_s: float) -> AbstractContextManager[RelaySession]: ...
    def now(self) -> float: ...
    def pause(self, seconds: float) -> None: ...


class Broken(Exception):
    """A link does not hold.

    Attributes:
        cure: What to do about it.
    """

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


class TrialCall:
    """One trial call; its steps are taken in the order of a call.

    Args:
        side: Plays Twilio.
        record: The number that is called.
        auth_token: Of its account.
        base_url: Of its webhooks.
        relay_url: This deployment's WebSocket API; ``""``: not known.
        left: How long something may take, of the time it may take at most.
    """

    def __init__(
        self,
        side: TwilioSide,
        record: NumberRecord,
        *,
        auth_token: str,
        base_url: str,
        relay_url: str,
        left: Callable[[float], float],
    ) -> None:
        self.call_sid = PREFIX + secrets.token_hex(13)
        self._side, self._record, self._left = side, record, left
        self._auth_token, self._base_url, self._relay_url = auth_token, base_url, relay_url
        self._opening_url = ""
        self._session: RelaySession | None = None

    def dial(self) -> str:
        """Ask the voice webhook; gives the URL it was asked under.

        Raises:
            Broken: If it opens no relay session of this deployment.
        """
        url = self._base_url + WEBHOOK_PATH
        try:
            answer = self._side.post(url, self._form("ringing"), self._auth_token, self._left(WEBHOOK_S))
        except DependencyError as exc:
            cure = "Check base_url of the number and the account, PUBLIC_BASE_URL, and that the host is public."
            raise Broken(f"{url} cannot be reached: {exc}.", cure) from exc
        if answer.status == 403:
            raise Broken(
                "The webhook refuses a signature made with the account's own auth token.",
                "The URL it checks is not the one it is asked under: compare base_url with what the host really is; "
                "or the token was rotated a moment ago: wait five minutes.",
            )
        if answer.status != 200:
            raise Broken(f"{url} answered HTTP {answer.status}.", "Look at the log of the function incoming.")
        self._opening_url, spoken = _read_twiml(answer.text)
        if not self._opening_url:
            said = f"callers hear: {spoken!r}" if spoken else "it opens no relay session"
            raise Broken(f"The webhook answers, but {said}.", "Look at the log of the function incoming.")
        if self._relay_url and self._opening_url.partition("?")[0] != self._relay_url:
            raise Broken(
                "The webhook sends callers to another deployment's WebSocket.",
                "base_url points to another deployment: change it, or verify there.",
            )
        return url

    def prove_signature(self) -> None:
        """See that a signed status callback is served, and one that is not signed refused.

        Raises:
            Broken: If it is not so.
        """
        url, form = self._base_url + STATUS_PATH, self._form("in-progress")
        try:
            unsigned = self._side.post(url, form, self._auth_token, self._left(WEBHOOK_S), sign=False)
            signed = self._side.post(url, form, self._auth_token, self._left(WEBHOOK_S))
        except DependencyError as exc:
            raise Broken(f"{url} cannot be reached: {exc}.", "Check that the host routes all of /api/voice.") from exc
        if unsigned.status != 403:
            raise Broken(
                f"An unsigned request was not refused (HTTP {unsigned.status}): anybody could play Twilio.",
                "Something in front of the deployment answers, or signs: take it away.",
            )
        if signed.status != 200:
            raise Broken(f"A signed status callback got HTTP {signed.status}.", "Look at the log of incoming.")

    def connect(self, call: ExitStack) -> None:
        """Open the relay session, which lasts as long as ``call``.

        Raises:
            Broken: If the handshake is refused.
        """
        try:
            session = call.enter_context(
                self._side.session(self._opening_url, self._auth_token, self._left(HANDSHAKE_S))
            )
            session.send(self._setup())
        except DependencyError as exc:
            cure = "Check RELAY_URL and the log of relay_connect; for a wrong signature, HandshakeSignature."
            raise Broken(f"The WebSocket refuses the handshake: {exc}.", cure) from exc
        self._session = session

    def ask(self) -> tuple[str, float | None]:
        """Ask the agent something; its answer, and after how many seconds its first word came (``None``: never).

        Raises:
            Broken: If the session breaks off.
        """
        session = self._open()
        begun, within_s = self._side.now(), self._left(FIRST_WORD_S)
        text, first = "", None
        try:
            session.send({"type": "prompt", "voicePrompt": QUESTION, "lang": "en-US", "last": True})
            while (left := begun + within_s - self._side.now()) > 0:
                frame = session.receive(left)
                if frame is None:
                    break
                if frame.get("type") != "text":
                    continue
                text += str(frame.get("token") or "")
                if first is None and text.strip():
                    first = self._side.now() - begun
                if frame.get("last") is True and first is not None:
                    break
        except DependencyError as exc:
            raise Broken(f"The session broke off: {exc}.", "Look at the log of the function relay_message.") from exc
        return text, first

    def press_and_ask(self) -> float | None:
        """Press a key, and ask behind it: after how many seconds the first word came."""
        try:
            self._open().send({"type": "dtmf", "digit": "1"})
        except DependencyError as exc:
            raise Broken(f"The session broke off: {exc}.", "Look at the log of the function relay_message.") from exc
        self._side.pause(BEHIND_S)
        return self.ask()[1]

    def hang_up(self, trials: Trials) -> None:
        """End the call as Twilio does, and take its conversation away; what cannot be done is left to expire."""
        if not self._opening_url:
            return
        form = {**self._form("completed"), "CallDuration": "1"}
        with suppress(DependencyError):
            self._side.post(self._base_url + STATUS_PATH, form, self._auth_token, HANG_UP_S)
        with suppress(AppError):
            item = self._record.item
            trials.forget(str(self._record.organization_id), str(item["account_sid"]), self.call_sid)

    def _open(self) -> RelaySession:
        if self._session is None:
            raise Broken("There is no relay session.", "Look at the link websocket.")
        return self._session

    def _form(self, status: str) -> dict[str, str]:
        return {
            "CallSid": self.call_sid,
            "AccountSid": str(self._record.item["account_sid"]),
            "ApiVersion": "2010-04-01",
            "From": WITHHELD,
            "Caller": WITHHELD,
            "To": self._record.phone_number,
            "Called": self._record.phone_number,
            "CallStatus": status,
            "Direction": "inbound",
        }

    def _setup(self) -> dict[str, Any]:
        return {
            "type": "setup",
            "sessionId": "VX" + secrets.token_hex(16),
            "accountSid": self._record.item["account_sid"],
            "callSid": self.call_sid,
            "parentCallSid": "",
            "from": WITHHELD,
            "to": self._record.phone_number,
            "forwardedFrom": "",
            "callType": "PSTN",
            "callerName": "",
            "direction": "inbound",
            "callStatus": "RINGING",
            "customParameters": {},
        }


def _read_twiml(text: str) -> tuple[str, str]:
    """The relay URL a caller is sent to, and what they are told instead when there is none."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - at most 64 kB; the parser refuses entities that expand
    except ET.ParseError:
        return "", ""
    relay = root.find("./Connect/ConversationRelay")
    said = root.find("./Say")
    return (relay.get("url") or "" if relay is not None else ""), (said.text or "" if said is not None else "")
