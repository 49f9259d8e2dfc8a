// Shows the fields that belong to what is chosen: to an action's kind, to an automation's trigger.
// Without it every field is shown, and the server still refuses or ignores what does not belong.
"use strict";
(() => {
  const FIELDS = {
    kind: {
      email: ["recipients", "subject", "message"],
      slack: ["message", "url"],
      webhook: ["url", "secret"],
      assign: [],
    },
    trigger: {
      stage_change: ["from_stage", "to_stage", "direction"],
      event: ["event_type"],
    },
  };

  function update(select, choices) {
    const scope = select.closest(".inline-related") || select.closest("form");
    const all = new Set(Object.values(choices).flat());
    const wanted = choices[select.value] || [];
    for (const name of all) {
      for (const row of scope.querySelectorAll(`.form-row.field-${name}`)) {
        row.hidden = !wanted.includes(name);
      }
    }
  }

  function choicesOf(element) {
    if (!(element instanceof HTMLSelectElement)) return undefined;
    return FIELDS[element.name.split("-").pop()];
  }

  function updateAll() {
    for (const select of document.querySelectorAll("select")) {
      const choices = choicesOf(select);
      if (choices) update(select, choices);
    }
  }

  document.addEventListener("change", (event) => {
    const choices = choicesOf(event.target);
    if (choices) update(event.target, choices);
  });
  document.addEventListener("formset:added", updateAll);
  document.addEventListener("DOMContentLoaded", updateAll);
})();
