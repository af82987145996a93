// Keeps a page true: learns that it changed, reads it again and puts the parts marked `data-fresh` in place of the old.
// Guests' lists ask and wait (`data-watch`); pages of the console listen to a stream (`data-stream`).
// Without this script, or when it fails, a link reads the page again, and a time that was taken offers others.
(function () {
  "use strict";
  if (!window.fetch || !window.DOMParser || !window.EventSource) return;
  var status = document.querySelector("[data-told]");
  var failures = 0;

  function address(kind) {
    var found = document.querySelector("[data-" + kind + "]");
    return found && found.getAttribute("data-" + kind);
  }

  function whenSeen(work) {
    if (!document.hidden) return work();
    document.addEventListener("visibilitychange", function seen() {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", seen);
      work();
    });
  }

  function sameThing(within, thing) {
    var href = thing.getAttribute("href");
    return (thing.id && within.querySelector("#" + CSS.escape(thing.id))) ||
      (href && within.querySelector('a[href="' + CSS.escape(href) + '"]')) ||
      within.querySelector("h1, h2");
  }

  function renew() {
    return fetch(window.location.href, { credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    }).then(function (text) {
      var fresh = new DOMParser().parseFromString(text, "text/html");
      document.querySelectorAll("[data-fresh]").forEach(function (old) {
        var next = fresh.querySelector('[data-fresh="' + old.dataset.fresh + '"]');
        if (!next || next.outerHTML === old.outerHTML) return;
        var focused = old.contains(document.activeElement) ? document.activeElement : null;
        next = document.importNode(next, true);
        old.replaceWith(next);
        var again = focused && sameThing(next, focused);
        if (!again) return;
        if (!again.matches("a, button, input, select")) again.tabIndex = -1;
        again.focus({ preventScroll: true });
      });
    });
  }

  function watch() {
    if (!address("watch")) return;
    fetch(address("watch"), { headers: { Accept: "application/json" } })
      .then(function (answer) {
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.json();
      })
      .then(function (told) {
        failures = 0;
        return told.changed ? renew().then(tell) : undefined;
      })
      .then(function () { whenSeen(watch); }, function () {
        failures += 1;
        window.setTimeout(function () { whenSeen(watch); }, 1000 * Math.min(60, Math.pow(2, failures)));
      });
  }

  function tell() {
    status.textContent = "";
    status.textContent = status.dataset.told;
  }

  function listen() {
    var stream = new EventSource(address("stream"));
    var waiting = 0;
    function soon() {
      // Several things that happen at once are read at once.
      if (!waiting) waiting = window.setTimeout(function () { waiting = 0; renew().catch(lost); }, 400);
    }
    function lost() { document.documentElement.classList.remove("is-live"); }
    stream.onopen = function () {
      document.documentElement.classList.add("is-live");
      soon(); // what happened before the stream was open
    };
    stream.onmessage = soon;
    stream.onerror = lost;
    document.addEventListener("visibilitychange", function hide() {
      if (!document.hidden) return;
      // A browser has few connections to a site: a page that nobody sees takes none.
      document.removeEventListener("visibilitychange", hide);
      stream.close();
      lost();
      whenSeen(listen);
    });
  }

  whenSeen(watch);
  if (address("stream")) whenSeen(listen);
})();
