// Keeps pages fresh, remembers what was looked at, switches colours. Everything else works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("callboard-theme"); } catch { return null; } };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const theme = stored();
  apply(theme); // before the first paint

  document.addEventListener("DOMContentLoaded", () => {
    const chooser = document.querySelector(".theme");
    chooser.hidden = false;
    const chosen = chooser.querySelector(`input[value="${theme === "light" || theme === "dark" ? theme : "system"}"]`);
    chosen.checked = true;
    chooser.addEventListener("change", (event) => {
      apply(event.target.value);
      try { localStorage.setItem("callboard-theme", event.target.value); } catch { /* private window */ }
    });

    remember();
    copies();
    sizes();
    retries();
    element();
    const fresh = document.querySelector(".fresh");
    const log = document.getElementById("log");
    if (log) return follow(log, fresh);
    const live = document.getElementById("live");
    if (live) keepFresh(live, fresh);
  });

  // keepFresh replaces what is live on a page by what the server answers now.
  const keepFresh = (live, fresh) => {
    const period = 5000;
    const say = (text, failed) => {
      fresh.textContent = text;
      fresh.classList.toggle("stale", failed);
    };
    const at = () => new Date(live.dataset.at).toLocaleTimeString();
    say(`As of ${at()}`, false);
    // A person who reads with the keyboard or selects text keeps their place: the page waits until they are done.
    const busy = () => document.hidden || live.contains(document.activeElement) && document.activeElement !== live ||
      !getSelection().isCollapsed;
    const refresh = async () => {
      if (busy()) return;
      try {
        const answer = await fetch(location.pathname, { signal: AbortSignal.timeout(period) });
        const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
        if (!next) return location.reload();
        if (busy()) return;
        const open = new Map([...live.querySelectorAll("details")].map((d) => [d.id, d.open]));
        live.replaceChildren(...next.childNodes);
        for (const d of live.querySelectorAll("details")) if (open.has(d.id)) d.open = open.get(d.id);
        live.dataset.at = next.dataset.at;
        say(`As of ${at()}`, false);
      } catch {
        say(`No answer since ${at()}`, true);
      }
    };
    const loop = async () => { await refresh(); setTimeout(loop, period); };
    setTimeout(loop, period);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
    if (live.querySelector(".plugin")) {
      let soon = 0;
      new EventSource("/console/changes").addEventListener("changed", () => {
        clearTimeout(soon);
        soon = setTimeout(refresh, 100);
      });
    }
  };

  // copies makes buttons that copy the text of another element.
  const copies = () => {
    for (const button of document.querySelectorAll("[data-copy]")) {
      if (!navigator.clipboard) return; // not on this kind of connection
      button.hidden = false;
      button.addEventListener("click", async () => {
        const label = button.firstChild.textContent;
        try {
          await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
          button.firstChild.textContent = "Copied";
        } catch { button.firstChild.textContent = "Select and copy by hand"; }
        setTimeout(() => { button.firstChild.textContent = label; }, 2000);
      });
    }
  };

  // sizes lets a slider set the width of what it names.
  const sizes = () => {
    for (const slider of document.querySelectorAll("[data-resizes]")) {
      slider.parentElement.hidden = false;
      const stage = document.getElementById(slider.dataset.resizes);
      slider.addEventListener("input", () => { stage.style.width = `${Number(slider.value)}px`; });
    }
  };

  // retries makes the buttons of widgets that failed load the page again.
  const retries = () => document.addEventListener("click", (event) => {
    if (event.target.closest?.('[data-cb-action="retry"]')) location.reload();
  });

  // element shows a widget as other pages have it, as a custom element. It asks through the console, in which the person is
  // signed in: the token is not for scripts.
  const element = () => {
    const place = document.getElementById("element");
    if (!place) return;
    place.hidden = false;
    const button = place.querySelector("button");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await import("/embed/v1/embed.js");
        const config = document.createElement("callboard-config");
        config.setAttribute("base", location.origin);
        config.fetcher = (address, init) => {
          const { pathname, search } = new URL(address, location.origin);
          return fetch(pathname.replace(/^\/api\/widgets\/v1\//, "/console/live/") + search, { ...init, credentials: "same-origin" });
        };
        const widget = document.createElement("callboard-widget");
        widget.setAttribute("name", place.dataset.widget);
        if (place.dataset.entity) widget.setAttribute("entity", place.dataset.entity);
        config.append(widget);
        button.parentElement.replaceWith(config);
      } catch {
        button.parentElement.textContent = "This host was built without the browser files.";
      }
    });
  };

  // remember lists the entities that were looked at last on the first page. They stay in this browser.
  const remember = () => {
    const read = () => { try { return JSON.parse(localStorage.getItem("callboard-recent")) ?? []; } catch { return []; } };
    if (!document.querySelector('form[action="/console/session/end"]')) { // the next person has their own
      try { localStorage.removeItem("callboard-recent"); } catch { /* private window */ }
      return;
    }
    const here = document.querySelector("[data-entity-title]");
    if (here) {
      const path = here.dataset.entityPath;
      const list = [{ path, title: here.dataset.entityTitle, kind: here.dataset.entityKind }, ...read().filter((e) => e?.path !== path)];
      try { localStorage.setItem("callboard-recent", JSON.stringify(list.slice(0, 8))); } catch { /* private window */ }
    }
    const section = document.getElementById("recent");
    const shown = section ? read().filter((e) => /^\/console\/catalog\/[^/]/.test(e?.path)) : [];
    if (!shown.length) return;
    const list = section.querySelector("ul");
    for (const e of shown) {
      const link = Object.assign(document.createElement("a"), { href: e.path, textContent: e.title });
      const kind = Object.assign(document.createElement("span"), { className: "soft small", textContent: ` ${e.kind}` });
      const item = document.createElement("li");
      item.append(link, kind);
      list.append(item);
    }
    section.hidden = false;
  };

  // follow adds the lines that a plugin writes. Whoever has scrolled up to read stays where they are.
  const follow = (log, fresh) => {
    const kept = 2000;
    const end = () => { log.scrollTop = log.scrollHeight; };
    const line = (l) => {
      const p = document.createElement("p");
      p.className = /^[a-z0-9+-]+$/.test(l.level) ? l.level : "";
      const part = (tag, text, name) => {
        const e = document.createElement(tag);
        e.textContent = text;
        if (name) e.className = name;
        p.append(e, " ");
      };
      part("time", l.Clock);
      part("span", l.level, "level");
      part("span", l.message);
      if (l.Details) part("span", l.Details, "soft");
      return p;
    };
    end();
    const lines = new EventSource(`/console/plugin/log?id=${encodeURIComponent(log.dataset.plugin)}`);
    lines.addEventListener("open", () => { fresh.textContent = "Following"; fresh.classList.remove("stale"); });
    lines.addEventListener("error", () => { fresh.textContent = "No answer; trying again"; fresh.classList.add("stale"); });
    lines.addEventListener("line", (event) => {
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
      log.querySelector(".empty")?.remove();
      log.append(line(JSON.parse(event.data)));
      while (log.childElementCount > kept) log.firstElementChild.remove();
      if (atEnd) end();
    });
  };
})();
