import { follow, h } from "../dom.js";

const STATES = { queued: "sending", sent: "sent", delivered: "delivered", undelivered: "not delivered", failed: "failed" };

/** Texts between a person and one of the numbers: what was written, how far each answer has come. */
export class Texts {
  /**
   * @param {HTMLElement} list where they stand
   * @param {import("../backend.js").Backend} backend
   * @param {() => {number: string, contact: string}} who
   */
  constructor(list, backend, who) {
    this.list = list;
    this.backend = backend;
    this.who = who;
    this.toEnd = follow(list);
    this.shown = "";
  }

  /** Send one; the answer comes by itself. */
  async write(body) {
    const { number, contact } = this.who();
    await this.backend.write(number, contact, body);
    await this.refresh();
  }

  /** Show what there is now. */
  async refresh() {
    const { number, contact } = this.who();
    if (!number || !contact) return;
    const { messages } = await this.backend.texts(number, contact);
    const now = JSON.stringify(messages.map((each) => [each.sid, each.status]));
    if (now === this.shown) return;
    this.shown = now;
    this.list.replaceChildren(...messages.map(bubble));
    this.toEnd();
  }
}

function bubble(message) {
  const inbound = message.direction === "inbound";
  const state = inbound ? "" : (STATES[message.status] ?? message.status);
  return h(
    `li.line.line--${inbound ? "caller" : "agent"}`,
    { "data-status": message.status },
    h("p", {}, message.body || "(a picture or file)"),
    h("small.text-state", {}, state, message.error_code ? ` (${message.error_code})` : ""),
  );
}
