// Adds and removes rows of the forms of rules. Without it, a few empty rows are there instead of the buttons.
"use strict";
(() => {
  let made = 0;

  function prepare(scope) {
    for (const button of scope.querySelectorAll("[data-add], [data-remove]")) button.hidden = false;
    for (const spare of scope.querySelectorAll("[data-spare]")) spare.remove();
    for (const select of scope.querySelectorAll("[data-op]")) fit(select);
  }

  // The templates nest, and "__key__" stands for the group or event that a row belongs to.
  function add(button) {
    const rows = button.closest("[data-rows]");
    const template = rows.querySelector(`template[data-template="${button.dataset.add}"]`);
    const key = button.dataset.key === undefined ? `n${(made += 1)}` : button.dataset.key;
    const holder = document.createElement("div");
    holder.append(template.content.cloneNode(true));
    holder.innerHTML = holder.innerHTML.replaceAll("__key__", key);
    prepare(holder);
    const near = button.dataset.add === "row" && button.dataset.key !== undefined;
    const list = near ? button.parentElement.previousElementSibling : rows.querySelector(`[data-list="${button.dataset.add}"]`);
    const added = holder.firstElementChild;
    list.append(added);
    if (button.dataset.add === "group") add(added.querySelector("[data-add]"));
    (added.querySelector("input:not([type=hidden])") || added).focus();
  }

  function fit(select) {
    const row = select.closest("[data-row]");
    const value = row.querySelector("[data-value]");
    const without = select.closest("[data-rows]");
    const names = without ? without.dataset.withoutValue.split(" ") : [];
    value.hidden = names.includes(select.value);
    value.placeholder = select.value === "in" ? "one value a line" : "value";
    value.rows = select.value === "in" ? 3 : Math.max(1, value.value.split("\n").length);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add], [data-remove]");
    if (!button) return;
    if (button.dataset.add !== undefined) add(button);
    else button.closest("[data-row]").remove();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-op]")) fit(event.target);
  });
  document.addEventListener("DOMContentLoaded", () => {
    for (const rows of document.querySelectorAll("[data-rows]")) {
      prepare(rows);
      if (rows.querySelector('[data-list="event"]') && !rows.querySelector('[data-list="event"] > [data-row]')) {
        add(rows.querySelector('[data-add="event"]'));
        document.activeElement.blur();
      }
    }
  });
})();
