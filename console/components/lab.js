import { h } from "../dom.js";

/** Ways the scripted model can misbehave, as its control interface names them. */
const MOODS = [
  ["none", "Well", "Answers at a human pace."],
  ["slow", "Slow", "Five seconds to the first token."],
  ["stall", "Stalls", "The stream opens and nothing comes."],
  ["stall_after", "Gets stuck", "Three tokens, then nothing."],
  ["throttle", "Throttled", "Bedrock answers 429."],
  ["error", "Fails", "Bedrock answers 500."],
  ["die_after", "Dies", "Three tokens, then the connection is cut."],
  ["empty", "Says nothing", "An answer without a word."],
];

const DELIVERIES = [
  ["parallel", "at once"],
  ["serial", "one after another"],
  ["shuffle", "shuffled and delayed"],
];

/**
 * Switches that make the agent's life hard.
 * @param {HTMLElement} root
 * @param {import("../backend.js").Backend} backend
 */
export function lab(root, backend) {
  const message = h("p.hint", { role: "status" });
  const told = async (doing, text) => {
    try {
      await doing;
      message.textContent = text;
    } catch (error) {
      message.textContent = error.message;
    }
  };
  const once = h("input", { type: "checkbox", name: "once" });
  const choose = (mood) =>
    told(
      backend.setBehaviour(mood[0] === "none" ? {} : { fault: mood[0], times: once.checked ? 1 : null }),
      mood[0] === "none" ? "" : `${mood[2]} ${once.checked ? "For the next request only." : "Until you change it."}`,
    );
  const moods = h(
    "fieldset.moods",
    {},
    h("legend", {}, "The model"),
    ...MOODS.map((mood) =>
      h(
        "label.mood",
        { title: mood[2] },
        h("input", {
          type: "radio",
          name: "mood",
          value: mood[0],
          checked: mood[0] === "none",
          onchange: () => choose(mood),
        }),
        h("span", {}, mood[1]),
      ),
    ),
  );
  once.addEventListener("change", () => choose(MOODS.find((mood) => mood[0] === chosen(moods))));
  const deliver = h(
    "select",
    { name: "frames", onchange: () => told(backend.setGateway({ frames: { mode: deliver.value } }), "") },
    ...DELIVERIES.map(([value, label]) => h("option", { value }, label)),
  );
  root.append(
    h(
      "form.lab__form",
      { onsubmit: (event) => event.preventDefault() },
      moods,
      h(
        "div.lab__more",
        {},
        h("label.check", {}, once, h("span", {}, "only the next request")),
        h("label.field.field--row", {}, h("span", {}, "Frames reach the functions"), deliver),
      ),
      message,
    ),
  );
  backend.behaviour().then(
    (now) => check(moods, now.fault ?? "none"),
    () => (message.textContent = "This run has no scripted model to switch."),
  );
}

function chosen(moods) {
  return moods.querySelector("input:checked")?.value ?? "none";
}

function check(moods, value) {
  const radio = [...moods.querySelectorAll("input")].find((input) => input.value === value);
  if (radio) radio.checked = true;
}
