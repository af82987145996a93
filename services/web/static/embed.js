// Shows a calendar in another site's page:
//   <script src="https://…/embed.js" data-calendar="workspace/calendar"></script>
// data-mode="popup" makes a button that opens it in a dialog; data-label is what the button says; data-lang a language.
(function () {
  "use strict";
  var script = document.currentScript;
  var given = script.dataset;
  var home = new URL(script.src).origin;
  if (!/^[a-z0-9-]+(\/[a-z0-9-]+)?$/.test(given.calendar || "")) {
    console.error("Turnus: data-calendar must be an address such as workspace/calendar");
    return;
  }
  var address = new URL("/" + given.calendar, home);
  address.searchParams.set("embed", "1");
  if (given.lang) address.searchParams.set("lang", given.lang);

  function frame() {
    var made = document.createElement("iframe");
    made.src = address.href;
    made.title = given.label || given.calendar;
    made.loading = "lazy";
    made.style.cssText = "display:block;width:100%;border:0;height:46rem";
    window.addEventListener("message", function (event) {
      if (event.source !== made.contentWindow || event.origin !== home) return;
      var height = event.data && event.data.turnus === "height" ? Number(event.data.pixels) : 0;
      if (height >= 100 && height <= 20000) made.style.height = Math.ceil(height) + "px";
    });
    return made;
  }

  if (given.mode !== "popup") {
    script.insertAdjacentElement("afterend", frame());
    return;
  }
  var button = document.createElement("button");
  button.type = "button";
  button.textContent = given.label || given.calendar;
  button.addEventListener("click", function () {
    var dialog = document.createElement("dialog");
    dialog.style.cssText = "width:min(68rem,100%);padding:0;border:0;border-radius:.875rem;max-height:95vh";
    var close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", given.close || "Close");
    close.style.cssText = "position:sticky;top:0;float:right;min-width:2.75rem;min-height:2.75rem;font-size:1.5rem";
    close.addEventListener("click", function () { dialog.close(); });
    dialog.addEventListener("close", function () { dialog.remove(); button.focus(); });
    dialog.append(close, frame());
    document.body.append(dialog);
    dialog.showModal();
  });
  script.insertAdjacentElement("afterend", button);
})();
