// On paper nothing can be opened: what is folded is opened for the printer, and folded again after it.
(function () {
  var opened = [];
  addEventListener("beforeprint", function () {
    opened = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (it) { it.open = true; });
  });
  addEventListener("afterprint", function () { opened.forEach(function (it) { it.open = false; }); });
})();
