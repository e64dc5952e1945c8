// Looks at the pages of the book, as a reader's browser has them, and tells the
// server what it has found: lines that begin with "error", and a last line.
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };
const THEMES = ["light", "rust", "coal", "navy", "ayu"];
// WCAG 2: 4.5 for text; 3 for what a highlighter colours.
const CONTRAST = 4.5;
const CONTRAST_OF_CODE = 3;

const findings = [];
const error = (page, what) => findings.push(`error ${page}: ${what}`);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const until = async (what, condition) => {
  for (let tries = 0; tries < 100; tries += 1) {
    if (condition()) return true;
    await sleep(50);
  }
  return false;
};

// A page in a frame of its own; with what went wrong in it meanwhile.
const open = async (page, size, attributes = {}) => {
  const frame = document.createElement("iframe");
  Object.assign(frame, size);
  for (const [name, value] of Object.entries(attributes)) frame.setAttribute(name, value);
  const loaded = new Promise((done) => frame.addEventListener("load", done));
  frame.src = `/${page}`;
  document.body.append(frame);
  await loaded;
  await frame.contentDocument.fonts.ready;
  // What mdBook does at the end: colours, copy buttons, the table of contents.
  await sleep(30);
  return frame;
};

const describe = (element) => {
  const text = element.textContent.trim().slice(0, 40);
  const name = element.tagName.toLowerCase();
  return `<${name} class="${element.getAttribute("class") || ""}"> '${text}'`;
};

// True if the element lies in a box that can be scrolled sideways by itself.
const scrolls = (element) => {
  for (let box = element.parentElement; box && box.tagName !== "MAIN"; box = box.parentElement) {
    if (/auto|scroll|hidden/.test(getComputedStyle(box).overflowX)) return true;
  }
  return false;
};

const checkWidth = (page, doc) => {
  const width = doc.documentElement.clientWidth;
  const wide = [...doc.querySelectorAll("main *")].filter((element) =>
    element.getBoundingClientRect().right > width + 1 && !scrolls(element));
  const total = doc.documentElement.scrollWidth;
  if (wide.length > 0) error(page, `is wider than ${width}: ${describe(wide[0])}`);
  else if (total > width + 1) error(page, `is ${total} wide, more than ${width}`);
};

const checkPictures = async (page, doc) => {
  for (const image of doc.images) {
    image.loading = "eager";
    await until("a picture", () => image.complete);
    if (!image.naturalWidth) error(page, `a picture does not load: ${image.getAttribute("src")}`);
    if (!image.alt) error(page, `a picture without a text: ${image.getAttribute("src")}`);
  }
};

// A listing out of the middle of a source begins at the left all the same.
const checkListings = (page, doc) => {
  for (const code of doc.querySelectorAll("pre > code.language-rust")) {
    const lines = code.textContent.split("\n").filter((line) => line.trim());
    if (lines.length > 0 && lines.every((line) => line.startsWith(" "))) {
      error(page, `a listing is indented: ${describe(code)}`);
    }
  }
};

const channels = (color) => {
  const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
  return { rgb: [r, g, b], a };
};
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const over = ({ rgb, a }, ground) => rgb.map((value, at) => value * a + ground[at] * (1 - a));

const ground = (element) => {
  const layers = [];
  for (let box = element; box; box = box.parentElement) {
    const color = channels(getComputedStyle(box).backgroundColor);
    if (color.a > 0) layers.unshift(color);
    if (color.a === 1) break;
  }
  return layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
};

const contrast = (element) => {
  const behind = ground(element);
  const [a, b] = [luminance(over(channels(getComputedStyle(element).color), behind)), luminance(behind)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};

const checkContrast = (page, doc, theme) => {
  const worst = new Map();
  for (const element of doc.querySelectorAll("main *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest("svg, script, style") || !element.getClientRects().length) continue;
    const isCode = element.closest("code.hljs") && element.className.includes("hljs-");
    const wanted = isCode ? CONTRAST_OF_CODE : CONTRAST;
    const is = contrast(element);
    const kind = `${element.tagName}.${element.className}`;
    if (is < wanted && !(worst.get(kind)?.is <= is)) worst.set(kind, { is, element });
  }
  for (const { is, element } of worst.values()) {
    error(page, `in theme ${theme}, a contrast of ${is.toFixed(1)}: ${describe(element)}`);
  }
};

const checkScripts = (page, frame) => {
  for (const what of frame.contentWindow.scriptErrors || []) error(page, `a script fails: ${what}`);
};

const checkPage = async (page) => {
  const frame = await open(page, PHONE);
  const doc = frame.contentDocument;
  checkWidth(page, doc);
  await checkPictures(page, doc);
  checkListings(page, doc);
  for (const theme of THEMES) {
    const button = doc.getElementById(`mdbook-theme-${theme}`);
    if (button) button.click();
    else doc.documentElement.className = theme;
    // A colour that fades would be measured on its way.
    for (const animation of doc.getAnimations()) animation.finish();
    checkContrast(page, doc, theme);
  }
  checkScripts(page, frame);
  frame.remove();
};

const checkSearch = async (page, word) => {
  const frame = await open(page, DESKTOP);
  const doc = frame.contentDocument;
  doc.getElementById("mdbook-search-toggle").click();
  const bar = doc.getElementById("mdbook-searchbar");
  const results = doc.getElementById("mdbook-searchresults");
  await until("the index", () => !bar.disabled);
  bar.value = word;
  bar.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true }));
  bar.dispatchEvent(new Event("input", { bubbles: true }));
  const found = await until("results", () => results.querySelectorAll("a").length > 0);
  if (!found) error(page, `the search does not find '${word}'`);
  checkScripts(page, frame);
  frame.remove();
};

