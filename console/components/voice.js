/** The browser's own voice and ear, where it has them. */

const SENTENCE = /[^.!?…]*[.!?…]+["'”’)]*\s*/g;

/** Speaks what the agent says, sentence by sentence as it comes. */
export class Voice {
  constructor(synthesis = globalThis.speechSynthesis) {
    this.synthesis = synthesis;
    this.on = false;
    this.waiting = new Map();
  }

  /** Whether there is anything to speak with; voices may turn up late, so `onChange` is called when they do. */
  watch(onChange) {
    onChange(this.available);
    this.synthesis?.addEventListener?.("voiceschanged", () => onChange(this.available));
  }

  get available() {
    return (this.synthesis?.getVoices?.() ?? []).length > 0;
  }

  /** Words of an utterance have come. */
  add(utterance, text) {
    if (!this.on) return;
    let buffer = (this.waiting.get(utterance) ?? "") + text;
    for (const sentence of buffer.match(SENTENCE) ?? []) {
      if (!/\s$/.test(sentence)) break;
      this.speak(sentence);
      buffer = buffer.slice(sentence.length);
    }
    this.waiting.set(utterance, buffer);
  }

  /** The utterance is complete. */
  finish(utterance) {
    const rest = this.waiting.get(utterance);
    this.waiting.delete(utterance);
    if (this.on && rest?.trim()) this.speak(rest);
  }

  /** Silence at once. */
  stop() {
    this.waiting.clear();
    this.synthesis?.cancel();
  }

  speak(text) {
    this.synthesis.speak(new SpeechSynthesisUtterance(text));
  }
}

/** Listens to the caller. `null` where the browser cannot. */
export function makeEar({ onWords, onSpeech, onStop }) {
  const Recognition = globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;
  if (!Recognition) return null;
  const recognition = new Recognition();
  recognition.continuous = true;
  recognition.interimResults = true;
  recognition.lang = document.documentElement.lang || "en-US";
  let wanted = false;
  recognition.onresult = (event) => {
    for (const result of [...event.results].slice(event.resultIndex)) {
      const words = result[0].transcript.trim();
      if (result.isFinal && words) onWords(words);
      else if (words.includes(" ")) onSpeech();
    }
  };
  recognition.onerror = (event) => {
    if (event.error === "no-speech") return;
    wanted = false;
    onStop(event.error);
  };
  recognition.onend = () => (wanted ? recognition.start() : onStop(""));
  return {
    start() {
      wanted = true;
      recognition.start();
    },
    stop() {
      wanted = false;
      recognition.stop();
    },
  };
}
