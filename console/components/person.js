import { h } from "../dom.js";

const STATES = { active: "goes on", inactive: "quiet", closed: "over" };

/**
 * Who the person at the phone is to the organization: conversations as they happen, and what is remembered.
 * Everything comes from the administrators' API.
 * @param {HTMLElement} root
 * @param {import("../backend.js").Backend} backend
 * @param {() => {number: string, contact: string}} who
 */
export class Person {
  constructor(root, backend, who) {
    this.root = root;
    this.backend = backend;
    this.who = who;
    this.conversations = h("ol.conversations", { "aria-label": "Conversations" });
    this.transcript = h("ol.transcript", { "aria-label": "Transcript", tabindex: "0" });
    this.memory = h("div.memory", { role: "status" });
    this.chosen = "";
    root.append(
      h("div.person__part", {}, h("h3", {}, "Conversations"), this.conversations),
      h("div.person__part", {}, h("h3", {}, "Transcript"), this.transcript),
      h("div.person__part", {}, h("h3", {}, "What is remembered"), this.memory),
    );
  }

  /** Show what there is now; a system without an API shows nothing. */
  async refresh() {
    const { number, contact } = this.who();
    const organization = await this.backend.organization(number);
    if (!organization || !contact) {
      this.root.hidden = true;
      return;
    }
    this.root.hidden = false;
    const query = `organization_id=${encodeURIComponent(organization)}`;
    const address = encodeURIComponent(contact);
    const { conversations } = await this.backend.api(`/api/conversations?${query}&contact=${address}&limit=20`);
    const known = conversations.some((each) => each.id === this.chosen);
    if (!known) this.chosen = conversations[0]?.id ?? "";
    this.conversations.replaceChildren(...conversations.map((each) => this.#conversation(each)));
    if (conversations.length === 0) this.conversations.append(h("li.hint", {}, "None yet."));
    await this.#showTranscript(query);
    const { profiles } = await this.backend.api(`/api/profiles?${query}&phone=${address}`);
    await this.#showMemory(profiles[0], query);
  }

  #conversation(each) {
    const choose = () => {
      this.chosen = each.id;
      this.refresh();
    };
    const at = new Date(each.started_at).toLocaleTimeString();
    return h(
      "li",
      {},
      h(
        "button.conversation",
        { type: "button", "aria-pressed": String(each.id === this.chosen), onclick: choose, "data-state": each.state },
        h("b", {}, each.channel === "voice" ? "Call" : "Texts"),
        ` ${at} · ${STATES[each.state] ?? each.state}`,
        each.continues ? h("small", {}, " goes on from another") : null,
      ),
    );
  }

  async #showTranscript(query) {
    if (!this.chosen) {
      this.transcript.replaceChildren();
      return;
    }
    const full = await this.backend.api(`/api/conversations/${encodeURIComponent(this.chosen)}?${query}`);
    this.transcript.replaceChildren(
      ...full.transcript.map((line) =>
        h(
          `li.said.said--${line.role}`,
          {},
          h("span", {}, line.text),
          ...line.tools.map((tool) => h("small.used", {}, ` ⚙ ${tool.name}`)),
        ),
      ),
    );
    if (full.transcript.length === 0) this.transcript.append(h("li.hint", {}, "It is written down when it is over."));
  }

  async #showMemory(profile, query) {
    if (!profile) {
      this.memory.replaceChildren(h("p.hint", {}, "Nobody is known by this number yet."));
      return;
    }
    const memory = await this.backend.api(`/api/profiles/${encodeURIComponent(profile.id)}/memory?${query}`);
    const facts = memory.observations.map((fact) =>
      h(
        "li.fact",
        { "data-superseded": fact.superseded_by !== null },
        h("span", {}, fact.text),
        h("small", {}, ` ${fact.kind} · “${fact.quote}”`),
      ),
    );
    const ended = memory.summaries.map((each) => h("li.ended", {}, each.text || "(no summary)"));
    this.memory.replaceChildren(
      h("p.person__name", {}, memory.profile.name || "Nobody knows their name yet"),
      h("ul.facts", { "aria-label": "Facts" }, ...facts),
      h("ul.summaries", { "aria-label": "Summaries" }, ...ended.reverse()),
    );
  }
}
