// A control for each sampling setting that a network declares.

let fields = 0;

function made(name, values = {}) {
  return Object.assign(document.createElement(name), values);
}

function choices(knob) {
  const select = made("select");
  const values = knob.kind === "bool" ? [true, false] : knob.choices;
  if (knob.optional) select.append(new Option("none", "null"));
  for (const value of values) select.append(new Option(String(value), JSON.stringify(value)));
  select.value = JSON.stringify(knob.default);
  return select;
}

function field(knob) {
  if (knob.kind === "choice") return choices(knob);
  if (knob.kind === "bool" && knob.optional) return choices(knob);
  if (knob.kind === "bool") return made("input", { type: "checkbox", checked: knob.default });
  if (knob.kind === "text") return made("input", { type: "text", value: knob.default ?? "", maxLength: 2000 });
  const least = knob.at_least ?? knob.above, most = knob.at_most ?? knob.below;
  const slides = least !== undefined && most !== undefined && !knob.optional;
  const step = knob.kind === "int" ? 1 : slides ? (most - least) / 100 : "any";
  const input = made("input", { type: slides ? "range" : "number", step });
  if (least !== undefined) input.min = least;
  if (most !== undefined) input.max = most;
  input.value = knob.default ?? "";
  if (knob.optional) input.placeholder = "none";
  return input;
}

function valueOf(knob, input) {
  if (input.tagName === "SELECT") return JSON.parse(input.value);
  if (input.type === "checkbox") return input.checked;
  if (knob.kind === "text") return knob.optional && input.value === "" ? null : input.value;
  return input.value === "" ? null : Number(input.value);
}

// Fills a fieldset; returns a function that gives the values which are not the default ones.
export function showKnobs(fieldset, knobs, changed) {
  fieldset.querySelectorAll("label").forEach((old) => old.remove());
  fieldset.hidden = !knobs.length;
  const inputs = knobs.map((knob) => {
    const label = made("label"), input = field(knob);
    input.dataset.knob = knob.name;
    label.htmlFor = input.id = `knob-${++fields}`; // an output in a label would be taken for its field
    label.append(made("span", { className: "title", textContent: knob.name }));
    if (input.type === "range") {
      const output = made("output", { textContent: input.value });
      input.addEventListener("input", () => { output.textContent = input.value; });
      label.append(output);
    }
    label.append(input, made("span", { className: "help", textContent: `${knob.help} (${knob.type})` }));
    input.addEventListener("input", changed);
    fieldset.append(label);
    return input;
  });
  return () => {
    const found = {};
    knobs.forEach((knob, i) => {
      const value = valueOf(knob, inputs[i]);
      if (value !== (knob.default ?? null)) found[knob.name] = value;
    });
    return found;
  };
}
