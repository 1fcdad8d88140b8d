/** Shows every component with made-up state; what it says is hostile where it could do harm. */

import { RecordedBackend } from "./backend.js";
import { Captions } from "./components/captions.js";
import { keypad } from "./components/keypad.js";
import { lab } from "./components/lab.js";
import { Traffic } from "./components/traffic.js";
import { showTurns } from "./components/turns.js";
import { byId, h } from "./dom.js";

const HOSTILE = '<img src=x onerror="alert(1)">';

const captions = new Captions(byId("captions"));
[
  { who: "agent", text: "Hi, this is SkyOwl Airlines. How can I help you today?", upto: 54, done: true },
  { who: "caller", text: `Is my flight on time? ${HOSTILE}`, done: true },
  {
    who: "agent",
    text: "It is delayed until three forty-five because of the weather.",
    upto: 19,
    done: true,
    cut: "speech",
    firstTokenMs: 412,
  },
  { who: "keys", text: "1 2 #", done: true },
  { who: "caller", text: "Can you hear me?", done: true, lost: "reportInputDuringAgentSpeech" },
  { who: "agent", text: "You are in seat fourteen C, on the aisle.", upto: 24, done: false, firstTokenMs: 380 },
].forEach((line, key) => captions.show({ key, ...line }));

for (const [state, label] of [
  ["connecting", "Ringing …"],
  ["listening", "Connected"],
  ["speaking", "Speaking"],
  ["over", "You hung up"],
]) {
  const orb = h("div.orb", { "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const names = h(
    "div",
    {},
    h("p.phone__peer", {}, "SkyOwl reservations", h("small", {}, "+15125550100")),
    h("p.phone__state", {}, label),
  );
  byId("states").append(
    h("div.phone", { "data-state": state }, h("div.phone__status", {}, orb, names, h("p.phone__time", {}, "1:05"))),
  );
}

keypad(byId("keypad"), (digit) => (byId("pressed").textContent = `${digit} was pressed`));

showTurns(
  byId("turns"),
  [412, 380, 2900, 440].map((ms, index) => ({ turn: index + 1, ms })),
);

const traffic = new Traffic(byId("rows"), byId("filters"));
const webhook = {
  method: "POST",
  url: "http://127.0.0.1:8000/api/voice/incoming",
  params: { CallStatus: "ringing", CallerName: HOSTILE },
};
[
  { kind: "webhook", ...webhook, status: 200, took_ms: 31 },
  {
    kind: "twiml",
    xml: `<Response><Say>${HOSTILE.replaceAll("<", "&lt;")}</Say><Connect action="/a"><ConversationRelay url="wss://r"/></Connect></Response>`,
  },
  { kind: "connect", session_id: "VX0123", url: "ws://127.0.0.1:8000/relay?token=***" },
  { kind: "frame_in", frame: { type: "setup", callSid: "CA0123", customParameters: { note: HOSTILE } } },
  { kind: "frame_in", frame: { type: "prompt", voicePrompt: HOSTILE, lang: "en-US", last: true } },
  { kind: "frame_in", frame: { type: "prompt", voicePrompt: "is my", lang: "en-US", last: false } },
  { kind: "frame_out", frame: { type: "text", token: "It is delayed ", last: false }, faults: [] },
  { kind: "turn", turn: 1, first_token_ms: 412 },
  { kind: "dry", gap_ms: 240 },
  { kind: "frame_in", frame: { type: "interrupt", utteranceUntilInterrupt: "It is", durationUntilInterruptMs: 460 } },
  { kind: "agent_cut", heard: "It is", by: "speech" },
  {
    kind: "frame_out",
    frame: { type: "text", token: "until ", last: false },
    faults: ["late: text goes on in its talk cycle 410 ms after the interrupt superseding it"],
  },
  { kind: "violation", what: "late: text goes on in its talk cycle 410 ms after the interrupt superseding it" },
  {
    kind: "frame_out",
    raw: `{"message": "${HOSTILE}"}`,
    faults: ["64107: type must be one of text, play, sendDigits, language, end, not null"],
  },
  { kind: "invoke", function: "ringfold-dev-relay-message", trigger: "frame", duration_ms: 812.5, failed: false },
  {
    kind: "log",
    function: "ringfold-dev-relay-message",
    line: '{"level": "info", "message": "turn finished", "turn": 1, "first_token_ms": 412}',
  },
  { kind: "webhook", ...webhook, status: 0, took_ms: 15000, error: "11200: ReadTimeout" },
  { kind: "disconnect", code: 1006, reason: "", by: "app" },
  { kind: "ended", reason: "hang-up", duration_s: 12.4 },
].forEach((event, index) => traffic.add({ at_ms: index * 137, ...event }));

lab(byId("lab"), new RecordedBackend());
