(function () {
  var folds = Array.from(document.querySelectorAll("details")), button = document.querySelector("button.all");
  var shut = [];

  function openAll(open) {
    folds.forEach(function (fold) { fold.open = open; });
    button.setAttribute("aria-pressed", String(open));
    button.textContent = open ? "Fold again" : "Open all";
  }
  function reveal() {  // what a link leads to may lie folded
    var place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    for (var box = place; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
    place.scrollIntoView();
  }
  button.addEventListener("click", function () { openAll(button.getAttribute("aria-pressed") !== "true"); });
  window.addEventListener("hashchange", reveal);
  document.addEventListener("click", function (event) {  // the same link again changes no hash
    var link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
  });
  window.addEventListener("beforeprint", function () {
    shut = folds.filter(function (fold) { return !fold.open; });
    shut.forEach(function (fold) { fold.open = true; });
  });
  window.addEventListener("afterprint", function () {
    shut.forEach(function (fold) { fold.open = false; });
  });
  if (new URLSearchParams(location.search).has("all")) openAll(true);
  reveal();
})();

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

document.querySelectorAll(".cloud").forEach(function (box) {
  var canvas = box.querySelector("canvas"), pen = canvas.getContext("2d");
  var points = JSON.parse(canvas.dataset.points);
  var buttons = Array.from(box.querySelectorAll(".markers button"));
  var accent = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
  var calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  var yaw = 0.6, pitch = 0.35, marker = 0, held = null, over = false, seen = true, before = 0, side = 0;

  function mark(x, y, r, label, role) {
    pen.beginPath();
    if (label === null) {
      pen.moveTo(x - r, y - r); pen.lineTo(x + r, y + r);
      pen.moveTo(x + r, y - r); pen.lineTo(x - r, y + r);
    } else if (label) {
      pen.arc(x, y, r, 0, 2 * Math.PI);
    } else {
      pen.rect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
    }
    if (label !== null) {
      pen.fillStyle = role === 1 ? pen.strokeStyle : "#fff";
      pen.fill();
      if (role === 2) {
        pen.save();
        pen.clip();
        pen.fillStyle = pen.strokeStyle;
        pen.fillRect(x - r, y - r, r, 2 * r);
        pen.restore();
      }
    }
    pen.stroke();
  }
  function draw() {
    var sharp = window.devicePixelRatio || 1;
    side = canvas.clientWidth;
    if (!side) return;
    if (canvas.width !== Math.round(side * sharp)) canvas.width = canvas.height = Math.round(side * sharp);
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, side, side);
    var c = Math.cos(yaw), s = Math.sin(yaw), d = Math.cos(pitch), t = Math.sin(pitch);
    points.map(function (p) {
      var x = c * p[0] + s * p[2], z = c * p[2] - s * p[0];
      return { x: x, y: d * p[1] - t * z, z: t * p[1] + d * z, role: p[3], label: p[4 + marker] };
    }).sort(function (a, b) { return a.z - b.z; }).forEach(function (p) {
      var near = 3200 / (3200 - p.z), scale = side / 2250 * near;
      pen.globalAlpha = 0.55 + 0.45 * (p.z + 1000) / 2000;
      pen.lineWidth = 1.3;
      pen.strokeStyle = p.label ? accent : "#6b7479";
      mark(side / 2 + p.x * scale, side / 2 + p.y * scale, Math.max(2.2, side / 115) * near, p.label, p.role);
    });
    pen.globalAlpha = 1;
  }
  function turn(right, down) {
    yaw += right;
    pitch = Math.max(-1.5, Math.min(1.5, pitch + down));
    draw();
  }
  function spin(now) {
    if (calm.matches || !seen) { before = 0; return; }
    if (!over && !held) turn(0.00022 * Math.min(50, now - before), 0);
    before = now;
    requestAnimationFrame(spin);
  }
  function start() {
    if (before || calm.matches) return;
    before = performance.now();
    requestAnimationFrame(spin);
  }
  buttons.forEach(function (button, k) {
    button.addEventListener("click", function () {
      marker = k;
      buttons.forEach(function (other) { other.setAttribute("aria-pressed", String(other === button)); });
      draw();
    });
  });
  canvas.addEventListener("pointerenter", function (event) { over = event.pointerType === "mouse"; });
  canvas.addEventListener("pointerleave", function () { over = false; });
  canvas.addEventListener("pointerdown", function (event) {
    held = event;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", function (event) {
    if (!held) return;
    turn((event.clientX - held.clientX) * 0.008, (held.clientY - event.clientY) * 0.008);
    held = event;
  });
  ["pointerup", "pointercancel"].forEach(function (end) {
    canvas.addEventListener(end, function () { held = null; });
  });
  canvas.addEventListener("keydown", function (event) {
    var step = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, 0.12], ArrowDown: [0, -0.12] }[event.key];
    if (step) {
      event.preventDefault();
      turn(step[0], step[1]);
    }
  });
  window.addEventListener("resize", draw);
  calm.addEventListener("change", start);
  if ("IntersectionObserver" in window) {
    new IntersectionObserver(function (entries) {
      seen = entries[entries.length - 1].isIntersecting;
      if (seen) { draw(); start(); }
    }).observe(canvas);
  }
  draw();
  start();
});
