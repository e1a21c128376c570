// Keeps the page fresh and switches its colours. Everything else works without it.
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

    const live = document.getElementById("live");
    if (!live) return;
    const fresh = document.querySelector(".fresh");
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
        const answer = await fetch("/", { signal: AbortSignal.timeout(period) });
        const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
        if (!next) return location.reload();
        if (busy()) return;
        live.replaceChildren(...next.childNodes);
        live.dataset.at = next.dataset.at;
        say(`As of ${at()}`, false);
      } catch {
        say(`No answer since ${at()}`, true);
      }
    };
    const loop = async () => { await refresh(); setTimeout(loop, period); };
    setTimeout(loop, period);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  });
})();
