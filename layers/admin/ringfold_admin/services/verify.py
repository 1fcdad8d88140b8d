"""The chain from a number to the words a caller hears, walked link by link: which one is broken?

Twilio is asked what it has for the number, and a trial call (``trial.py``) shows the rest. The trial also measures
whether the gateway runs the frames of one connection in parallel, which decides what ``TurnDispatch`` must be: a key
press keeps its invocation waiting for a second and a half, and a question behind it is either answered meanwhile or
not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from ringfold.adapters.items import doc_of
from ringfold.core.agent import Agent, agent_from_doc
from ringfold.core.lines import STATE_ACTIVE
from ringfold.errors import ConfigError
from ringfold_admin.carrier import accounts as carrier_accounts
from ringfold_admin.carrier import numbers as carrier
from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.phones import country_of, transfer_fault
from ringfold_admin.principal import Principal
from ringfold_admin.problems import Problem
from ringfold_admin.services.number_settings import AgentDirectory, NumberSettings, transfer_countries
from ringfold_admin.services.numbers import NumberService, kind_of
from ringfold_admin.services.sites import drift_of
from ringfold_admin.services.trial import Broken, TrialCall, TwilioSide
from ringfold_admin.services.webhooks import Webhooks
from ringfold_admin.stores.numbers import NumberRecord
from ringfold_admin.stores.trials import Trials

BUDGET_S: Final = 20.0
"""The API has 30 s. What is left of these when a link is reached is what it may take; then comes the hanging up."""
HELD_UP_S: Final = 0.75
"""A question that waits this much longer behind a key press was held up by it; the key press takes 1.5 s."""
Found = tuple[str, str, str]
"""Status, message and cure of a link."""


@dataclass
class _Chain:
    """The links so far."""

    clock: Callable[[], float]
    ends_at: float
    links: list[dict[str, Any]] = field(default_factory=list)
    broken: str = ""

    def left(self, most: float) -> float:
        """How long something may take."""
        return max(0.05, min(most, self.ends_at - self.clock()))

    def walk(self, name: str, look: Callable[[], Found], *, always: bool = False) -> None:
        """Look at one link; behind a broken one only those are looked at that do not depend on it."""
        if (self.broken and not always) or self.clock() >= self.ends_at:
            why = (
                f"Not looked at: {self.broken} is broken." if self.broken else "Not looked at: there was no time left."
            )
            self._note(name, "skipped", why, "", 0.0)
            return
        begun = self.clock()
        try:
            status, message, cure = look()
        except Broken as exc:
            status, message, cure = "failed", str(exc), exc.cure
        except CarrierError as exc:
            status, message, cure = "failed", f"Twilio did not tell: {exc.text or exc}", "Test the account, then retry."
        except Problem as problem:
            status, message, cure = "failed", problem.message, "Test the account: POST /api/voice/accounts/{id}/test."
        if status == "failed" and not self.broken:
            self.broken = name
        self._note(name, status, message, cure, self.clock() - begun)

    def _note(self, name: str, status: str, message: str, cure: str, took_s: float) -> None:
        self.links.append(
            {"link": name, "status": status, "message": message, "cure": cure, "took_ms": round(took_s * 1000)}
        )

    def told(self) -> dict[str, Any]:
        failed = [each["link"] for each in self.links if each["status"] == "failed"]
        return {"ok": not failed, "first_broken": failed[0] if failed else None, "links": self.links}


class Verifier:
    """Walks the chain.

    Args:
        service: Finds numbers.
        settings: Knows what may go wrong with settings.
        webhooks: Asks Twilio.
        agents: Knows the agents.
        tools: Names of the tools there are.
        trials: The calls that are none.
        probe: Plays Twilio, and has its time.
    """

    def __init__(
        self,
        *,
        service: NumberService,
        settings: NumberSettings,
        webhooks: Webhooks,
        agents: AgentDirectory,
        tools: Collection[str],
        trials: Trials,
        probe: TwilioSide,
    ) -> None:
        self._service, self._settings, self._webhooks = service, settings, webhooks
        self._agents, self._tools = agents, tools
        self._trials, self._probe = trials, probe

    def verify(self, principal: Principal, number_id: str) -> dict[str, Any]:
        """Walk the chain of one number.

        Raises:
            Problem: 404; 403 for a viewer, because it costs a question to the model.
        """
        principal.require_manage()
        record = self._service.record(principal, number_id)
        chain = _Chain(self._probe.now, self._probe.now() + BUDGET_S)
        agent = self._agent(record)
        with ExitStack() as stack:
            chain.walk("number", lambda: self._number(record, agent))
            chain.walk("account", lambda: self._account(record))
            chain.walk("webhook", lambda: self._webhook(record))
            trial = self._trial(record, chain)
            if trial is not None:
                stack.callback(trial.hang_up, self._trials)
            chain.walk("endpoint", lambda: _endpoint(_held(trial)))
            chain.walk("signature", lambda: _signature(_held(trial)))
            chain.walk("session", lambda: self._session(record, _held(trial)))
            with ExitStack() as call:
                chain.walk("websocket", lambda: _websocket(_held(trial), call))
                chain.walk("model", lambda: _model(_held(trial), agent))
                chain.walk("parallel_frames", lambda: self._parallel(_held(trial)))
            chain.walk("tools", lambda: self._tools_of(agent), always=True)
            chain.walk("transfer", lambda: self._transfer(record), always=True)
            chain.walk("messages", lambda: self._messages(record, chain), always=True)
        return chain.told()

    # ----------------------------------------------------------------------------------------------------------- links

    def _number(self, record: NumberRecord, agent: Agent | None) -> Found:
        change = "PATCH the number."
        if record.state != STATE_ACTIVE:
            raise Broken(f"The number is {record.state}.", "POST its repair, or send DELETE again to release it.")
        if record.item.get("is_active") is not True:
            raise Broken("The number is switched off: callers are told that it is not in service.", change)
        if record.organization_id is None:
            raise Broken("The number serves no organization yet.", "PATCH organization_id.")
        warnings = self._settings.warnings(record.item)
        if agent is None:
            raise Broken(warnings[0] if warnings else "Its agent cannot be read.", "PATCH default_agent_id.")
        if warnings:
            return "warning", " ".join(warnings), change
        return "ok", f"It is active, and {agent.name} answers.", ""

    def _account(self, record: NumberRecord) -> Found:
        if record.account.get("is_active") is not True:
            raise Broken(
                "The account is switched off: callers are told that the number is not in service.",
                "PATCH the account: is_active true.",
            )
        state = carrier_accounts.fetch_state(
            self._webhooks.quick_client(record.account), str(record.item["account_sid"])
        )
        if state.status != "active":
            raise Broken(f"Twilio says the account is {state.status}.", "Reactivate it in Twilio's console.")
        if state.kind.lower() == "trial":
            raise Broken("A trial account: Twilio strips ConversationRelay from its calls.", "Upgrade it at Twilio.")
        return "ok", "Its credentials work, and it is active.", ""

    def _webhook(self, record: NumberRecord) -> Found:
        repair = "POST /api/voice/numbers/{id}/repair."
        try:
            record = self._webhooks.fetch(record, quick=True)
        except CarrierError as exc:
            if exc.status == 404:
                raise Broken(
                    "Twilio has no such number in this account (20404): it was released there, or moved.",
                    "Import it on the account that has it, or buy another.",
                ) from exc
            raise
        drift = drift_of(self._webhooks.site.expected(record), record.seen)
        voice = [each for each in drift if not str(each["field"]).startswith("sms")]
        if voice:
            told = ", ".join(f"{each['field']} is {each['configured']!r}" for each in voice)
            raise Broken(f"Twilio would ask elsewhere: {told}.", repair)
        if drift:
            told = ", ".join(str(each["field"]) for each in drift)
            return "warning", f"Texts would go elsewhere: {told}.", repair
        return "ok", f"Twilio asks {record.seen.get('voice_url')}.", ""

    def _session(self, record: NumberRecord, trial: TrialCall) -> Found:
        stored = self._trials.session(trial.call_sid)
        if stored is None:
            raise Broken(
                "The webhook answered, but no session is stored in this deployment's table.",
                "base_url points to another deployment.",
            )
        if stored.get("organization_id") != record.organization_id:
            raise Broken("The session is another organization's.", "Report this: it must never happen.")
        return "ok", "The call's session is stored, for the right organization.", ""

    def _parallel(self, trial: TrialCall) -> Found:
        """Does a question behind a key press wait until the key press is done with?"""
        _, alone = trial.ask()
        behind = trial.press_and_ask()
        if alone is None or behind is None:
            return "warning", "It could not be measured: a question was not answered in time.", "Verify again."
        parallel = behind - alone < HELD_UP_S
        fits = "inline" if parallel else "async"
        how = "in parallel" if parallel else "one after another"
        told = (
            f"The gateway runs the frames of one connection {how}: to the first word {alone * 1000:.0f} ms alone, "
            f"{behind * 1000:.0f} ms behind a key press. TurnDispatch {fits} fits."
        )
        used = self._webhooks.site.turn_dispatch
        if used == "inline" and not parallel:
            return "warning", told, "Deploy with TurnDispatch=async: else a caller cannot interrupt the agent."
        return "ok", told, "TurnDispatch=inline would save a hop a turn." if used == "async" and parallel else ""

    def _tools_of(self, agent: Agent | None) -> Found:
        if agent is None:
            return "skipped", "There is no agent.", ""
        unknown = [name for name in agent.tools if name not in self._tools]
        if unknown:
            known = ", ".join(sorted(self._tools))
            raise Broken(f"The agent names tools that are none: {', '.join(unknown)}.", f"PATCH the agent: {known}.")
        return "ok", f"Its tools are known: {', '.join(agent.tools) or 'none'}.", ""

    def _transfer(self, record: NumberRecord) -> Found:
        target = record.doc.get("transfer_number")
        if not target:
            told = "There is no transfer number: callers whom the agent cannot serve hear a sentence and are let go."
            return "warning", told, "PATCH transfer_number."
        fault = transfer_fault(target, transfer_countries(record.phone_number, record.doc))
        if fault:
            raise Broken(f"Callers cannot be sent to the transfer number: {fault}.", "PATCH transfer_number.")
        country = country_of(target)
        allowed = carrier_accounts.may_be_called_from(self._webhooks.quick_client(record.account), country)
        geography = "Allow it in Twilio's console under Voice, Settings, Geo permissions."
        if allowed is False:
            raise Broken(f"The Twilio account may not call {country}.", geography)
        if allowed is None:
            return "warning", f"Twilio does not say whether the account may call {country}.", geography
        return "ok", f"The account may call {country}.", ""

    def _messages(self, record: NumberRecord, chain: _Chain) -> Found:
        """Where texts go, and whether they may be sent: told, never broken, for calls do not need it."""
        if not record.phone_sid:
            return "skipped", "The number is not bought yet.", ""
        client = self._webhooks.quick_client(record.account)
        country, kind = country_of(record.phone_number), kind_of(record.phone_number)
        try:
            messaging = carrier.find_messaging(client, record.phone_sid, lambda: chain.left(1.0) >= 1.0)
        except CarrierError:
            self._keep(record, None, carrier.unknown_registration(carrier.program_of(country, kind)))
            return "warning", "Twilio does not tell which Messaging Service the number is in.", "Look in its console."
        registration = carrier.find_registration(client, record.phone_sid, country, kind, messaging)
        self._keep(record, messaging, registration)
        if messaging.service_sid and not messaging.uses_number_webhook:
            where = messaging.inbound_url or "nowhere: they are lost"
            told = f"Texts to it go where its Messaging Service sends them, {where}."
            return "warning", told, "Let the service use the number's webhook (use_inbound_webhook_on_number)."
        if registration["status"] in {"registered", "not_required"}:
            return "ok", f"Registration: {registration['status']}.", ""
        told = f"Registration {registration['program']}: {registration['status']}. {' '.join(registration['blocks'])}"
        return "warning", told, registration["cure"]

    def _trial(self, record: NumberRecord, chain: _Chain) -> TrialCall | None:
        site = self._webhooks.site
        try:
            auth_token = self._webhooks.credentials(record.account).auth_token
        except Problem:
            return None
        return TrialCall(
            self._probe,
            record,
            auth_token=auth_token,
            base_url=site.base_url(record.doc, record.account),
            relay_url=site.relay_url,
            left=chain.left,
        )

    def _keep(self, record: NumberRecord, messaging: carrier.Messaging | None, registration: Mapping[str, Any]) -> None:
        told: dict[str, Any] = {"registration": dict(registration), "messaging": None}
        if messaging is not None and messaging.service_sid:
            told["messaging"] = {
                "service_sid": messaging.service_sid,
                "uses_number_webhook": messaging.uses_number_webhook,
                "inbound_url": messaging.inbound_url or None,
            }
        self._webhooks.keep_more(record, told)

    def _agent(self, record: NumberRecord) -> Agent | None:
        agent_id = record.item.get("default_agent_id")
        if not agent_id or record.organization_id is None:
            return None
        item = self._agents.get(record.organization_id, agent_id, record.item.get("default_agent_version"))
        try:
            return agent_from_doc(doc_of(item)) if item else None
        except ConfigError:
            return None


def _held(trial: TrialCall | None) -> TrialCall:
    if trial is None:
        raise Broken("The account has no credentials, so nothing can be signed.", "PATCH the account's auth_token.")
    return trial


def _endpoint(trial: TrialCall) -> Found:
    return "ok", f"{trial.dial()} answers a signed request with a relay session.", ""


def _signature(trial: TrialCall) -> Found:
    trial.prove_signature()
    return "ok", "Signed requests are served and unsigned ones refused.", ""


def _websocket(trial: TrialCall, call: ExitStack) -> Found:
    trial.connect(call)
    return "ok", "The WebSocket takes the handshake.", ""


def _model(trial: TrialCall, agent: Agent | None) -> Found:
    cure = "Look at the log of relay_message (turn finished: model_errors); check ModelId and access to the model."
    text, first_s = trial.ask()
    if first_s is None:
        raise Broken("The agent said nothing.", cure)
    if agent is not None and text.strip().startswith(agent.apology.strip()):
        raise Broken("The model did not answer: the caller hears the apology.", cure)
    told = f"The first word came after {first_s * 1000:.0f} ms."
    if agent is not None and first_s * 1000 > agent.scripted_ms:
        return "warning", told, "The first model was late or failed; see model_errors in the log of relay_message."
    return "ok", told, ""
