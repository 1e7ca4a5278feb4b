// Now: look for newer readings while somebody is looking. Without it the page is the same, only older.
"use strict";
(() => {
  const seconds = 15;
  if (!document.getElementById("live")) return;
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.pathname, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      const old = document.getElementById("live");
      if (fresh && old && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(fresh));
    } catch { /* no connection: the next look may have one */ }
  };
  setInterval(look, seconds * 1000);
})();
