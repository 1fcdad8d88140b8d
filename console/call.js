/** What the page knows of a call: a fold over the carrier's events. No DOM in here. */

const STATES = {
  ringing: "Ringing …",
  "in-progress": "Connected",
  connecting: "Connecting …",
  up: "Connected",
  down: "Connection lost, reconnecting …",
  failed: "Connection lost, reconnecting …",
  ending: "Saying goodbye …",
};

const REASONS = {
  "hang-up": "You hung up",
  application: "The agent hung up",
  stopped: "Ended from outside",
  rejected: "The call was rejected",
  failed: "The call failed",
};

/** A call as it stands. */
export class Call {
  constructor(id) {
    this.id = id;
    this.label = "Calling …";
    this.over = false;
    this.up = false;
    /** @type {Array<Object>} lines of the conversation: {who, key, text, heard, upto, cut, done, lost, firstTokenMs} */
    this.lines = [];
    /** @type {Array<{turn: number, ms: number}>} */
    this.turns = [];
    this.byUtterance = new Map();
  }

  /** Whether the agent is speaking, or about to. */
  get agentSpeaks() {
    return this.lines.some((line) => line.who === "agent" && !line.done && line.upto < line.text.trimEnd().length);
  }

  /**
   * Take one event in.
   * @returns {Object|null} the line that changed, if one did
   */
  take(event) {
    switch (event.kind) {
      case "state":
        return this.takeState(event);
      case "agent_text":
        return this.takeText(event);
      case "agent_word":
        return this.change(event.utterance, (line) => (line.upto = event.upto));
      case "agent_done":
        return this.change(event.utterance, (line) => Object.assign(line, { done: true, upto: line.text.length }));
      case "agent_cut":
        return this.change(event.utterance, (line) => Object.assign(line, { done: true, cut: event.by }));
      case "turn":
        this.turns.push({ turn: event.turn, ms: event.first_token_ms });
        return this.change(event.utterance, (line) => (line.firstTokenMs = event.first_token_ms));
      case "caller":
        return event.final ? this.add({ who: "caller", text: event.text || "(cough)", lost: event.lost }) : null;
      case "digit":
        return this.takeDigit(event);
      case "ended":
        this.over = true;
        this.up = false;
        this.label = REASONS[event.reason] ?? "The call is over";
        return null;
      default:
        return null;
    }
  }

  takeState(event) {
    if (event.relay) this.up = event.relay === "up" || event.relay === "ending";
    if (event.dialing) this.label = `Calling ${event.dialing} …`;
    else if (event.bridged) this.label = `Talking to ${event.bridged}`;
    else this.label = STATES[event.relay ?? event.state] ?? this.label;
    return null;
  }

  takeText(event) {
    const line = this.byUtterance.get(event.utterance) ?? this.addUtterance(event);
    line.text += event.text;
    return line;
  }

  addUtterance(event) {
    const line = this.add({ who: "agent", text: "", upto: 0 });
    this.byUtterance.set(event.utterance, line);
    return line;
  }

  takeDigit(event) {
    const last = this.lines.at(-1);
    if (last?.who === "keys") {
      last.text += ` ${event.digit}`;
      return last;
    }
    return this.add({ who: "keys", text: event.digit, lost: event.lost });
  }

  add(line) {
    const added = { key: this.lines.length, done: line.who !== "agent", ...line };
    this.lines.push(added);
    return added;
  }

  change(utterance, how) {
    const line = this.byUtterance.get(utterance);
    if (!line) return null;
    how(line);
    return line;
  }
}
