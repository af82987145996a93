// Chooses the reader's own zone where none is chosen yet.
(function () {
  "use strict";
  var field = document.getElementById("tz");
  if (!field || field.value || !window.Intl) return;
  var own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && field.querySelector('option[value="' + own.replace(/[^A-Za-z0-9_+/-]/g, "") + '"]')) field.value = own;
})();
