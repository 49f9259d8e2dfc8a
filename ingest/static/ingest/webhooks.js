// The form of a webhook source: shows the fields of the chosen scheme only, and tries a mapping out without leaving.
(() => {
  "use strict";
  const OWN = ["signature_header", "signature_form", "signed_content", "signature_encoding", "timestamp_header", "tolerance"];

  function fit(scheme) {
    for (const name of OWN) {
      const row = document.querySelector(`.form-row.field-${name}`);
      if (row) row.hidden = scheme.value === "standard" && !row.querySelector(".errorlist");
    }
  }

  async function tryOut(button) {
    const result = document.getElementById("try_result");
    button.disabled = true;
    try {
      const answer = await fetch(button.formAction, {
        method: "POST",
        body: new FormData(button.form),
        headers: { "X-Requested-With": "fetch" },
        credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(String(answer.status));
      result.innerHTML = await answer.text();
    } catch {
      result.textContent = "That did not work. Reload the page and try again.";
    } finally {
      button.disabled = false;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const scheme = document.getElementById("id_scheme");
    if (scheme) {
      fit(scheme);
      scheme.addEventListener("change", () => fit(scheme));
    }
    const button = document.getElementById("try_button");
    if (button) {
      button.addEventListener("click", (event) => {
        event.preventDefault();
        tryOut(button);
      });
    }
  });
})();
