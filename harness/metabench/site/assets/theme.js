// The theme: that of the system, until another one is chosen; loaded first, so that no page flashes.
(() => {
  const KEY = "metabench-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    const kept = localStorage.getItem(KEY);
    chosen = kept === "light" || kept === "dark" ? kept : null;
  } catch {
    // Storage is not allowed: the choice lasts as long as the page.
  }

  const isDark = () => (chosen === null ? system.matches : chosen === "dark");

  const show = () => {
    if (chosen !== null) {
      root.dataset.theme = chosen;
    }
    // For the table widget; our own colours follow the system without a script.
    root.classList.toggle("dark", isDark());
    const button = document.getElementById("theme");
    if (button) {
      button.hidden = false;
      button.textContent = isDark() ? "Light theme" : "Dark theme";
    }
  };

  const choose = () => {
    chosen = isDark() ? "light" : "dark";
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // As above.
    }
    show();
  };

  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme").addEventListener("click", choose);
  });
})();
