import { chooseBackend } from "./backend.js";
import { Call } from "./call.js";
import { Captions } from "./components/captions.js";
import { keypad } from "./components/keypad.js";
import { lab } from "./components/lab.js";
import { Person } from "./components/person.js";
import { Texts } from "./components/texts.js";
import { Traffic } from "./components/traffic.js";
import { showTurns } from "./components/turns.js";
import { makeEar, Voice } from "./components/voice.js";
import { byId, clock, h } from "./dom.js";

const backend = chooseBackend();
const captions = new Captions(byId("captions"), byId("spoken"));
const traffic = new Traffic(byId("rows"), byId("filters"));
const voice = new Voice();

const who = () => ({ number: byId("dial-to").value, contact: byId("dial-from").value.trim() });
const texts = new Texts(byId("texts"), backend, who);
const person = new Person(byId("person"), backend, who);

/** @type {Call|null} */
let call = null;
let startedAt = 0;
let stopFollowing = () => {};

// -- before the call

async function loadNumbers() {
  const select = byId("dial-to");
  try {
    const { numbers, caller } = await backend.numbers();
    select.replaceChildren(
      ...numbers.map((number) =>
        h(
          "option",
          { value: number.phone_number, "data-name": nameOf(number) },
          `${nameOf(number)}  ${number.phone_number}`,
        ),
      ),
    );
    byId("dial-from").value = caller;
    byId("backend-state").textContent = backend.name;
    byId("backend-state").dataset.state = "ok";
    byId("dial-call").disabled = numbers.length === 0;
    showPerson();
    byId("dial-hint").textContent = numbers.length
      ? ""
      : "The local system has no numbers. `make reset` seeds them again.";
  } catch (error) {
    byId("backend-state").textContent = "offline";
    byId("backend-state").dataset.state = "bad";
    byId("dial-hint").textContent = error.message;
    setTimeout(loadNumbers, 2000);
  }
}

function nameOf(number) {
  return number.routing_mode === "dynamic" ? `${number.name}, switchboard` : number.name;
}

byId("dial").addEventListener("submit", async (event) => {
  event.preventDefault();
  const to = byId("dial-to");
  byId("dial-call").disabled = true;
  byId("dial-hint").textContent = "";
  try {
    const id = await backend.place(to.value, byId("dial-from").value.trim());
    begin(id, to.selectedOptions[0].dataset.name, to.value);
  } catch (error) {
    byId("dial-hint").textContent = error.message;
  } finally {
    byId("dial-call").disabled = false;
  }
});

// -- texts

function showTexting(on) {
  byId("texting").hidden = !on;
  byId("dial").hidden = on;
}

byId("to-text").addEventListener("click", () => {
  const to = byId("dial-to");
  byId("texts-peer").replaceChildren(to.selectedOptions[0]?.dataset.name ?? "", h("small", {}, to.value));
  showTexting(true);
  texts.shown = "";
  refreshTexts();
  byId("write-text").focus();
});
byId("texts-back").addEventListener("click", () => showTexting(false));
byId("write").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = byId("write-text");
  const body = input.value.trim();
  if (!body) return;
  input.value = "";
  byId("texts-hint").textContent = "";
  try {
    await texts.write(body);
  } catch (error) {
    byId("texts-hint").textContent = error.message;
    input.value = body;
  }
});

async function refreshTexts() {
  try {
    await texts.refresh();
  } catch (error) {
    byId("texts-hint").textContent = error.message;
  }
}

// -- who it is

let looking = false;

/** Look now; a look that is still going on is enough. */
async function showPerson() {
  if (looking) return;
  looking = true;
  try {
    await person.refresh();
  } catch {
    // The next happening looks again.
  } finally {
    looking = false;
  }
}

for (const id of ["dial-to", "dial-from"]) byId(id).addEventListener("change", showPerson);
setInterval(() => {
  if (!byId("texting").hidden) refreshTexts();
}, 700);

// -- during the call

function begin(id, name, number) {
  stopFollowing();
  call = new Call(id);
  startedAt = Date.now();
  captions.clear();
  traffic.clear();
  showTurns(byId("turns"), []);
  byId("dial").hidden = true;
  byId("in-call").hidden = false;
  byId("again").hidden = true;
  byId("peer").replaceChildren(name, h("small", {}, number));
  refresh();
  byId("speak-text").focus();
  stopFollowing = backend.follow(id, take, () => refresh());
}

