// Keys of the console: / searches, g and a letter goes somewhere, ? shows them all. Without this script links do the same.
// They can be switched off on the page that shows them (WCAG 2.1.4); the browser remembers that for its own pages.
(function () {
  "use strict";
  var SWITCH = "turnus.shortcuts", WAITS_MS = 2000;
  var told = document.currentScript.dataset, going = 0;

  function used() {
    try { return localStorage.getItem(SWITCH) !== "off"; } catch (nothing_kept) { return true; }
  }
  function keep(on) {
    try { localStorage.setItem(SWITCH, on ? "on" : "off"); } catch (nothing_kept) { /* then until the next page */ }
  }
  function typing(at) {
    var field = at.closest && at.closest("input, textarea, select, [contenteditable]");
    return !!field && !/^(checkbox|radio|button|submit|reset)$/.test(field.type);
  }
  function stop() {
    clearTimeout(going);
    going = 0;
  }
  function search() {
    var field = document.querySelector("[data-search]:not(script)");
    if (field) {
      field.focus();
      field.select();
    } else if (told.search) location.assign(told.search);
    return !!(field || told.search);
  }
  function go(letter) {
    var link = document.querySelector('nav.side [data-go="' + letter + '"]');
    if (link) location.assign(link.href);
    return !!link;
  }
  function done(key) {
    var goes = going;
    stop();
    if (goes) return /^[a-z]$/.test(key) && go(key);
    if (key === "g") return !!(going = setTimeout(stop, WAITS_MS));
    if (key === "/") return search();
    if (key === "?") return location.assign(told.help), true;
    return false;
  }
  document.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.isComposing || event.repeat || event.key === "Shift") return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.getModifierState("AltGraph")) return stop();
    if (typing(event.target) || !used()) return stop();
    if (done(event.key)) event.preventDefault();
  });

  if (location.hash === "#q") search();
  var box = document.getElementById("shortcuts-used");
  if (box) {
    document.getElementById("without-script").hidden = true;
    box.checked = used();
    box.closest("[hidden]").hidden = false;
    box.addEventListener("change", function () { keep(box.checked); });
  }
})();
