/** The only way markup is made here: elements and text, never strings of HTML, so nothing needs escaping. */

/**
 * Make an element.
 * @param {string} name tag name, with classes after dots: "p.hint.small"
 * @param {Object<string, unknown>} [attributes] `on…` functions become listeners; false and null are left out
 * @param {...(Node|string|number|null|undefined)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** @returns {HTMLElement} the element with this id, which the page is written to have */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** Seconds since the call was placed, for reading: "+1.234". */
export function atTime(ms) {
  return `+${(ms / 1000).toFixed(3)}`;
}

/** A duration as a clock shows it: "1:05". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/**
 * Keep a scrolling box at its end, as long as the reader has not scrolled away from it.
 * @param {HTMLElement} box
 * @returns {() => void} to be called when something was added
 */
export function follow(box) {
  let atEnd = true;
  const toEnd = () => atEnd && (box.scrollTop = box.scrollHeight);
  box.addEventListener("scroll", () => (atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80), {
    passive: true,
  });
  new ResizeObserver(toEnd).observe(box);
  return toEnd;
}
