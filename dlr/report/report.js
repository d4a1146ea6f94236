document.addEventListener("click", function (event) {
  var button = event.target.closest("button.copy");
  if (!button) return;
  var block = button.closest(".table-block, .copy-block");
  var text;
  if (button.dataset.copy === "table") {
    text = Array.from(block.querySelectorAll("tr")).map(function (row) {
      return Array.from(row.cells).map(function (cell) { return cell.textContent.trim().replace(/\s*\n\s*/g, " "); }).join("\t");
    }).join("\n");
  } else {
    text = block.querySelector("pre").textContent;
  }
  function done() {
    button.textContent = "Copied";
    setTimeout(function () { button.textContent = "Copy"; }, 1500);
  }
  function byHand() {
    var area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    document.body.appendChild(area);
    area.select();
    if (document.execCommand("copy")) done();
    area.remove();
  }
  if (navigator.clipboard && window.isSecureContext) {
    navigator.clipboard.writeText(text).then(done, byHand);
  } else {
    byHand();
  }
});
