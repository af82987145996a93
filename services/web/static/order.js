// Lets a list be sorted by dragging its rows; without this script its buttons do the same.
(function () {
  "use strict";
  document.querySelectorAll("[data-order]").forEach(function (list) {
    var dragged = null;
    list.querySelectorAll("li").forEach(function (row) {
      row.draggable = !list.closest("fieldset[disabled]");
      row.classList.toggle("movable", row.draggable);
    });
    list.addEventListener("dragstart", function (event) {
      dragged = event.target.closest("li");
      event.dataTransfer.effectAllowed = "move";
    });
    list.addEventListener("dragover", function (event) {
      var over = event.target.closest("li");
      if (!dragged || !over || over === dragged || over.parentNode !== list) return;
      event.preventDefault();
      var box = over.getBoundingClientRect();
      list.insertBefore(dragged, event.clientY < box.top + box.height / 2 ? over : over.nextSibling);
    });
    list.addEventListener("drop", function (event) { event.preventDefault(); });
    list.addEventListener("dragend", function () { dragged = null; });
  });
})();
