// Garments arrive after the answer. They are kept beside the value, which only answers change: those
// of a photo that is gone by then are not shown, and a later answer keeps those of its photos.
// Those of the photos located last are kept: a visit can be long.
const KEPT = 32;
document.addEventListener('garments', (event) => {
  const arrived = event.detail || {};
  const earlier = Object.entries(props.located || {}).filter(([key]) => !(key in arrived));
  props.located = Object.fromEntries([...earlier, ...Object.entries(arrived)].slice(-KEPT));
});
const percent = (event, pic) => {
  const box = pic.getBoundingClientRect();
  const clipped = (v, from, size) => Math.min(100, Math.max(0, 100 * (v - from) / size));
  return [clipped(event.clientX, box.left, box.width), clipped(event.clientY, box.top, box.height)];
};
const place = (frame, b) => Object.assign(frame.style, {left: b[0] + '%', top: b[1] + '%',
  width: (b[2] - b[0]) + '%', height: (b[3] - b[1]) + '%'});
const send = (pic, b) => trigger('frame', {i: pic.dataset.i, box: b});
let drag = null;
element.addEventListener('pointerdown', (event) => {
  const pic = event.target.closest('.pic');
  if (!pic || event.button) return;
  event.preventDefault();
  drag = {pic, from: percent(event, pic), box: null};
  pic.setPointerCapture(event.pointerId);
});
element.addEventListener('pointermove', (event) => {
  if (!drag) return;
  const [x, y] = percent(event, drag.pic), [x0, y0] = drag.from;
  drag.box = [Math.min(x, x0), Math.min(y, y0), Math.max(x, x0), Math.max(y, y0)];
  const frame = drag.pic.querySelector('.frame');
  frame.hidden = false;
  place(frame, drag.box);
});
const restore = (frame) => {  // too small a box: show the one that is searched
  const box = JSON.parse(frame.dataset.box);
  place(frame, box);
  frame.hidden = box.join() === '0,0,100,100';
};
const finish = (valid) => {
  const done = drag; drag = null;
  if (!done) return;
  const b = done.box;
  if (valid && b && b[2] - b[0] > 5 && b[3] - b[1] > 5) send(done.pic, b);
  else restore(done.pic.querySelector('.frame'));
};
element.addEventListener('pointerup', () => finish(true));
element.addEventListener('pointercancel', () => finish(false));
let pause = null;
element.addEventListener('keydown', (event) => {
  const frame = event.target.closest('.frame');
  const move = {ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4],
                ArrowDown: [0, 4]}[event.key];
  if (!frame || !move) return;
  event.preventDefault();
  const pic = frame.closest('.pic');
  let b = JSON.parse(frame.dataset.box);
  const at = event.shiftKey ? [0, 0, move[0], move[1]] : [...move, ...move];
  b = b.map((v, i) => Math.min(100, Math.max(0, v + at[i])));
  if (b[2] - b[0] < 8 || b[3] - b[1] < 8) return;
  frame.dataset.box = JSON.stringify(b);
  place(frame, b);
  clearTimeout(pause);
  pause = setTimeout(() => send(pic, b), 500);
});
element.addEventListener('click', (event) => {
  const garment = event.target.closest('.garment');
  if (garment) trigger('frame', {i: garment.dataset.i, box: JSON.parse(garment.dataset.box)});
});
const outline = (event, shown) => {  // the box of a garment, while its button is pointed at
  const garment = event.target.closest && event.target.closest('.garment');
  if (!garment || drag) return;
  const frame = garment.closest('.photo').querySelector('.frame');
  if (!shown) return restore(frame);
  frame.hidden = false;
  place(frame, JSON.parse(garment.dataset.box));
};
element.addEventListener('pointerover', (event) => outline(event, true));
element.addEventListener('pointerout', (event) => outline(event, false));
element.addEventListener('focusin', (event) => outline(event, true));
element.addEventListener('focusout', (event) => outline(event, false));
