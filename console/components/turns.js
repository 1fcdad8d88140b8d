import { h } from "../dom.js";

const SLOW_MS = 1500;

/**
 * How soon the first token of each turn came, as a row of small bars with figures.
 * @param {HTMLElement} root
 * @param {Array<{turn: number, ms: number}>} turns
 */
export function showTurns(root, turns) {
  const most = Math.max(SLOW_MS, ...turns.map((turn) => turn.ms));
  root.replaceChildren(
    ...turns.slice(-8).map(({ turn, ms }) => {
      const bar = h("i", { "aria-hidden": "true" });
      bar.style.blockSize = `${Math.max(8, (100 * ms) / most)}%`;
      const title = `Turn ${turn}: first token after ${ms} ms`;
      const figure = h(
        "span.turn",
        { role: "listitem", title, "aria-label": title },
        bar,
        h("b", {}, ms),
        h("small", {}, "ms"),
      );
      figure.classList.toggle("is-slow", ms > SLOW_MS);
      return figure;
    }),
  );
}
