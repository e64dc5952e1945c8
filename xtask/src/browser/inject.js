window.scriptErrors = [];
addEventListener("error", (event) => {
  const what = event.message || `does not load: ${event.target.src || event.target.href}`;
  window.scriptErrors.push(what);
}, true);
addEventListener("unhandledrejection", (event) => window.scriptErrors.push(`${event.reason}`));
{
  const theme = new URLSearchParams(location.search).get("theme");
  try {
    if (theme) localStorage.setItem("mdbook-theme", theme);
  } catch { /* a frame without storage */ }
}