function take(event) {
  if (event.epoch_ms) startedAt = event.epoch_ms;
  traffic.add(event);
  const line = call.take(event);
  if (line) captions.show(line);
  if (event.kind === "agent_text") voice.add(event.utterance, event.text);
  if (event.kind === "frame_out" && event.frame?.last) voice.finish(call.byUtterance.size);
  if (event.kind === "agent_done") voice.finish(event.utterance);
  if (event.kind === "agent_cut" || event.kind === "ended") voice.stop();
  if (event.kind === "turn") showTurns(byId("turns"), call.turns);
  if (event.kind === "ended") ear?.stop();
  refresh();
}

function refresh() {
  const speaking = call.agentSpeaks;
  byId("phone").dataset.state = call.over ? "over" : speaking ? "speaking" : call.up ? "listening" : "connecting";
  byId("call-state").textContent = speaking && !call.over ? "Speaking" : call.label;
  byId("speak-send").textContent = speaking ? "Interrupt" : "Say";
  for (const id of ["speak-text", "speak-send", "drop", "hang-up", "mic", "keys-toggle"]) byId(id).disabled = call.over;
  for (const key of byId("keypad").children) key.disabled = call.over;
  byId("drop").disabled = call.over || !call.up;
  byId("again").hidden = !call.over;
}

async function act(what, fields) {
  try {
    await backend.act(call.id, what, fields);
  } catch (error) {
    traffic.add({ at_ms: Date.now() - startedAt, kind: "violation", what: error.message });
  }
}

byId("speak").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = byId("speak-text");
  const text = input.value.trim();
  if (!text || call.over) return;
  input.value = "";
  voice.stop();
  act("say", { text });
});

byId("hang-up").addEventListener("click", () => act("hangup"));
byId("drop").addEventListener("click", () => act("drop"));
byId("again").addEventListener("click", () => {
  stopFollowing();
  byId("in-call").hidden = true;
  byId("dial").hidden = false;
  byId("phone").dataset.state = "idle";
  byId("dial-call").focus();
});

keypad(byId("keypad"), (digits) => act("press", { digits }));
byId("keys-toggle").addEventListener("click", () => {
  const pad = byId("keypad");
  pad.hidden = !pad.hidden;
  byId("keys-toggle").setAttribute("aria-expanded", String(!pad.hidden));
});

setInterval(() => {
  if (call && !call.over) byId("call-time").textContent = clock((Date.now() - startedAt) / 1000);
}, 250);

// -- voice and ear

voice.watch((available) => {
  const button = byId("voice-toggle");
  button.disabled = !available;
  button.title = available ? "Read the agent’s words aloud" : "This browser has no voices";
  if (available && localStorage.getItem("voice") !== "off") setVoice(true);
});

function setVoice(on) {
  voice.on = on;
  if (!on) voice.stop();
  byId("voice-toggle").setAttribute("aria-pressed", String(on));
}

byId("voice-toggle").addEventListener("click", () => {
  setVoice(!voice.on);
  localStorage.setItem("voice", voice.on ? "on" : "off");
});

let interrupting = false;
const ear = makeEar({
  onWords: (text) => {
    interrupting = false;
    if (call && !call.over) act("say", { text });
  },
  onSpeech: () => {
    if (!call || call.over || interrupting || !call.agentSpeaks) return;
    interrupting = true;
    voice.stop();
    act("interrupt");
  },
  onStop: (error) => {
    byId("mic").setAttribute("aria-pressed", "false");
    if (error) byId("speak-text").placeholder = `The microphone is not available (${error}); type instead …`;
  },
});

if (ear) {
  byId("mic").hidden = false;
  byId("mic").addEventListener("click", () => {
    const on = byId("mic").getAttribute("aria-pressed") !== "true";
    byId("mic").setAttribute("aria-pressed", String(on));
    if (on) ear.start();
    else ear.stop();
  });
}

// -- what the functions do meanwhile

backend.functions((record) => {
  if (record.kind === "invoke" && /incoming|insights|sms-reply/.test(record.function)) showPerson();
  if (!call || !["invoke", "log", "violation", "post_refused"].includes(record.kind)) return;
  if (record.source === "carrier") return; // came with the call's own events
  if (record.call_sid !== call.id && !(record.line ?? "").includes(call.id)) return;
  traffic.add({ ...record, at_ms: Math.max(0, record.at_ms - startedAt) });
});

// -- the page itself

const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
byId("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark" || isDark();
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
});

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

lab(byId("lab"), backend);
loadNumbers();
