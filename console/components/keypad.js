import { h } from "../dom.js";

const KEYS = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
];

/**
 * Twelve keys; those of the keyboard work too while the pad is open and no field has the focus.
 * @param {HTMLElement} root
 * @param {(digit: string) => void} onPress
 */
export function keypad(root, onPress) {
  root.replaceChildren(
    ...KEYS.map(([digit, letters]) =>
      h(
        "button.key",
        { type: "button", "data-digit": digit, onclick: () => onPress(digit) },
        digit,
        h("small", {}, letters),
      ),
    ),
  );
  document.addEventListener("keydown", (event) => {
    if (root.hidden || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey)
      return;
    const button = [...root.children].find((key) => key.dataset.digit === event.key);
    if (!button) return;
    event.preventDefault();
    button.classList.add("is-pressed");
    setTimeout(() => button.classList.remove("is-pressed"), 120);
    onPress(event.key);
  });
}
