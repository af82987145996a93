// Shows times in the reader's own zone. Only where the address names none; without this script the calendar's is used.
(function () {
  "use strict";
  var shown = document.documentElement.getAttribute("data-zone");
  if (!shown || !window.Intl || !window.URL) return;
  var own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!own || own === shown) return;
  var address = new URL(window.location.href);
  address.searchParams.set("tz", own);
  window.location.replace(address.href);
})();
