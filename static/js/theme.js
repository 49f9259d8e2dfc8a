// Runs before the first paint: applies the remembered theme and tells the stylesheet that scripts work.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const remembered = localStorage.getItem("theme");
    if (remembered === "light" || remembered === "dark") root.dataset.theme = remembered;
  } catch {
    // Storage is refused in some private windows; the system's theme applies.
  }
})();
