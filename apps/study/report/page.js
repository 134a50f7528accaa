"use strict";
// Draws the figures of the page and lets them be saved. #figures holds what each shows, #specs the Vega specifications
// by name; a figure's data sets and signals are put into a copy of its specification.
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specs = read("specs");
  const figures = read("figures");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /** A colour of style.css as it is now. */
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  const say = (text) => { document.querySelector(".status").textContent = text; };

  /** A column of few distinct texts is {of: ["a", "b"], at: [0, 0, 1]}. */
  const column = (values) => Array.isArray(values) ? values : values.at.map((index) => values.of[index]);

  /** The rows of a data set: of columns {step: [1, 2], loss: [3, 4]}, or of a grid, which has a value for each
      combination of what stands on its axes: {axes: {plan: ["U:6"], layer: ["a", "b"]}, name: "bits", values: [6, 6]}. */
  const rows = (data) => {
    if (!data.axes) {
      const columns = Object.entries(data).map(([name, values]) => [name, column(values)]);
      return columns[0][1].map((_, i) => Object.fromEntries(columns.map(([name, values]) => [name, values[i]])));
    }
    let cells = [{}];
    for (const [name, values] of Object.entries(data.axes))
      cells = cells.flatMap((cell) => values.map((value) => ({...cell, [name]: value})));
    return cells.map((cell, i) => ({...cell, [data.name]: data.values[i]}));
  };

  /** Rows of fields as CSV (RFC 4180). */
  const csv = (table) => table.map((fields) => fields.map((field) => {
    const text = field === null || field === undefined ? "" : String(field);
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }).join(",") + "\r\n").join("");

  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], {type}));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say("Saved " + name);
  };

  const button = (text, label, action) => {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.setAttribute("aria-label", label);
    element.addEventListener("click", action);
    return element;
  };

  /** Axes, legends and text in the colours of the page. */
  const config = () => {
    const ink = color("ink"), muted = color("muted"), rule = color("rule");
    return {
      font: getComputedStyle(document.body).fontFamily,
      axis: {
        domainColor: rule, tickColor: rule, gridColor: color("grid"), labelColor: muted, titleColor: muted,
        labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
      },
      legend: {labelColor: muted, titleColor: muted, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal"},
      text: {fill: ink},
    };
  };

  const filled = (figure, width) => {
    const spec = structuredClone(specs[figure.spec]);
    spec.width = width;
    spec.padding = 5;
    for (const data of spec.data) {
      if (!(data.name in figure.data)) continue;
      data.values = rows(figure.data[data.name]);
      if (data.name === "series") for (const row of data.values) row.color = color("series-" + row.color);
    }
    const signals = {
      ink: color("ink"), muted: color("muted"), surface: color("surface"), empty: color("empty"), room: width,
      ...figure.signals, hidden: [...figure.hidden],
    };
    spec.signals = spec.signals ?? [];
    for (const [name, value] of Object.entries(signals)) {
      const signal = spec.signals.find((candidate) => candidate.name === name);
      if (signal) signal.value = value;
      else spec.signals.push({name, value});
    }
    return spec;
  };

  const view = (figure, width) => new vega.View(vega.parse(filled(figure, width), config(), {ast: true}), {
    renderer: "svg",
    expr: vega.expressionInterpreter,
    logLevel: 1,
  });

  const draw = async (figure) => {
    figure.width = figure.plot.clientWidth;
    figure.view?.finalize();
    figure.view = view(figure, figure.width);
    figure.view.initialize(figure.plot).hover();
    await figure.view.runAsync();
  };

  /** One at a time, so that the page stays alive. */
  const drawAll = async (some = figures) => {
    for (const figure of some) {
      await draw(figure);
      await new Promise((done) => setTimeout(done));
    }
    document.documentElement.dataset.drawn = "yes";
  };

  /** A line with the dash and the mark of a plan, in the colour of the text around it. */
  const sample = (series) => {
    const shapes = {
      "circle": "M14 8a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "square": "M14 4h8v8h-8z", "diamond": "M18 3l5 5l-5 5l-5-5z",
      "triangle-up": "M18 3l5 9h-10z", "triangle-down": "M18 13l5-9h-10z", "triangle-right": "M14 3l9 5l-9 5z",
      "triangle-left": "M22 3l-9 5l9 5z", "cross": "M16.5 3h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
    };
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const part = (name, attributes) => {
      const element = document.createElementNS(svg.namespaceURI, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      svg.append(element);
    };
    for (const [key, value] of Object.entries({width: 36, height: 16, "aria-hidden": "true"}))
      svg.setAttribute(key, value);
    svg.style.color = `var(--series-${series.color})`;
    part("line", {x1: 0, x2: 36, y1: 8, y2: 8, stroke: "currentColor", "stroke-width": 2,
      "stroke-dasharray": series.dash.join(" ")});
    part("path", {d: shapes[series.shape], fill: "currentColor"});
    return svg;
  };

  /** Names the plans; pressing one takes it out of the figure. */
  const legend = (figure) => {
    const list = document.createElement("ul");
    list.className = "legend";
    for (const series of rows(figure.data.series)) {
      const entry = document.createElement("li");
      const toggle = button(series.plan, "show " + series.plan, () => {
        const hide = !figure.hidden.delete(series.plan);
        if (hide) figure.hidden.add(series.plan);
        toggle.setAttribute("aria-pressed", String(!hide));
        figure.view.signal("hidden", [...figure.hidden]).runAsync();
      });
      toggle.setAttribute("aria-pressed", "true");
      toggle.prepend(sample(series));
      entry.append(toggle);
      list.append(entry);
    }
    figure.plot.before(list);
  };

  const figureCsv = (figure) => {
    const cells = rows(figure.data[figure.csv]);
    const names = Object.keys(cells[0] ?? {});
    return csv([names, ...cells.map((cell) => names.map((name) => cell[name]))]);
  };

  const tableCsv = (table) => csv([...table.rows].map((row) => [...row.cells].flatMap((cell) =>
    [cell.dataset.csv ?? cell.innerText.trim(), ...Array(cell.colSpan - 1).fill("")])));

  const tools = (element, ...buttons) => {
    const bar = document.createElement("div");
    bar.className = "tools";
    bar.append(...buttons);
    element.append(bar);
  };

  for (const figure of figures) {
    figure.hidden = new Set();
    const element = document.getElementById(figure.id);
    const title = element.querySelector("h4").textContent;
    figure.plot = element.querySelector(".plot");
    if (figure.data.series) legend(figure);
    for (const choice of element.querySelectorAll("select[data-signal]")) {
      choice.addEventListener("change", () => {
        figure.signals[choice.dataset.signal] = choice.value;
        figure.view.signal(choice.dataset.signal, choice.value).runAsync();
      });
    }
    tools(element,
      button("CSV", `Save the data of “${title}” as CSV`, () =>
        save(figure.file + ".csv", "text/csv", figureCsv(figure))),
      button("SVG", `Save “${title}” as a picture (SVG)`, async () =>
        save(figure.file + ".svg", "image/svg+xml", await figure.view.toSVG())));
  }
  for (const element of document.querySelectorAll("figure.table")) {
    const table = element.querySelector("table");
    tools(element, button("CSV", `Save the table “${table.caption.innerText}” as CSV`, () =>
      save(element.dataset.file + ".csv", "text/csv", tableCsv(table))));
  }

  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawAll(figures.filter((figure) => figure.plot.clientWidth !== figure.width)), 150);
  });
  dark.addEventListener("change", () => drawAll());
  drawAll();
})();
