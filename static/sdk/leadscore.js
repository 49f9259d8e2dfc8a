// LeadScore in web pages. Never throws into the page. Delivers at least once: ids make doubles harmless.
(() => {
  "use strict";
  const tag = document.currentScript || document.querySelector("script[data-key]");
  const config = tag?.dataset;
  const early = window.leadscore;
  if (!config?.key || early?.version) return;

  const api = { version: "1" };
  const host = config.host?.replace(/\/+$/, "") || new URL(tag.src).origin;
  const on = (target, type, action) => target.addEventListener(type, safely(action), true);

  function safely(action) {
    return (...args) => {
      try {
        return action(...args);
      } catch (error) {
        warn(error);
      }
    };
  }

  function warn(...words) {
    if (config.debug === "true") console.warn("leadscore:", ...words);
  }

  // --- Storage; what it refuses stays in memory. ---
  const prefix = `ls.${config.key.slice(3, 15)}.`;
  const memory = {};

  function read(name) {
    try {
      return memory[name] ?? localStorage.getItem(prefix + name);
    } catch {}
  }

  function write(name, text) {
    try {
      delete memory[name];
      localStorage.setItem(prefix + name, text);
    } catch {
      memory[name] = String(text);
    }
  }

  function remove(name) {
    try {
      delete memory[name];
      localStorage.removeItem(prefix + name);
    } catch {}
  }

  function queued() {
    const names = Object.keys(memory);
    try {
      for (const name in localStorage) if (name.startsWith(prefix)) names.push(name.slice(prefix.length));
    } catch {}
    return names.filter((name) => name.startsWith("q.")).sort();
  }

  // Global Privacy Control beats the visitor's word, and that beats the page.
  function permission() {
    const consent = read("consent") || (config.consent === "required" ? "wait" : "yes");
    return navigator.globalPrivacyControl ? "no" : consent;
  }

  // --- Limits of the server: two levels (deeper values become text), 5 KB (the largest are left out). ---
  const bytes = (value) => new Blob([JSON.stringify(value)]).size;
  const isTree = (value) => typeof value === "object" && value;

  function plain(value, level) {
    value = value?.toJSON?.() ?? value;
    if (typeof value === "bigint" || Math.abs(value) >= 2 ** 63) value = String(value);
    if (isTree(value) && level > 1) value = JSON.stringify(value);
    if (typeof value === "string") return value.slice(0, 1000);
    if (Array.isArray(value)) return value.map((each) => plain(each, 2));
    if (!isTree(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each, 2)]));
  }

  function trim(tree) {
    const fields = [];
    for (const name of Object.keys(tree).slice(0, 500)) {
      safely(() => {
        const field = { [name]: plain(tree[name], 1) };
        fields.push([field, bytes(field)]);
      })();
    }
    let room = 5000;
    fields.sort((one, other) => one[1] - other[1]);
    return Object.assign({}, ...fields.map(([field, size]) => (room -= size) > 0 && field));
  }

  function eventName(text) {
    if (/^\w{1,64}$/.test(text)) return text;
    return String(text).toLowerCase().match(/[a-z0-9]+/g)?.join("_").slice(0, 64) || "unnamed";
  }

  // --- Where the visitor is. Query strings may hold what people typed. ---
  let previous = document.referrer;
  let here = location.href;

  function address(href) {
    if (config.query !== "true") href = href.replace(/\?[^#]*/, "");
    return (config.hash === "true" ? href : href.replace(/#.*/, "")).slice(0, 500);
  }

  function pageNow() {
    const path = location.pathname + (config.hash === "true" ? location.hash.split("?")[0] : "");
    const title = document.title.slice(0, 200);
    return { path: path.slice(0, 300), url: address(location.href), title, referrer: address(previous) };
  }

  function touchNow() {
    const query = new URLSearchParams(location.search);
    const touch = {};
    for (const name of ["source", "medium", "campaign", "term", "content"]) {
      const value = query.get("utm_" + name);
      if (value) touch[name === "campaign" ? "name" : name] = value.slice(0, 100);
    }
    for (const name of ["gclid", "fbclid"]) if (query.has(name)) touch[name] = true;
    if (previous && new URL(previous).host !== location.host) touch.referrer = address(previous).slice(0, 200);
    return Object.keys(touch).length && touch;
  }

  // --- Who it is; another tab may have changed it. ---
  let landing = safely(touchNow)();

  function visitorAt({ at, id, page }, user) {
    const time = new Date(at).toISOString();
    let visitor = JSON.parse(read("visitor") || "{}");
    // Somebody else must not inherit what the one before did.
    if (user && visitor.user && visitor.user !== user) visitor = {};
    if (!(at - visitor.seen < 1_800_000)) {
      visitor.session = { id, startedAt: time, landing: page.path };
      visitor.campaign = undefined;
    }
    if (landing || !visitor.first) visitor.last = { ...landing, path: page.path, at: time };
    visitor = { id, first: visitor.last, ...visitor, seen: at };
    if (user) visitor.user = user;
    if (landing) visitor.campaign = landing;
    landing = 0;
    write("visitor", JSON.stringify(visitor));
    return visitor;
  }

  // --- The queue: an entry per event, so that tabs overwrite nothing, after the time until which it is being sent. ---
  function record(event, when, more, userId) {
    const { id, user, session, campaign, first, last } = visitorAt(when, userId);
    const body = {
      event: eventName(event),
      eventId: when.id,
      timestamp: when.at,
      anonymousId: id,
      userId: user,
      sessionId: session.id,
      ...more,
      context: trim({ page: when.page, campaign, session, firstTouch: first, lastTouch: last }),
    };
    write("q." + when.id, "0|" + JSON.stringify(body));
    queued().slice(0, -400).forEach(remove);
    plan(300);
  }

  // Browsers let 64 KB outlive a page, unread answers included.
  function take() {
    const now = Date.now();
    const taken = {};
    let count = 0, size = 0, busy;
    for (const name of queued()) {
      const [, until, text] = read(name)?.match(/^(\d+)\|(.*)/) || [];
      if (until > now && until < now + 60_000) busy ??= until - now;
      else if (text && count < most && ((size += bytes(text)) < 60_000 || !count)) taken[name] = text, count++;
    }
    for (const name in taken) write(name, now + 30_000 + "|" + taken[name]);
    if (busy) plan(busy);
    return count && taken;
  }

  // Text with the key in it: no preflight, fit for beacons.
  function request(taken) {
    const sentAt = clock === undefined ? new Date().toISOString() : undefined;
    const events = Object.values(taken).map((text) => {
      const event = JSON.parse(text);
      return { ...event, sentAt, timestamp: new Date(event.timestamp + (clock || 0)).toISOString() };
    });
    const [path, body] = events[1] ? ["events/batch", { events }] : ["ingest/event", events[0]];
    return [`${host}/api/${path}`, JSON.stringify({ apiKey: config.key, ...body })];
  }

  // --- Sending. ---
  let clock, timer, due, sending, failures = 0, most = 50;

  const pause = () => Math.max(0, read("pause") - Date.now()) || 0;

  function plan(delay) {
    const time = Date.now() + Math.max(delay, pause());
    if (due <= time) return;
    clearTimeout(timer);
    due = time;
    timer = setTimeout(flush, time - Date.now());
  }

  async function flush() {
    due = undefined;
    if (sending || permission() !== "yes") return;
    if (pause()) return plan(0);
    const taken = take();
    if (!taken) return;
    sending = true;
    const sent = Date.now();
    let answer;
    try {
      const [url, body] = request(taken);
      answer = await fetch(url, { method: "POST", body, keepalive: true, signal: AbortSignal.timeout?.(20_000) });
      await answer.text();
    } catch (error) {
      warn(error);
    }
    sending = false;
    settle(taken, answer, sent);
  }

  function settle(taken, answer, sent) {
    const status = answer?.status;
    if (answer?.ok || [400, 401, 403].includes(status)) {
      if (!answer.ok) warn("refused", status, taken);
      Object.keys(taken).forEach(remove);
      // One correction for all: by each request's own delay, events might swap.
      const received = Date.parse(answer.headers.get("Received-At"));
      if (received) clock ??= received + 1 - sent;
      failures = 0;
      most = 50;
      return plan(0);
    }
    for (const name in taken) if (read(name)) write(name, "0|" + taken[name]);
    if (status < 500) most = Math.ceil(most / 2);
    const seconds = answer?.headers.get("Retry-After");
    if (seconds > 0) write("pause", Date.now() + Math.min(seconds, 3600) * 1000);
    plan(Math.min(30_000, 1000 * 2 ** failures++) * (0.5 + Math.random() / 2));
  }

  // The queue keeps what a beacon carries: nobody learns whether it arrives.
  function leave() {
    if (pause() || permission() !== "yes") return;
    const taken = take();
    if (taken && navigator.sendBeacon(...request(taken))) leave();
  }

  // --- What the page calls. ---
  let lastAt, sequence, held = [];

  // Ids sort as the calls came, within a millisecond too.
  function stamp(at = Date.now()) {
    sequence = at === lastAt ? sequence + 1 : 1000;
    lastAt = at;
    const random = crypto.getRandomValues(new Uint32Array(3)).join("");
    return { at, id: at.toString(36) + sequence + random, page: pageNow() };
  }

  const methods = {
    track: (when, event, properties) => record(event, when, { properties: isTree(properties) || {} }),

    page: (when, name, properties) =>
      record("page_view", when, { properties: trim({ ...when.page, ...(isTree(name) || { name }), ...properties }) }),

    identify(when, user, traits) {
      if (isTree(user)) [user, traits] = ["", user];
      const email = /^[^@\s]{1,64}@[^@\s]{1,180}$/.test(traits?.email) ? traits.email : undefined;
      record("identify", when, { traits: traits || {}, email }, String(user ?? "").slice(0, 254));
    },

    group: (when, groupId, traits) => record("group", when, { properties: trim({ ...traits, groupId }) }),
  };

  function perform(name, when, args) {
    if (permission() === "yes") methods[name](when, ...args);
    else if (permission() === "wait" && held.length < 100) held.push([name, when, args]);
  }

  function call(name, args, at) {
    if (methods[name]) perform(name, stamp(at), [...args].map((each) => (isTree(each) ? trim(each) : each)));
    else api[name]();
  }

  for (const name in methods) api[name] = safely((...args) => call(name, args));
  api.reset = () => remove("visitor");
  api.optIn = safely(() => {
    if (!navigator.globalPrivacyControl) write("consent", "yes");
    held.splice(0).forEach((each) => perform(...each));
    plan(0);
  });
  api.optOut = () => {
    held = [];
    [...queued(), "visitor"].forEach(remove);
    write("consent", "no");
  };

  // --- What records itself. ---
  function view(at) {
    const when = stamp(at);
    // Single-page apps change the title after the address.
    const finish = safely(() => {
      when.page.title = document.title.slice(0, 200);
      perform("page", when, []);
    });
    setTimeout(finish, at ? 0 : 20);
  }

  function navigated() {
    const before = here;
    here = location.href;
    if (address(before) === address(here)) return;
    previous = before;
    view();
  }

  const within = (event, selector) => event.composedPath().find((each) => each.matches?.(selector));

  function marks(element) {
    const names = Object.keys(element.dataset).filter((name) => /^ls(?!Event)[A-Z]/.test(name));
    return Object.fromEntries(names.map((name) => [name[2].toLowerCase() + name.slice(3), element.dataset[name]]));
  }

  function clicked(event) {
    if (event.button > 1 || within(event, "[data-ls-ignore]")) return;
    const element = within(event, "[data-ls-event]:not(form)");
    const link = within(event, "a[href]");
    if (element) api.track(element.dataset.lsEvent, marks(element));
    else if (/^http/.test(link?.protocol) && link.host !== location.host) {
      api.track("outbound_click", { url: address(link.href), host: link.host });
    }
  }

  // Names, never values. A field called "id" would hide the form's own.
  function submitted(event) {
    if (within(event, "[data-ls-ignore]")) return;
    const form = event.target;
    const fields = [...form.querySelectorAll(":is(input,select,textarea)[name]:not([type=hidden])")];
    api.track(form.dataset.lsEvent || "form_submit", {
      form: form.getAttribute("id") || form.getAttribute("name"),
      fields: [...new Set(fields.map((each) => each.getAttribute("name")))].slice(0, 50),
      ...marks(form),
    });
  }

  function start() {
    const calls = early?.q || [];
    window.leadscore = api;
    if (config.auto !== "false") {
      view(calls[0]?.[2] || Date.now());
      const changed = safely(navigated);
      for (const name of ["pushState", "replaceState"]) {
        const original = history[name];
        history[name] = function (...args) {
          original.apply(this, args);
          changed();
        };
      }
      for (const type of ["popstate", "hashchange"]) on(window, type, navigated);
      on(window, "pageshow", (event) => event.persisted && view());
      for (const type of ["click", "auxclick"]) on(document, type, clicked);
      on(document, "submit", submitted);
    }
    for (const each of calls) safely(call)(...each);
    on(window, "pagehide", leave);
    on(document, "visibilitychange", () => document.hidden && flush());
    on(window, "online", () => {
      failures = 0;
      plan(0);
    });
    plan(0);
  }

  if (document.prerendering) on(document, "prerenderingchange", start);
  else safely(start)();
})();
