/**
 * All traffic of the page goes through here. Two implementations: the running system, and a recorded call, with which
 * the page runs and is tested without any system behind it (`?recorded`).
 *
 * @typedef {Object} Backend
 * @property {string} name
 * @property {() => Promise<{numbers: Array<Object>, caller: string}>} numbers
 * @property {(to: string, from: string) => Promise<string>} place  returns the call's id
 * @property {(id: string, onEvent: (event: Object) => void, onEnd: () => void) => () => void} follow  returns a stop
 * @property {(onRecord: (record: Object) => void) => () => void} functions  what the Lambda functions do
 * @property {(id: string, what: string, fields?: Object) => Promise<Object>} act  say, press, hangup, drop, interrupt
 * @property {(number: string, contact: string, body: string) => Promise<Object>} write  a text
 * @property {(number: string, contact: string) => Promise<{messages: Array<Object>}>} texts  between the two
 * @property {(number: string) => Promise<string>} organization  whose number it is; "" where there is no API
 * @property {(path: string) => Promise<Object>} api  the administrators' API, for reading
 * @property {() => Promise<Object>} behaviour  how the scripted model behaves
 * @property {(document: Object) => Promise<Object>} setBehaviour
 * @property {(document: Object) => Promise<Object>} setGateway
 */

const CARRIER = "/local/carrier";

/** An answer that was not one; `message` is fit for the person at the page. */
export class BackendError extends Error {}

async function request(method, path, document, token = "") {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        ...(document === undefined ? {} : { "Content-Type": "application/json" }),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
      },
      body: document === undefined ? undefined : JSON.stringify(document),
    });
  } catch {
    throw new BackendError("The local system does not answer. Is `make run` still running?");
  }
  const decoded = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new BackendError(decoded.error?.message ?? `${method} ${path} was answered ${answer.status}`);
  return decoded;
}

/** @implements {Backend} */
export class LiveBackend {
  name = "live";

  numbers() {
    return request("GET", `${CARRIER}/numbers`);
  }

  async place(to, from) {
    return (await request("POST", `${CARRIER}/calls`, { to, from })).id;
  }

  follow(id, onEvent, onEnd) {
    const source = new EventSource(`${CARRIER}/calls/${encodeURIComponent(id)}/events`);
    source.onmessage = (message) => {
      const event = JSON.parse(message.data);
      onEvent(event);
      if (event.kind !== "ended") return;
      source.close();
      onEnd();
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) onEnd();
    };
    return () => source.close();
  }

  functions(onRecord) {
    const source = new EventSource("/local/events?after=999999999999");
    source.onmessage = (message) => onRecord(JSON.parse(message.data));
    return () => source.close();
  }

  act(id, what, fields = {}) {
    return request("POST", `${CARRIER}/calls/${encodeURIComponent(id)}/${what}`, fields);
  }

  write(number, contact, body) {
    return request("POST", `${CARRIER}/messages`, { to: number, from: contact, body });
  }

  texts(number, contact) {
    return request("GET", `${CARRIER}/messages?${new URLSearchParams({ number, contact })}`);
  }

  async organization(number) {
    this.owners ??= new Map();
    if (!this.owners.has(number)) {
      const { numbers } = await this.api("/api/voice/numbers?limit=200");
      for (const each of numbers) this.owners.set(each.phone_number, each.organization_id ?? "");
    }
    return this.owners.get(number) ?? "";
  }

  async api(path) {
    this.token ??= (await request("GET", "/local/administrator")).token;
    return await request("GET", path, undefined, this.token);
  }

  behaviour() {
    return request("GET", "/local/model/behaviour");
  }

  setBehaviour(document) {
    return request("PUT", "/local/model/behaviour", document);
  }

  setGateway(document) {
    return request("PUT", "/local/gateway/faults", document);
  }
}

/** Plays `recorded/call.json`. What the caller does is taken and changes nothing, except hanging up. @implements {Backend} */
export class RecordedBackend {
  name = "recorded";

  /** @param {number} speed how many times faster than it was */
  constructor(speed = 1) {
    this.speed = speed;
    this.stops = new Map();
  }

  async numbers() {
    return await request("GET", "recorded/numbers.json");
  }

  async place() {
    return "CA-recorded";
  }

  follow(id, onEvent, onEnd) {
    let stopped = false;
    const play = async () => {
      const { events } = await request("GET", "recorded/call.json");
      const start = performance.now();
      for (const event of events) {
        const wait = event.at_ms / this.speed - (performance.now() - start);
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        if (stopped) break;
        onEvent(event);
      }
      if (stopped)
        onEvent({ at_ms: Math.round((performance.now() - start) * this.speed), kind: "ended", reason: "hang-up" });
      onEnd();
    };
    this.stops.set(id, () => (stopped = true));
    play();
    return this.stops.get(id);
  }

  functions() {
    return () => {};
  }

  async act(id, what) {
    if (what === "hangup") this.stops.get(id)?.();
    return {};
  }

  async write() {
    return {};
  }

  async texts() {
    return { messages: [] };
  }

  async organization() {
    return "";
  }

  async api() {
    return {};
  }

  async behaviour() {
    return { fault: "none", first_token_ms: 350, token_ms: 40 };
  }

  async setBehaviour(document) {
    return document;
  }

  async setGateway(document) {
    return document;
  }
}

/** The backend the address asks for: `?recorded` or `?recorded=8` (eight times as fast), otherwise the live one. */
export function chooseBackend(search = location.search) {
  const asked = new URLSearchParams(search).get("recorded");
  return asked === null ? new LiveBackend() : new RecordedBackend(Number(asked) || 1);
}
