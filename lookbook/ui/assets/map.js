const paths = new Map();
let loading = null;
const library = () => loading || (loading = new Promise((done, failed) => {
  const script = document.createElement('script');
  script.src = props.value.library;
  script.onload = done;
  script.onerror = failed;
  document.head.append(script);
}));
const picture = async (id) => {
  if (!paths.has(id)) paths.set(id, await server.thumb(id));
  return paths.get(id);
};
const draw = async () => {
  const plotted = props.value;
  const plot = element.querySelector('.plot');
  if (!plotted || !plot) return;
  await library();
  const ink = getComputedStyle(element).color;
  const type = plotted.groups.length > 1 && plotted.points > 3000 ? 'scattergl' : 'scatter';
  const traces = plotted.groups.map((group) => ({
    type, mode: 'markers', name: group.name, x: group.x, y: group.y, customdata: group.ids,
    text: group.titles, hoverinfo: 'none',
    marker: {size: plotted.points > 3000 ? 4 : 6, opacity: 0.75, color: group.colour},
  }));
  const bare = {visible: false, showgrid: false, zeroline: false};
  Plotly.newPlot(plot, traces, {
    xaxis: bare, yaxis: {...bare, scaleanchor: 'x'}, margin: {l: 0, r: 0, t: 0, b: 0},
    paper_bgcolor: 'transparent', plot_bgcolor: 'transparent', font: {color: ink, family: 'inherit'},
    dragmode: 'pan', hovermode: 'closest', showlegend: false,
  }, {displayModeBar: false, scrollZoom: true, responsive: true});
  element.querySelector('.legend').replaceChildren(...plotted.groups.map((group, i) => {
    const [entry, press, dot] = ['li', 'button', 'i'].map((tag) => document.createElement(tag));
    dot.style.background = group.colour;
    press.type = 'button';
    press.title = _('Show or hide');
    press.ariaPressed = 'true';
    press.append(dot, group.name);
    press.onclick = () => {
      press.ariaPressed = press.ariaPressed !== 'true';
      Plotly.restyle(plot, {visible: press.ariaPressed === 'true'}, [i]);
    };
    entry.append(press);
    return entry;
  }));
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  plot.append(tip);
  let over = null;
  plot.on('plotly_hover', async ({points, event}) => {
    const id = over = points[0].customdata;
    const box = plot.getBoundingClientRect();
    const src = await picture(id);
    if (over !== id) return;
    tip.replaceChildren(Object.assign(new Image(), {src, alt: ''}), points[0].text);
    tip.style.left = Math.min(event.clientX - box.left + 14, box.width - 140) + 'px';
    tip.style.top = Math.min(event.clientY - box.top + 14, box.height - 220) + 'px';
    tip.hidden = false;
  });
  plot.on('plotly_unhover', () => { over = null; tip.hidden = true; });
  plot.on('plotly_click', ({points}) => trigger('open', {id: points[0].customdata}));
};
watch('value', draw);
