import { atTime, follow, h } from "../dom.js";

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

function describe(event) {
  const { at_ms: _at, kind, ...rest } = event;
  switch (kind) {
    case "webhook":
      return {
        arrow: "→",
        label: `${event.method} ${event.status || "✕"}`,
        summary: `${pathOf(event.url)}  ${event.took_ms} ms${callStatus(event.params)}`,
        detail: rest,
        bad: event.status === 0 || event.status >= 400,
      };
    case "twiml":
      return { arrow: "←", label: "TwiML", summary: verbsOf(event.xml), detail: indent(event.xml) };
    case "frame_in":
      return { arrow: "→", label: event.frame.type ?? "frame", summary: frameLine(event.frame), detail: event.frame };
    case "frame_out":
      return {
        arrow: "←",
        label: event.frame?.type ?? "malformed",
        summary:
          (event.frame ? frameLine(event.frame) : event.raw) +
          (event.faults?.length ? `  ✕ ${event.faults.join("; ")}` : ""),
        detail: event.frame ?? event.raw,
        bad: event.faults?.length > 0,
      };
    case "connect":
      return { arrow: "→", label: "WebSocket", summary: `open ${event.session_id}`, detail: rest };
    case "disconnect":
      return {
        arrow: "✕",
        label: "WebSocket",
        summary: `closed ${event.code ?? ""} ${event.reason ?? ""} by ${event.by}`,
        detail: rest,
        bad: event.by !== "twilio",
      };
    case "violation":
      return { arrow: "!", label: "Problem", summary: event.what, detail: rest, bad: true };
    case "turn":
      return {
        arrow: "◷",
        label: `Turn ${event.turn}`,
        summary: `first token after ${event.first_token_ms} ms`,
        detail: rest,
      };
    case "dry":
      return { arrow: "◷", label: "Dry", summary: `the voice waited ${event.gap_ms} ms for words`, detail: rest };
    case "agent_cut":
      return { arrow: "✂", label: "Cut", summary: `heard: “${event.heard}”`, detail: rest };
    case "post_refused":
      return { arrow: "!", label: "Post", summary: `refused with ${event.status}`, detail: rest, bad: true };
    case "invoke":
      return {
        arrow: "λ",
        label: nameOf(event),
        summary: `${event.trigger}  ${event.duration_ms} ms`,
        detail: rest,
        bad: event.failed,
      };
    case "log":
      return { arrow: "λ", label: nameOf(event), summary: logLine(event.line), detail: logDetail(event.line) };
    default:
      return { arrow: "·", label: kind, summary: event.what ?? words(rest), detail: rest };
  }
}

function words(fields) {
  return Object.entries(fields)
    .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
}

function pathOf(url) {
  try {
    return new URL(url).pathname;
  } catch {
    return url;
  }
}

function callStatus(params = {}) {
  const status = [params.SessionStatus, params.CallStatus].filter(Boolean).join(", ");
  return status ? `  ${status}` : "";
}

function verbsOf(xml) {
  return (
    [...new DOMParser().parseFromString(xml, "text/xml").querySelectorAll("Response > *")]
      .map((verb) => (verb.firstElementChild ? `${verb.tagName} › ${verb.firstElementChild.tagName}` : verb.tagName))
      .join(", ") || "empty"
  );
}

function indent(xml) {
  return xml.replaceAll("><", ">\n<").replaceAll(/ (?=[a-zA-Z]+=")/g, "\n    ");
}

function frameLine(frame) {
  switch (frame.type) {
    case "text":
      return `${JSON.stringify(frame.token)}${frame.last ? "  last" : ""}`;
    case "prompt":
      return `${JSON.stringify(frame.voicePrompt)}${frame.last ? "" : "  (partial)"}`;
    case "interrupt":
      return `heard ${JSON.stringify(frame.utteranceUntilInterrupt)}, ${frame.durationUntilInterruptMs} ms`;
    case "info":
      return `${frame.name} ${frame.value}`;
    default:
      return words(Object.fromEntries(Object.entries(frame).filter(([key]) => key !== "type"))).slice(0, 200);
  }
}

function nameOf(event) {
  return (event.function ?? "").replace(/^ringfold-[a-z]+-/, "").replaceAll("-", "_");
}

function logLine(line) {
  try {
    const entry = JSON.parse(line);
    return `${entry.level ?? ""} ${entry.message ?? entry.event ?? line}`.trim();
  } catch {
    return line;
  }
}

function logDetail(line) {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
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