const press = (frame, key, shiftKey = false) => {
  const event = new frame.contentWindow.KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true });
  frame.contentDocument.body.dispatchEvent(event);
};

const checkMachine = async (page, size) => {
  const frame = await open(page, size);
  const doc = frame.contentDocument;
  const wrong = (what) => error(page, `time machine, ${size.width} wide: ${what}`);
  const machine = doc.getElementById("machine");
  if (!machine) return wrong("is not there");
  const line = () => Number(machine.dataset.line);
  const lit = (box) => machine.querySelectorAll(`${box} .tm-lit`).length;
  const slider = machine.querySelector("input");
  const count = Number(slider.max) + 1;
  const address = frame.contentWindow.location.href;

  if (!(count > 100)) wrong(`has only ${count} lines`);
  const frames = new Set();
  for (let at = 0; at < count; at += 1) {
    if (line() !== at) return wrong(`shows the line ${line()} instead of ${at}`);
    if (lit(".tm-log") !== 1 || lit(".tm-source") < 1) wrong(`line ${at} lights up no log or source`);
    const shown = machine.querySelector(".tm-frame.tm-lit");
    if (shown) frames.add(shown.id);
    if (Boolean(shown) !== machine.querySelectorAll(".tm-octets span").length >= 60) wrong(`line ${at} shows no octets`);
    press(frame, "ArrowRight");
  }
  const all = machine.querySelectorAll(".tm-frame").length;
  if (frames.size !== all) wrong(`lights up ${frames.size} of ${all} frames`);
  press(frame, "ArrowLeft");
  if (line() !== count - 2) wrong("does not go back by ←");
  press(frame, "ArrowLeft", true);
  const before = line();
  if (!(before < count - 2)) wrong("does not go back by a frame");
  press(frame, "ArrowRight", true);
  if (!(line() > before)) wrong("does not go on by a frame");
  doc.getElementById("frame-3").dispatchEvent(new frame.contentWindow.MouseEvent("click", { bubbles: true }));
  if (!machine.querySelector("#frame-3.tm-lit") || !lit(".tm-octets")) wrong("a click on a frame does not go there");
  slider.value = 5;
  slider.dispatchEvent(new frame.contentWindow.Event("input"));
  if (line() !== 5) wrong("does not follow its slider");
  machine.querySelector(".tm-source").scrollIntoView();
  const controls = machine.querySelector(".tm-controls").getBoundingClientRect();
  if (controls.top < 0 || controls.bottom > size.height) wrong("its controls do not stay in sight");
  if (frame.contentWindow.location.href !== address) wrong("an arrow key turns the page");
  frame.contentWindow.location.hash = "frame-7";
  await sleep(100);
  if (!machine.querySelector("#frame-7.tm-lit")) wrong("a link to a frame does not go there");
  checkWidth(page, doc);
  checkScripts(page, frame);
  frame.remove();
};

const checkMachineWithoutScripts = async (page) => {
  const frame = await open(page, DESKTOP, { sandbox: "allow-same-origin" });
  const doc = frame.contentDocument;
  const picture = doc.querySelector("#machine svg")?.getBoundingClientRect();
  if (!(picture?.height > 400)) error(page, "without scripts, there is no picture");
  const controls = doc.querySelector(".tm-controls");
  if (controls?.getClientRects().length) error(page, "without scripts, there are controls that do nothing");
  frame.remove();
};

// On paper: the rules for print, as if they were for the screen.
const checkMachineOnPaper = async (page) => {
  const frame = await open(page, DESKTOP);
  const doc = frame.contentDocument;
  for (const sheet of doc.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule.media?.mediaText === "print") rule.media.mediaText = "all";
    }
  }
  const box = doc.querySelector(".tm-ladder");
  if (box.scrollHeight > box.clientHeight + 1) error(page, "on paper, the picture is cut");
  const controls = doc.querySelector(".tm-controls");
  if (controls.getClientRects().length) error(page, "on paper, there are controls");
  frame.remove();
};

const main = async () => {
  const { pages, search, machine } = await (await fetch("/__check/plan")).json();
  for (const page of pages) await checkPage(page);
  if (search) await checkSearch(search, "retransmission");
  if (machine) {
    await checkMachine(machine, PHONE);
    await checkMachine(machine, DESKTOP);
    await checkMachineWithoutScripts(machine);
    await checkMachineOnPaper(machine);
  }
  findings.push(`done: ${pages.length} pages`);
};

const report = () => fetch("/__check/result", { method: "POST", body: findings.join("\n") });
addEventListener("DOMContentLoaded", () => {
  main().catch((what) => findings.push(`error the checks: ${what} ${what.stack}`)).then(report);
});
