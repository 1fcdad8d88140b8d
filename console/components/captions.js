import { follow, h } from "../dom.js";

/** The conversation as it is spoken: queued words are pale, the word being spoken is lit, unheard ones are struck out. */
export class Captions {
  /**
   * @param {HTMLElement} list an empty list
   * @param {HTMLElement} [announcer] a live region that gets whole utterances, for screen readers
   */
  constructor(list, announcer) {
    this.list = list;
    this.announcer = announcer;
    this.items = new Map();
    this.follow = follow(list);
  }

  clear() {
    this.list.replaceChildren();
    this.items.clear();
  }

  /** Show a line for the first time, or as it is now. */
  show(line) {
    let item = this.items.get(line.key);
    if (!item) {
      item = line.who === "agent" ? agentItem() : callerItem(line);
      this.items.set(line.key, item);
      this.list.append(item.root);
    }
    item.update(line);
    if (line.who === "agent" && line.done && this.announcer) this.announcer.textContent = `Agent: ${heardPart(line)}`;
    this.follow();
  }
}

function heardPart(line) {
  return line.cut ? line.text.slice(0, line.upto) : line.text;
}

function agentItem() {
  const heard = h("span.heard");
  const now = h("span.now");
  const rest = h("span.rest");
  const note = h("small.note");
  const root = h(
    "li.line.line--agent",
    {},
    h("span.visually-hidden", {}, "Agent: "),
    h("p", {}, heard, now, rest),
    note,
  );
  const update = (line) => {
    const spoken = line.text.slice(0, line.upto);
    const word = line.done ? "" : (/\S+$/.exec(spoken)?.[0] ?? "");
    heard.textContent = spoken.slice(0, spoken.length - word.length);
    now.textContent = word;
    rest.textContent = line.text.slice(line.upto);
    root.classList.toggle("is-speaking", !line.done && line.upto > 0);
    root.classList.toggle("is-cut", Boolean(line.cut) && rest.textContent.trim() !== "");
    note.textContent = notes(line).join(" · ");
  };
  return { root, update };
}

function notes(line) {
  const said = [];
  if (line.firstTokenMs !== undefined) said.push(`first token ${line.firstTokenMs} ms`);
  if (line.cut && line.upto < line.text.trimEnd().length) said.push(CUTS[line.cut] ?? "cut off");
  return said;
}

const CUTS = {
  speech: "interrupted",
  dtmf: "interrupted by a key",
  "hang-up": "hung up",
  "end of session": "cut off",
};

function callerItem(line) {
  const text = h("p");
  const root = h(
    line.who === "keys" ? "li.line.line--keys" : "li.line.line--caller",
    {},
    h("span.visually-hidden", {}, line.who === "keys" ? "Keys: " : "You: "),
    text,
    line.lost ? h("small.note.note--lost", {}, `not reported to the application: ${line.lost}`) : null,
  );
  return { root, update: (now) => (text.textContent = now.text) };
}
