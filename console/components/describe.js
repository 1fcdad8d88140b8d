/** How one happening of a call reads in the traffic: an arrow, a label, a line, and the whole of it. No DOM is made here. */

/**
 * @param {Object} event
 * @returns {{arrow: string, label: string, summary: string, detail: Object|string, bad: boolean|undefined}}
 */
export function describe(event) {
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
