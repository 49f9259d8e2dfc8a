// What the pages do beyond links and forms: keep themselves up to date, and small comforts. Everything works without.
(() => {
  "use strict";

  const CALM = matchMedia("(prefers-reduced-motion: reduce)");

  // --- Times: "3 min ago" stays true while the page is open. The words are those of the server's `in_words`. ---
  function inWords(date) {
    let seconds = Math.trunc((Date.now() - date.getTime()) / 1000);
    const ahead = seconds < 0;
    seconds = Math.abs(seconds);
    if (seconds < 45) return "just now";
    for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
      if (seconds >= length) {
        const amount = `${Math.floor(seconds / length)} ${unit}`;
        return ahead ? `in ${amount}` : `${amount} ago`;
      }
    }
    return ahead ? "in 1 min" : "1 min ago";
  }

  function refreshTimes() {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const words = inWords(new Date(time.dateTime));
      if (time.textContent !== words) time.textContent = words;
    }
  }
  setInterval(refreshTimes, 10_000);

  // --- Polling: fast while things happen, slower while they do not, hardly at all in a hidden tab. ---
  const SLOWEST = 12_000;
  const HIDDEN = 60_000;
  let factor = 1;
  let failures = 0;
  let timer;

  function delay(element) {
    if (document.hidden) return HIDDEN;
    const pace = Number(element.dataset.poll) * factor;
    return Math.min(failures ? 60_000 : SLOWEST, pace * 2 ** Math.min(failures, 5));
  }

  function schedule() {
    clearTimeout(timer);
    const element = document.querySelector("[data-poll]");
    if (element) timer = setTimeout(poll, delay(element));
  }

  function isBeingRead(element) {
    const selection = document.getSelection();
    const selected = selection && !selection.isCollapsed && element.contains(selection.anchorNode);
    return Boolean(selected || element.querySelector("input:active"));
  }

  function poll() {
    const element = document.querySelector("[data-poll]");
    if (!element) return;
    if (isBeingRead(element)) schedule();
    else htmx.trigger(element, "poll");
  }

  function showConnection(state, words) {
    for (const sign of document.querySelectorAll("[data-live]")) {
      sign.dataset.state = state;
      sign.firstElementChild.textContent = words;
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      factor = 1;
      poll();
    }
  });

  function isPoll(event) {
    return Boolean(event.detail.requestConfig?.triggeringEvent?.type === "poll");
  }

  document.addEventListener("htmx:afterRequest", (event) => {
    if (!isPoll(event)) return;
    if (event.detail.successful) {
      failures = 0;
      factor = event.detail.xhr.status === 204 ? Math.min(factor * 1.25, 8) : 1;
      showConnection("live", "Live");
    } else {
      failures += 1;
      showConnection("lost", "Connection lost, trying again");
    }
    schedule();
  });

  // --- A request of the reader's own that fails says so: nothing is worse than a button that seems dead. ---
  function tellTrouble(event) {
    if (isPoll(event)) return;
    const trouble = document.getElementById("trouble");
    const status = event.detail.xhr?.status;
    trouble.textContent = status === 403
      ? "This page has expired. Reload it and try again."
      : `That did not work${status ? ` (the server answered ${status})` : ": the server cannot be reached"}. Nothing is lost; try again.`;
    trouble.hidden = false;
  }
  document.addEventListener("htmx:responseError", tellTrouble);
  document.addEventListener("htmx:sendError", tellTrouble);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isPoll(event)) document.getElementById("trouble").hidden = true;
  });

  // --- Swaps: what changed is told and shown, what the reader had opened stays open. ---
  const remembered = new Map();

  function keysIn(element) {
    return new Set([...element.querySelectorAll("[data-key]")].map((row) => row.dataset.key));
  }

  function numbersIn(element) {
    return new Map([...element.querySelectorAll("[data-count][id]")].map((spot) => [spot.id, Number(spot.dataset.count)]));
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (!target?.id) return;
    remembered.set(target.id, {
      keys: keysIn(target),
      numbers: numbersIn(target),
      open: [...target.querySelectorAll("details[open][id]")].map((each) => each.id),
      announced: target.querySelector("[data-announce]")?.dataset.announce,
    });
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const element = event.detail.elt;
    const before = element.id && remembered.get(element.id);
    refreshTimes();
    prepare(element);
    if (before) {
      remembered.delete(element.id);
      for (const id of before.open) document.getElementById(id)?.setAttribute("open", "");
      if (before.keys.size) {
        for (const row of element.querySelectorAll("[data-key]")) {
          if (!before.keys.has(row.dataset.key)) row.classList.add("is-new");
        }
      }
      for (const [id, from] of before.numbers) count(document.getElementById(id), from);
      const words = element.querySelector("[data-announce]")?.dataset.announce;
      if (words && words !== before.announced) announce(words);
    }
    if (event.detail.requestConfig?.verb === "post" && element.id === "watch") {
      element.scrollIntoView({ block: "nearest", behavior: CALM.matches ? "auto" : "smooth" });
    }
    if (element.matches("[data-poll]") || element.querySelector("[data-poll]")) schedule();
  });

  function announce(words) {
    const announcer = document.getElementById("announcer");
    if (announcer) announcer.textContent = words;
  }

  function count(spot, from) {
    if (!spot || CALM.matches) return;
    const to = Number(spot.dataset.count);
    if (from === to) return;
    const final = spot.textContent;
    const started = performance.now();
    const step = (now) => {
      const share = Math.min(1, (now - started) / 600);
      if (share === 1 || !spot.isConnected) {
        spot.textContent = final;
        return;
      }
      spot.textContent = Math.round(from + (to - from) * (1 - (1 - share) ** 3)).toLocaleString("en-US");
      requestAnimationFrame(step);
    };
    spot.classList.add("bump");
    requestAnimationFrame(step);
  }

  // --- Theme: remembered, else the system's. ---
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // Storage is refused: the choice holds for this page.
    }
    document.dispatchEvent(new CustomEvent("themechange"));
  });

  // --- Menus close on Escape and on a click elsewhere. ---
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // --- A number that leads to its reasons opens them. ---
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-opens]");
    if (link) document.querySelector(link.getAttribute("href"))?.setAttribute("open", "");
  });

  // --- Copying a snippet. ---
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    const label = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(source.textContent);
      label.textContent = "Copied";
    } catch {
      // Without permission (plain http on another host) the text is selected, one keystroke from being copied.
      document.getSelection().selectAllChildren(source);
      label.textContent = "Press Ctrl+C";
    }
    announce(label.textContent);
    setTimeout(() => { label.textContent = "Copy"; }, 2500);
  });

  // --- Parts of a form that belong to a choice: `data-shown-by="name=value"`. ---
  function prepare(root) {
    for (const part of root.querySelectorAll("[data-shown-by]")) {
      const [name, value] = part.dataset.shownBy.split("=");
      const chosen = document.querySelector(`input[name="${CSS.escape(name)}"]:checked`);
      part.hidden = chosen?.value !== value;
    }
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[type=radio]")) prepare(document);
  });

  // --- Looking back: the slider says in words where it stands, and what stands still does not call itself live. ---
  function tellMoment() {
    const slider = document.getElementById("moment");
    if (slider) {
      const format = { dateStyle: "medium", timeStyle: "short", timeZone: slider.dataset.zone };
      const words = slider.value === slider.max ? "now"
        : new Intl.DateTimeFormat("en-GB", format).format(new Date(Number(slider.value) * 1000));
      slider.setAttribute("aria-valuetext", words);
      document.getElementById("moment-words").textContent = words;
    }
    const still = !document.querySelector("[data-poll]");
    for (const sign of document.querySelectorAll("[data-live]")) sign.hidden = still;
  }
  document.addEventListener("input", (event) => {
    if (event.target.id === "moment") tellMoment();
  });
  document.addEventListener("htmx:afterSettle", tellMoment);

  prepare(document);
  refreshTimes();
  tellMoment();
  schedule();
})();
