// The packet time machine: shows one line of the log at a time, with the frame
// that it speaks of and the statement that printed it. All words are in the page.
(() => {
  const root = document.getElementById("machine");
  const data = window.timeMachine;
  if (!root || !data) return;
  const { frames, lines, sources } = data;
  const find = (selector) => root.querySelector(selector);
  const slider = find("input");
  const AROUND = 2;
  let now = 0;

  const make = (name, text, ...classes) => {
    const element = document.createElement(name);
    element.textContent = text;
    element.classList.add(...classes.filter(Boolean));
    return element;
  };
  const show = (name, text) => {
    find(`[data-show="${name}"]`).textContent = text;
  };

  const drawLog = () => {
    const first = Math.max(0, Math.min(now - AROUND, lines.length - 2 * AROUND - 1));
    const shown = lines.slice(first, first + 2 * AROUND + 1);
    const log = find(".tm-log");
    log.replaceChildren(...shown.map(([text], index) =>
      make("span", text, first + index === now && "tm-lit")));
    log.scrollLeft = 0;
  };

  const lightField = (from, to, on) => {
    const octets = find(".tm-octets").children;
    for (let at = from; at < to; at += 1) octets[at].classList.toggle("tm-field", on);
  };

  const drawPacket = (frame, target) => {
    const octets = find(".tm-octets");
    const fields = find(".tm-fields");
    find(".tm-none").hidden = Boolean(frame);
    octets.replaceChildren();
    fields.replaceChildren();
    show("title", frame ? frame.title : "–");
    if (!frame) return;
    for (let at = 0; at < frame.octets.length; at += 2) {
      octets.append(make("span", frame.octets.slice(at, at + 2)));
    }
    for (const layer of frame.layers) {
      const lit = layer.name === target && "tm-lit";
      if (layer.name !== "padding") fields.append(make("b", layer.name));
      for (const [name, from, to, value] of layer.fields) {
        octets.children[from].classList.add("tm-begin");
        for (let at = from; lit && at < to; at += 1) octets.children[at].classList.add(lit);
        const button = make("button", value ? `${name}: ${value}` : name, lit);
        button.type = "button";
        button.title = `${from}–${to - 1}`;
        const light = (on) => () => {
          button.classList.toggle("tm-field", on);
          lightField(from, to, on);
        };
        button.addEventListener("mouseenter", light(true));
        button.addEventListener("mouseleave", light(false));
        button.addEventListener("focus", light(true));
        button.addEventListener("blur", light(false));
        fields.append(button);
      }
    }
  };

  const drawLadder = (number) => {
    for (const frame of root.querySelectorAll(".tm-frame.tm-lit")) frame.classList.remove("tm-lit");
    const frame = number === null ? null : document.getElementById(`frame-${number + 1}`);
    if (!frame) return;
    frame.classList.add("tm-lit");
    // Only the ladder scrolls, not the page.
    const box = find(".tm-ladder");
    const middle = frame.getBoundingClientRect().top - box.getBoundingClientRect().top;
    box.scrollTop += middle - box.clientHeight / 2;
  };

  const draw = () => {
    const [, , number, target, source] = lines[now];
    const { file, function: name, lines: code } = sources[source];
    slider.value = now;
    show("number", now + 1);
    show("count", lines.length);
    drawLog();
    drawLadder(number);
    drawPacket(number === null ? null : frames[number], target);
    show("function", name);
    show("file", file);
    find(".tm-source").replaceChildren(...code.map(([text, lit]) => make("span", text, lit && "tm-lit")));
    root.dataset.line = now;
  };

  const goTo = (line) => {
    now = Math.max(0, Math.min(line, lines.length - 1));
    draw();
  };
  const firstOf = (number) => lines.findIndex(([, , frame]) => frame === number);
  const goToFrame = (number) => {
    const line = firstOf(number);
    if (line >= 0) goTo(line);
  };
  // To the first line of another frame.
  const skip = (step) => {
    const here = lines[now][2];
    let at = now;
    while (lines[at + step] && (lines[at][2] === here || lines[at][2] === null)) at += step;
    const there = lines[at][2];
    while (step < 0 && lines[at - 1] && lines[at - 1][2] === there) at -= 1;
    goTo(at);
  };

  const moves = {
    "-line": () => goTo(now - 1),
    "+line": () => goTo(now + 1),
    "-frame": () => skip(-1),
    "+frame": () => skip(1),
  };
  for (const button of root.querySelectorAll("[data-move]")) {
    button.addEventListener("click", moves[button.dataset.move]);
  }
  slider.max = lines.length - 1;
  slider.addEventListener("input", () => goTo(Number(slider.value)));
  root.querySelectorAll(".tm-frame").forEach((frame, number) => {
    frame.addEventListener("click", () => goToFrame(number));
  });

  // On this page the arrows do not turn the book's pages.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: "-", ArrowRight: "+" }[event.key];
    const isTyping = event.target.matches?.("input:not([type=range]), textarea, select");
    if (!step || isTyping || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    moves[step + (event.shiftKey ? "frame" : "line")]();
  }, true);

  const fromAddress = () => {
    const [, number] = location.hash.match(/^#frame-(\d+)$/) || [];
    if (!number) return false;
    goToFrame(Number(number) - 1);
    root.scrollIntoView();
    return true;
  };
  window.addEventListener("hashchange", fromAddress);
  root.classList.add("tm-on");
  find(".tm-live").hidden = false;
  if (!fromAddress()) draw();
})();
