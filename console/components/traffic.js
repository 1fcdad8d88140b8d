import { atTime, follow, h } from "../dom.js";
import { describe } from "./describe.js";

/** What kinds of happenings are shown together, and how each is drawn. */
export const GROUPS = [
  { name: "webhooks", label: "Webhooks", kinds: ["webhook", "twiml"] },
  { name: "in", label: "Frames to us", kinds: ["frame_in", "connect", "disconnect"] },
  { name: "out", label: "Frames from us", kinds: ["frame_out"] },
  { name: "call", label: "Call", kinds: ["state", "turn", "dry", "note", "ended", "agent_cut"] },
  { name: "functions", label: "Functions", kinds: ["invoke", "log"], hidden: true },
  { name: "problems", label: "Problems", kinds: ["violation", "post_refused"] },
];

const GROUP_OF = new Map(GROUPS.flatMap((group) => group.kinds.map((kind) => [kind, group.name])));
const LIMIT = 3000;

/** The list of everything that passed, with filters. */
export class Traffic {
  /**
   * @param {HTMLElement} rows
   * @param {HTMLFormElement} filters an empty form
   */
  constructor(rows, filters) {
    this.rows = rows;
    this.follow = follow(rows);
    this.hidden = new Set(GROUPS.filter((group) => group.hidden).map((group) => group.name));
    this.counts = new Map();
    this.chips = new Map();
    this.makeFilters(filters);
    this.clear();
  }

  clear() {
    this.rows.replaceChildren(
      h("p.empty", {}, "Webhooks, TwiML and every frame of the relay appear here as soon as you call."),
    );
    this.empty = true;
    for (const group of GROUPS) this.count(group.name, -(this.counts.get(group.name) ?? 0));
  }

  /** Show one happening, if it is of a kind that is shown. */
  add(event) {
    const group = GROUP_OF.get(event.kind);
    if (!group) return;
    if (this.empty) this.rows.replaceChildren();
    this.empty = false;
    const row = trafficRow(event, group);
    this.rows.append(row);
    if (this.rows.children.length > LIMIT) this.rows.firstElementChild.remove();
    this.count(group, 1);
    this.judge(row);
    this.follow();
  }

  count(group, by) {
    const now = (this.counts.get(group) ?? 0) + by;
    this.counts.set(group, now);
    const chip = this.chips.get(group);
    if (!chip) return;
    chip.querySelector("b").textContent = String(now);
    chip.classList.toggle("is-alarm", group === "problems" && now > 0);
  }

  makeFilters(form) {
    for (const group of GROUPS) {
      const box = h("input", {
        type: "checkbox",
        name: group.name,
        checked: !group.hidden,
        onchange: () => this.toggle(box, group.name),
      });
      const chip = h("label.chip", {}, box, h("span", {}, group.label), h("b", {}, "0"));
      this.chips.set(group.name, chip);
      form.append(chip);
    }
    this.search = h("input", { type: "search", name: "search", placeholder: "Find …", oninput: () => this.judgeAll() });
    form.append(h("label.search", {}, h("span.visually-hidden", {}, "Find in the traffic"), this.search));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  toggle(box, group) {
    if (box.checked) this.hidden.delete(group);
    else this.hidden.add(group);
    this.judgeAll();
  }

  judgeAll() {
    for (const row of this.rows.children) if (row.dataset.group) this.judge(row);
  }

  judge(row) {
    const wanted = this.search.value.trim().toLowerCase();
    row.hidden = this.hidden.has(row.dataset.group) || (wanted !== "" && !row.dataset.text.includes(wanted));
  }
}

/** One row: time, direction, what it is in a line; opened, the whole of it. */
export function trafficRow(event, group) {
  const { arrow, label, summary, detail, bad } = describe(event);
  const text = typeof detail === "string" ? detail : JSON.stringify(detail, null, 2);
  const head = h(
    "summary",
    {},
    h("time", {}, atTime(event.at_ms)),
    h("span.arrow", { "aria-hidden": "true" }, arrow),
    h("span.kind", {}, label),
    h("span.what", {}, summary),
  );
  const row = h(`details.row.row--${group}`, {}, head);
  row.dataset.group = group;
  row.dataset.kind = event.kind;
  row.dataset.text = `${label} ${summary} ${text}`.toLowerCase();
  row.classList.toggle("is-bad", Boolean(bad));
  row.addEventListener("toggle", () => row.open && !row.querySelector("pre") && row.append(pretty(text)), {
    once: true,
  });
  return row;
}

/** Text with the tokens of JSON or XML coloured. */
function pretty(text) {
  const pre = h("pre", { tabindex: "0" });
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|<\/?[A-Za-z]+|\/?>|\b(?:true|false|null|-?\d+(?:\.\d+)?)\b/g;
  let from = 0;
  for (const match of text.matchAll(token)) {
    pre.append(text.slice(from, match.index));
    const kind =
      match[0].startsWith("<") || match[0].endsWith(">") ? "tag" : match[2] ? "name" : match[1] ? "string" : "value";
    pre.append(h(`span.${kind}`, {}, match[0]));
    from = match.index + match[0].length;
  }
  pre.append(text.slice(from));
  return pre;
}
